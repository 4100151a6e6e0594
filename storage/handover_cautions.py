"""What a handover does not wait for, and its owner should know."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.handover import Caution
from domain.states import AccessMode
from storage.access import Access
from storage.connections import read_connections
from storage.features import Power
from storage.tables import charge_points
from storage.tariffs import Tariffs

_NAMED: Final = 5  # of the charge points that a sentence is about

_NOBODY: Final = Caution(
    code="nobody_may_charge",
    detail="Nobody may charge yet: the site is not open to everybody, and no id tag is listed. The "
    "installer (until the handover) or the site owner opens it with PUT …/access, or lists id tags "
    "with PUT …/id-tags/{id_tag}.",
)
_FREE: Final = Caution(
    code="no_tariff",
    detail="There is no tariff: charging is free, and not billed. The installer sets a default "
    "with PUT …/default-tariff until the handover, the site owner sets one with PUT …/tariff.",
)
_NO_LIMIT: Final = Caution(
    code="no_power_limit",
    detail="No limit of the supply is given: every vehicle may draw what its cable carries, all at "
    "once. The installer (until the handover) or the site owner gives it with PUT …/power.",
)


async def read_cautions(
    connection: AsyncConnection, project_id: str, *, now: datetime
) -> Sequence[Caution]:
    """What the owner of a project would find, if it were handed over as it is."""
    cautions = []
    mode, tags = await Access(connection, project_id).mode()
    if mode is AccessMode.LISTED and not tags:
        cautions.append(_NOBODY)
    if await Tariffs(connection, project_id).valid_at(now) is None:
        cautions.append(_FREE)
    if (await Power(connection, project_id).limit()).amps is None:
        cautions.append(_NO_LIMIT)
    rows = (
        await connection.execute(
            select(
                charge_points.c.id, charge_points.c.serial_number, charge_points.c.credential_hash
            )
            .where(charge_points.c.project_id == project_id)
            .where(charge_points.c.withdrawn_at.is_(None))
            .order_by(charge_points.c.serial_number)
        )
    ).all()
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
    return cautions


def _named(serials: Sequence[str]) -> str:
    """The beginning of a sentence about them."""
    if len(serials) == 1:
        return f"Charge point {serials[0]} is"
    more = len(serials) - _NAMED
    if more > 0:
        return f"Charge points {', '.join(serials[:_NAMED])} and {more} more are each"
    return f"Charge points {', '.join(serials[:-1])} and {serials[-1]} are each"
