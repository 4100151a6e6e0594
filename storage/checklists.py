"""The checklist of a project, and what was answered of each charge point."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, insert, select
from sqlmodel import col

from domain.checklists import Checklist, ChecklistAnswer, ChosenChecklist, Compliance
from storage.dialects import among
from storage.models.charge_points import ChargePoint
from storage.models.documents import ChecklistAnswer as ChecklistAnswerRow
from storage.models.projects import Project
from storage.rows import Repository


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
        await self._connection.execute(
            delete(ChecklistAnswerRow)
            .where(col(ChecklistAnswerRow.charge_point_id) == charge_point_id)
            .where(col(ChecklistAnswerRow.checklist_id) == checklist_id)
            .where(among(self._connection, col(ChecklistAnswerRow.item_id), taken_back))
        )
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
        await self._connection.execute(delete(ChecklistAnswerRow).where(of_both))
        there = {one: other, other: one}
        swapped = [{**row, "charge_point_id": there[row["charge_point_id"]]} for row in rows]
        if swapped:
            await self._connection.execute(insert(ChecklistAnswerRow), swapped)


def answer_document(answer: ChecklistAnswer | None) -> Mapping[str, str | None] | None:
    """Write an answer as the audit trail has it."""
    if answer is None:
        return None
    return {"answer": answer.compliance.value, "remark": answer.remark}
