"""A checklist in words: each item with what the installer says of it."""

from dataclasses import dataclass
from typing import Final

from documents.certificate.words import moment
from domain.checklists import Checklist, ChecklistAnswer, Compliance
from domain.states import CheckResult

LEGEND: Final = {
    Compliance.COMPLIANT: ("compliant", CheckResult.PASSED),
    Compliance.NOT_COMPLIANT: ("not compliant", CheckResult.FAILED),
    Compliance.NOT_APPLICABLE: ("not applicable", CheckResult.PENDING),
    None: ("not answered", CheckResult.SKIPPED),
}
"""What may be said of an item, and the mark of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemContent:
    """One item; ``mark`` draws and colours it."""

    text: str
    said: str
    mark: CheckResult
    remark: str | None
    aside: str
    """Its source, and who answered when."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChecklistContent:
    """A checklist; ``summary`` says what is open."""

    title: str
    summary: str
    items: tuple[ItemContent, ...]


def checklist_content(checklist: Checklist | None, time_zone: str) -> ChecklistContent | None:
    """Put a checklist into words."""
    if checklist is None:
        return None
    profile = checklist.profile
    of = " · ".join(part for part in (profile.country, profile.authority) if part)
    return ChecklistContent(
        title=f"{profile.title} ({profile.id}{', ' + of if of else ''})",
        summary=_summary(checklist),
        items=tuple(
            ItemContent(
                text=item.text + (" (required)" if item.required else ""),
                said=LEGEND[answer.compliance if answer else None][0],
                mark=LEGEND[answer.compliance if answer else None][1],
                remark=answer.remark if answer else None,
                aside=" · ".join(_aside(item.source, answer, time_zone)),
            )
            for item in profile.items
            for answer in (checklist.answers.get(item.id),)
        ),
    )


def _aside(source: str | None, answer: ChecklistAnswer | None, time_zone: str) -> tuple[str, ...]:
    said = () if answer is None else (f"{answer.by}, {moment(answer.at, time_zone)}",)
    return said if source is None else (*said, f"Source: {source}")


def _summary(checklist: Checklist) -> str:
    counts = (
        (len(checklist.profile.items), "items"),
        (len(checklist.not_compliant), "not compliant"),
        (len(checklist.not_answered), "not answered"),
    )
    return ", ".join(f"{number} {what}" for number, what in counts if number)
