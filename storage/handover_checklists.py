"""What the checklists of charge points say of a handover."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.checklists import Checklist, ChecklistItem
from domain.handover import Blocker, Caution
from storage.checklists import Checklists

_NAMED: Final = 10  # of the items that a sentence is about


async def checklist_blockers(
    connection: AsyncConnection, project_id: str, serials: Mapping[str, str]
) -> Sequence[Blocker]:
    """Required items that are not compliant, or not answered, of these charge points."""
    found = await Checklists(connection).of(project_id, list(serials))
    return [
        Blocker(
            code="checklist_open",
            detail=f"The checklist of charge point {serials[identity]} has required items that "
            f"are open: {_items(checklist, checklist.in_the_way)}. Put them right, and answer "
            f"each with PATCH …/installer/charge-points/{identity}/checklist: `compliant`, or "
            "`not_applicable`.",
            charge_point_id=identity,
        )
        for identity, checklist in found.items()
        if checklist.in_the_way
    ]


async def checklist_cautions(
    connection: AsyncConnection, project_id: str, serials: Mapping[str, str]
) -> Sequence[Caution]:
    """What is not compliant and not required, of these charge points."""
    found = await Checklists(connection).of(project_id, list(serials))
    return [
        Caution(
            code="not_compliant",
            detail=f"By its checklist charge point {serials[identity]} is not compliant: "
            f"{_items(checklist, items)}. It is handed over so, and the certificate says it. Until "
            "the handover the installer answers anew with "
            f"PATCH …/installer/charge-points/{identity}/checklist.",
        )
        for identity, checklist in found.items()
        if (items := [item for item in checklist.not_compliant if not item.required])
    ]


def _items(checklist: Checklist, items: Sequence[ChecklistItem]) -> str:
    said = list(_said(checklist, items[:_NAMED]))
    more = len(items) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")


def _said(checklist: Checklist, items: Sequence[ChecklistItem]) -> Iterator[str]:
    for item in items:
        answer = checklist.answers.get(item.id)
        why = "not answered" if answer is None else answer.remark or "not compliant"
        yield f"{item.id} ({why.rstrip('.')})"
