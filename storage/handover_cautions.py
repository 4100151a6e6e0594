"""What a handover does not wait for and its owner should know, and what its checklists say."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.checklists import Checklist, ChecklistItem
from domain.handover import Blocker, Caution
from domain.states import AccessMode
from storage.access import Access
from storage.checklists import Checklists
from storage.connections import read_connections
from storage.features import Power
from storage.models.charge_points import ChargePoint
from storage.rows import Rows
from storage.tariffs import Tariffs

_NAMED: Final = 5  # of the charge points that a sentence is about
_ITEMS_NAMED: Final = 10  # of the items that a sentence is about


async def read_cautions(
    connection: AsyncConnection, project_id: str, *, now: datetime
) -> Sequence[Caution]:
    """What the owner of a project would find, if it were handed over as it is."""
    cautions = []
    mode, tags = await Access(connection, project_id).mode()
    if mode is AccessMode.LISTED and not tags:
        cautions.append(_nobody(project_id))
    if await Tariffs(connection, project_id).valid_at(now) is None:
        cautions.append(_free(project_id))
    if (await Power(connection, project_id).limit()).amps is None:
        cautions.append(_no_limit(project_id))
    rows = await Rows(connection).all(
        select(ChargePoint.__table__)
        .where(col(ChargePoint.project_id) == project_id, col(ChargePoint.withdrawn_at).is_(None))
        .order_by(col(ChargePoint.serial_number))
    )
    links = await read_connections(connection, [row.id for row in rows], now=now)
    away = [row.serial_number for row in rows if row.id not in links or not links[row.id].connected]
    if away:
        cautions.append(
            Caution(
                code="not_connected",
                detail=f"{_named(away)} not connected now, so nobody charges there until the "
                "connection is back: see to its power and its network.",
            )
        )
    keyless = [row.serial_number for row in rows if row.credential_hash is None]
    if keyless:
        cautions.append(
            Caution(
                code="link_unauthenticated",
                detail=f"{_named(keyless)} connected without a key of its own: whoever knows the "
                "address can speak in its name, and its records say so.",
            )
        )
    cautions += await checklist_cautions(
        connection, project_id, {row.id: row.serial_number for row in rows}
    )
    return cautions


def _nobody(project_id: str) -> Caution:
    return Caution(
        code="nobody_may_charge",
        detail="Nobody may charge yet: the site is not open to everybody, and no id tag is listed. "
        f"{_either(project_id, 'access')} opens it; …/id-tags/ and the number of a tag lists one.",
    )


def _free(project_id: str) -> Caution:
    return Caution(
        code="no_tariff",
        detail="There is no tariff: charging is free, and not billed. Until the handover the "
        f"installer sets a default with PUT …/installer/projects/{project_id}/default-tariff, the "
        f"site owner sets one with PUT …/site-owner/projects/{project_id}/tariff.",
    )


def _no_limit(project_id: str) -> Caution:
    return Caution(
        code="no_power_limit",
        detail="No limit of the supply is given: every vehicle may draw what its cable carries, "
        f"all at once. {_either(project_id, 'power')} gives one.",
    )


def _either(project_id: str, what: str) -> str:
    """A call of both sides, at the beginning of a sentence."""
    return (
        f"PUT …/installer/projects/{project_id}/{what} (until the handover) or "
        f"PUT …/site-owner/projects/{project_id}/{what}"
    )


def _named(serials: Sequence[str]) -> str:
    """The beginning of a sentence about them."""
    if len(serials) == 1:
        return f"Charge point {serials[0]} is"
    more = len(serials) - _NAMED
    if more > 0:
        return f"Charge points {', '.join(serials[:_NAMED])} and {more} more are each"
    return f"Charge points {', '.join(serials[:-1])} and {serials[-1]} are each"


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
    said = list(_said(checklist, items[:_ITEMS_NAMED]))
    more = len(items) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")


def _said(checklist: Checklist, items: Sequence[ChecklistItem]) -> Iterator[str]:
    for item in items:
        answer = checklist.answers.get(item.id)
        why = "not answered" if answer is None else answer.remark or "not compliant"
        yield f"{item.id} ({why.rstrip('.')})"
