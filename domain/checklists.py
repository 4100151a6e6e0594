"""Checklists: what an installer looks at before the handover, item by item; a person's word.

A profile is data, see ``catalogue/checklists``. A project keeps the one that was chosen as it was
then, so that nothing of it changes with the catalogue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Compliance(StrEnum):
    """What a person says of an item."""

    COMPLIANT = "compliant"
    NOT_COMPLIANT = "not_compliant"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChecklistItem:
    """One thing to look at.

    A ``required`` one has to be compliant, or not applicable, before the handover. ``source``: a
    public address.
    """

    id: str
    text: str
    required: bool = False
    source: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChecklistProfile:
    """A checklist; ``id`` ends with its version. ``country``: ISO 3166-1, two letters."""

    id: str
    title: str
    items: tuple[ChecklistItem, ...]
    country: str | None = None
    authority: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenChecklist:
    """The checklist of a project, who chose it (an e-mail) and when."""

    profile: ChecklistProfile
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ChecklistAnswer:
    """What was said of an item, by whom (an e-mail) and when."""

    compliance: Compliance
    remark: str | None
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Checklist:
    """The checklist of a charge point, with the answers by the ids of their items."""

    profile: ChecklistProfile
    answers: Mapping[str, ChecklistAnswer]

    @property
    def not_answered(self) -> tuple[ChecklistItem, ...]:
        """Items that nobody has said anything of."""
        return tuple(item for item in self.profile.items if item.id not in self.answers)

    @property
    def not_compliant(self) -> tuple[ChecklistItem, ...]:
        """Items that are not as they should be."""
        return tuple(item for item in self.profile.items if self._is_not_compliant(item))

    @property
    def in_the_way(self) -> tuple[ChecklistItem, ...]:
        """Required items that keep the handover from being completed."""
        return tuple(
            item
            for item in self.profile.items
            if item.required and (item.id not in self.answers or self._is_not_compliant(item))
        )

    def _is_not_compliant(self, item: ChecklistItem) -> bool:
        answer = self.answers.get(item.id)
        return answer is not None and answer.compliance is Compliance.NOT_COMPLIANT
