"""Checklists: the profiles of ``catalogue/checklists/*.toml``, a project's choice, and answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

from pydantic import ConfigDict, Field, StrictBool, StringConstraints
from pydantic import model_validator as checked
from pydantic.dataclasses import dataclass as checked_dataclass
from sqlalchemy import insert, select
from sqlmodel import col

from domain.checklists import (
    Checklist,
    ChecklistAnswer,
    ChecklistItem,
    ChecklistProfile,
    ChosenChecklist,
    Compliance,
)
from domain.wording import Matching
from storage.catalogue import CatalogueError, read_document, read_file
from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.models.documents import ChecklistAnswer as ChecklistAnswerRow
from storage.models.projects import Project
from storage.rows import Repository

FOLDER: Final = "checklists"
_STRICT: Final = ConfigDict(extra="forbid")
_MOST_ITEMS: Final = 100
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
_Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
_ItemId = Annotated[
    str, Matching(r"\A[a-z0-9_]{1,40}\Z", "must be 1 to 40 of the characters a to z, 0 to 9 and _")
]
_ProfileId = Annotated[
    str,
    StringConstraints(max_length=60),
    Matching(
        r"\A[a-z0-9]+(-[a-z0-9]+)*-[0-9]+\Z",
        "must be words of a to z and 0 to 9 with - between them, the last its version",
    ),
]
_Source = Annotated[
    str, Matching(r"\Ahttps?://\S{4,500}\Z", "must be a public address (https://…)")
]
_Country = Annotated[str, Matching(r"\A[A-Z]{2}\Z", "must be two capital letters (ISO 3166-1)")]


@cache
def load_checklists(directory: Path | None = None) -> Mapping[str, ChecklistProfile]:
    """Read those that are installed and those of a directory, by their ids.

    One of the directory replaces an installed one of the same id.

    Raises:
        CatalogueError: A file cannot be used, or two have the same id.

    """
    installed = files("catalogue").joinpath(FOLDER)
    names = sorted(item.name for item in installed.iterdir() if item.name.endswith(".toml"))
    found = _by_id((name, installed.joinpath(name).read_text(encoding="utf-8")) for name in names)
    if directory is not None:
        own = sorted((directory / FOLDER).glob("*.toml"))
        found |= _by_id((str(path), read_file(path)) for path in own)
    return found


@checked_dataclass(frozen=True, kw_only=True, config=_STRICT)
class _Item:
    id: _ItemId
    text: _Text
    required: StrictBool = False
    source: _Source | None = None


@checked_dataclass(frozen=True, kw_only=True, config=_STRICT)
class _File:
    id: _ProfileId
    title: _Title
    items: Annotated[list[_Item], Field(min_length=1, max_length=_MOST_ITEMS)]
    country: _Country | None = None
    authority: _Title | None = None

    @checked(mode="after")
    def _whole(self) -> "_File":
        ids = [item.id for item in self.items]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"there are two items {', '.join(twice)}")
        without = [item.id for item in self.items if item.source is None]
        if without and (self.country or self.authority):
            raise ValueError(
                "each item of a country's or an authority's checklist needs a public source: "
                f"{', '.join(without)} has none"
            )
        return self

    def profile(self) -> ChecklistProfile:
        return ChecklistProfile(
            id=self.id,
            title=self.title,
            country=self.country,
            authority=self.authority,
            items=tuple(ChecklistItem(**asdict(item)) for item in self.items),
        )


def _by_id(documents: Iterator[tuple[str, str]]) -> dict[str, ChecklistProfile]:
    found: dict[str, ChecklistProfile] = {}
    for name, text in documents:
        profile = read_document(name, text, _File).profile()
        if profile.id in found:
            raise CatalogueError(f"{name}: another file has the checklist {profile.id}, too")
        found[profile.id] = profile
    return found


class Checklists(Repository):
    """Repository of checklists. Whoever changes one has locked the project before."""

    async def choose(self, project_id: str, chosen: ChosenChecklist | None) -> None:
        """Choose the checklist of a project, as it is now; None: it has none.

        Answers are kept by the id of the checklist: those of another count again if that is chosen.
        """
        await self._rows.at(Project, project_id).set(checklist=chosen)

    async def chosen(self, project_id: str) -> ChosenChecklist | None:
        """Return the checklist of a project."""
        return await self._rows.value(col(Project.checklist), project_id)

    async def of(self, project_id: str, identities: Sequence[str]) -> Mapping[str, Checklist]:
        """Return the checklists of charge points of a project by their ids; empty: it has none."""
        chosen = await self.chosen(project_id)
        if chosen is None:
            return {}
        rows = await self._connection.execute(
            select(ChecklistAnswerRow.__table__)
            .where(among(self._connection, col(ChecklistAnswerRow.charge_point_id), identities))
            .where(col(ChecklistAnswerRow.checklist_id) == chosen.profile.id)
            .order_by(col(ChecklistAnswerRow.item_id))
        )
        answers: dict[str, dict[str, ChecklistAnswer]] = {one: {} for one in identities}
        known = {item.id for item in chosen.profile.items}
        for row in rows:
            if row.item_id in known:
                answers[row.charge_point_id][row.item_id] = ChecklistAnswer(
                    compliance=Compliance(row.compliance),
                    remark=row.remark,
                    by=row.answered_by,
                    at=row.answered_at,
                )
        return {
            one: Checklist(profile=chosen.profile, answers=given) for one, given in answers.items()
        }

    async def of_project(self, project_id: str) -> Mapping[str, Checklist]:
        """Return the checklists of the charge points that are not withdrawn, by their ids."""
        found = await self._rows.values(
            select(col(ChargePoint.id))
            .where(col(ChargePoint.project_id) == project_id)
            .where(col(ChargePoint.withdrawn_at).is_(None))
            .order_by(col(ChargePoint.id))
        )
        return await self.of(project_id, found)

    async def answer(
        self, charge_point_id: str, checklist_id: str, answers: Mapping[str, ChecklistAnswer | None]
    ) -> None:
        """Set answers by the ids of their items; None takes one back. Others stay."""
        taken_back = [item for item, answer in answers.items() if answer is None]
        await self._rows.those(
            ChecklistAnswerRow,
            col(ChecklistAnswerRow.charge_point_id) == charge_point_id,
            col(ChecklistAnswerRow.checklist_id) == checklist_id,
            among(self._connection, col(ChecklistAnswerRow.item_id), taken_back),
        ).remove()
        for item, answer in answers.items():
            if answer is not None:
                await self._rows.put(
                    ChecklistAnswerRow,
                    charge_point_id=charge_point_id,
                    checklist_id=checklist_id,
                    item_id=item,
                    compliance=answer.compliance,
                    remark=answer.remark,
                    answered_by=answer.by,
                    answered_at=answer.at,
                )

    async def swap(self, one: str, other: str) -> None:
        """Exchange the answers of two charge points, those to every checklist."""
        of_both = col(ChecklistAnswerRow.charge_point_id).in_((one, other))
        found = await self._connection.execute(select(ChecklistAnswerRow.__table__).where(of_both))
        rows = found.mappings().all()
        await self._rows.those(ChecklistAnswerRow, of_both).remove()
        there = {one: other, other: one}
        swapped = [{**row, "charge_point_id": there[row["charge_point_id"]]} for row in rows]
        if swapped:
            await self._connection.execute(insert(ChecklistAnswerRow), swapped)


def answer_document(answer: ChecklistAnswer | None) -> Mapping[str, str | None] | None:
    """Write an answer as the audit trail has it."""
    if answer is None:
        return None
    return {"answer": answer.compliance.value, "remark": answer.remark}
