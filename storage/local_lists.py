"""Local lists of id tags on charge points: what they should have, what they have, what is due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, case, false, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.offline import HeldList, ListState, LocalListUpdated
from domain.rules.offline import settings_for
from domain.states import OfflineAccess, ProjectStatus
from storage.connections import is_live
from storage.contest_marks import counts
from storage.in_use import is_in_use, open_run
from storage.models.charge_points import ChargePoint
from storage.models.configuration import LocalList, Parameter
from storage.models.connections import ChargePointConnection
from storage.models.facts import Boot
from storage.models.projects import IdTag, Project
from storage.models.transactions import Transaction
from storage.read_models import read_model
from storage.rows import Rows

QUIET: Final = timedelta(seconds=10)
"""So long nothing is changed before it is told: id tags are put one by one."""
_LONGEST: Final = timedelta(minutes=2)
_MOST_BREAKS: Final = 2
_NONE: Final = -1
"""Of no connection."""
_LOOKED_AT: Final = 100_000
_DETAIL: Final = 500
_VALUE: Final = 500
_DONE: Final = frozenset(
    {ListState.KEPT, ListState.PARTLY_KEPT, ListState.UNCONFIRMED, ListState.NOT_KEPT}
)
_updated = read_model(LocalListUpdated)
_NOTHING: Final = LocalListUpdated(state=ListState.UNCONFIRMED)


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedList:
    """What the local list of a charge point should be, and the keys beside it.

    ``id_tags`` are those first that charged last; none where it is not in use. ``before`` is what
    is known of it; it ``is_current`` when it was sent just these. ``settings`` are keys that nobody
    has chosen a value for otherwise.
    """

    id_tags: Sequence[str]
    settings: Mapping[str, bool]
    before: LocalListUpdated
    is_current: bool
    in_use: bool
    of_change: datetime | None
    boot_at: datetime | None
    breaks: int


async def read_wanted(connection: AsyncConnection, charge_point_id: str) -> WantedList | None:
    """Read it; None where none is to be sent: the site is not handed over, or a run is open."""
    row = await Rows(connection).find(
        select(
            col(ChargePoint.project_id),
            col(Project.offline),
            col(Project.access_changed_at),
            LocalList.__table__,
            _newest_boot().label("booted_at"),
            _in_use_now().label("in_use_now"),
        )
        .join(Project, col(Project.id) == col(ChargePoint.project_id))
        .outerjoin(LocalList, col(LocalList.charge_point_id) == col(ChargePoint.id))
        .where(col(ChargePoint.id) == charge_point_id, _is_in_service())
    )
    if row is None:
        return None
    choice = None if row.offline is None else OfflineAccess(row.offline)
    tags: Sequence[str] = ()
    if row.in_use_now and choice is not OfflineAccess.NOBODY:
        tags = await _listed(connection, row.project_id)
    chosen = await connection.scalars(
        select(col(Parameter.variable)).where(col(Parameter.charge_point_id) == charge_point_id)
    )
    others = {key.casefold() for key in chosen}
    before = _NOTHING if row.state is None else _updated(row)
    return WantedList(
        id_tags=tags,
        settings={
            key: value
            for key, value in settings_for(choice, has_tags=bool(tags)).items()
            if key.casefold() not in others
        },
        before=before,
        is_current=row.state is not None
        and before.state in _DONE
        and row.in_use == row.in_use_now
        and row.of_change == row.access_changed_at,
        in_use=row.in_use_now,
        of_change=row.access_changed_at,
        boot_at=row.booted_at,
        breaks=row.breaks or 0,
    )


async def keep_list(
    connection: AsyncConnection,
    charge_point_id: str,
    found: HeldList,
    wanted: WantedList,
    *,
    generation: int,
) -> None:
    """Note what became of a list that was wanted, on that connection."""
    detail, keys = found.list.detail, found.keys
    await Rows(connection).put(
        LocalList,
        charge_point_id=charge_point_id,
        state=found.list.state,
        version=found.list.version,
        id_tags=found.list.id_tags,
        listed=found.list.listed,
        detail=detail and detail[:_DETAIL],
        keys={key: value and value[:_VALUE] for key, value in keys.items()},
        in_use=wanted.in_use,
        of_change=wanted.of_change,
        generation=generation,
        boot_at=wanted.boot_at,
        breaks=wanted.breaks + 1 if found.list.state is ListState.BROKE_OFF else 0,
        checked_at=found.checked_at,
    )


async def read_to_clear(connection: AsyncConnection, charge_point_id: str) -> int | None:
    """Version of the list of a charge point that left its site with one; None: it has none."""
    return await connection.scalar(
        select(func.coalesce(col(LocalList.version), 0)).where(
            col(LocalList.charge_point_id) == charge_point_id, col(LocalList.id_tags) > 0
        )
    )


async def doubt_list(connection: AsyncConnection, charge_point_id: str) -> None:
    """What it was sent may be in another unit; it is sent anew, once a run has let go of it."""
    known = Rows(connection).at(LocalList, charge_point_id)
    await known.set(version=None, generation=_NONE, breaks=0)


async def forget_list(connection: AsyncConnection, charge_point_id: str) -> None:
    """It is empty now, or another unit is there: nothing is known of it any more."""
    await Rows(connection).at(LocalList, charge_point_id).remove()


async def due_lists(
    connection: AsyncConnection, *, now: datetime, after: str, limit: int
) -> Sequence[str]:
    """Ids of connected charge points whose lists are to be looked at, in their order.

    The owner has changed something and paused; or the charge point has a new connection, or
    booted. One whose link broke twice at it is left alone until something is changed.
    """
    changed = or_(
        col(LocalList.charge_point_id).is_(None),
        col(LocalList.of_change).is_distinct_from(col(Project.access_changed_at)),
        col(LocalList.in_use) != _in_use_now(),
    )
    paused = or_(
        col(Project.access_changed_at).is_(None),
        col(Project.access_changed_at) < now - QUIET,
        col(LocalList.checked_at) < now - _LONGEST,
    )
    came_back = and_(
        col(LocalList.breaks) < _MOST_BREAKS,
        or_(
            col(LocalList.generation) != col(ChargePointConnection.generation),
            col(LocalList.boot_at).is_distinct_from(_newest_boot()),
        ),
    )
    return await Rows(connection).values(
        select(col(ChargePoint.id))
        .join(Project, col(Project.id) == col(ChargePoint.project_id))
        .join(
            ChargePointConnection, col(ChargePointConnection.charge_point_id) == col(ChargePoint.id)
        )
        .outerjoin(LocalList, col(LocalList.charge_point_id) == col(ChargePoint.id))
        .where(col(ChargePoint.id) > after, _is_in_service(), or_(and_(changed, paused), came_back))
        .where(is_live())
        .order_by(col(ChargePoint.id))
        .limit(limit)
    )


async def read_lists(
    connection: AsyncConnection, project_id: str
) -> Sequence[tuple[str, HeldList | None, bool, bool]]:
    """Of each charge point: its id, what is known, whether that is up to date, and it in use."""
    rows = await connection.execute(
        select(
            col(ChargePoint.id),
            LocalList.__table__,
            case(
                (col(LocalList.of_change).is_distinct_from(col(Project.access_changed_at)), False),
                else_=True,
            ).label("is_current"),
            _in_use_now().label("in_use_now"),
        )
        .join(Project, col(Project.id) == col(ChargePoint.project_id))
        .outerjoin(LocalList, col(LocalList.charge_point_id) == col(ChargePoint.id))
        .where(col(ChargePoint.project_id) == project_id, col(ChargePoint.withdrawn_at).is_(None))
        .order_by(col(ChargePoint.id))
    )
    return [
        (
            row.id,
            None
            if row.state is None
            else HeldList(list=_updated(row), keys=row.keys, checked_at=row.checked_at),
            bool(row.is_current),
            bool(row.in_use_now),
        )
        for row in rows
    ]


def _is_in_service() -> Any:
    return and_(
        col(Project.status) == ProjectStatus.HANDED_OVER,
        col(ChargePoint.withdrawn_at).is_(None),
        col(ChargePoint.watched_by).is_(None),
        open_run().is_(None),
        # One that is not in use yet gets none; one that is not any more loses it.
        or_(is_in_use(), col(LocalList.charge_point_id).is_not(None)),
    )


def _in_use_now() -> Any:
    return case((is_in_use(), true()), else_=false())


def _newest_boot() -> Any:
    return (
        select(func.max(col(Boot.at)))
        .where(col(Boot.charge_point_id) == col(ChargePoint.id), counts(Boot.__table__))
        .correlate(ChargePoint)
        .scalar_subquery()
    )


async def _listed(connection: AsyncConnection, project_id: str) -> Sequence[str]:
    # However long the history is, so many of the newest transactions of all sites are looked at.
    newest = select(func.max(col(Transaction.id))).scalar_subquery()
    used = (
        select(
            func.lower(func.trim(col(Transaction.id_tag))).label("tag_key"),
            func.max(col(Transaction.id)).label("last"),
        )
        .join(ChargePoint, col(ChargePoint.id) == col(Transaction.charge_point_id))
        .where(col(ChargePoint.project_id) == project_id, col(Transaction.id) > newest - _LOOKED_AT)
        .group_by(func.lower(func.trim(col(Transaction.id_tag))))
        .subquery()
    )
    return await Rows(connection).values(
        select(col(IdTag.id_tag))
        .outerjoin(used, used.c.tag_key == col(IdTag.tag_key))
        .where(col(IdTag.project_id) == project_id)
        .order_by(func.coalesce(used.c.last, 0).desc(), col(IdTag.tag_key))
    )
