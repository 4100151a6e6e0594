"""Sites whose power is shared, for the activities."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.plausibility import Current
from domain.power.facts import (
    Draws,
    DrawsQuestion,
    PauseSmartCharging,
    SetElectrical,
    SetLimit,
    SiteQuestion,
    SiteRequest,
    SiteSnapshot,
    StationFacts,
    StationStates,
    TakeOut,
    Watched,
)
from domain.power.site import Phase, SiteLimit
from domain.rules.sampled_values import read_samples
from domain.states import Feature, ProjectStatus
from storage import connections as links
from storage.catalogue import Catalogue
from storage.connectors import read_connectors
from storage.dialects import among, at_once, upsert
from storage.features import Power, electrical, store_electrical
from storage.in_use import is_commissioned, open_run
from storage.models.charge_points import ChargePoint, ChargePointFeature
from storage.models.invitations import ServiceVisit
from storage.models.projects import Project
from storage.models.transactions import MeterValue
from storage.records import CatalogueRecords
from storage.rows import Rows
from storage.transactions import running_transactions
from storage.visiting import visit_of
from storage.withdrawals import Withdrawals

_LENGTH = 500
_LOOKED_AT = 20
_LONG_ENOUGH = timedelta(seconds=30)


class StoredPowerSharing(CatalogueRecords):
    """Does :class:`activities.records.SiteActivities`: the registry's side of a site."""

    async def read_site(self, question: SiteQuestion) -> SiteSnapshot:
        """Read the site; a project that is not there has no charge points."""
        async with self._database.read() as connection:
            return await _read_site(connection, self._catalogue, question, now=self._now())

    async def read_draws(self, question: DrawsQuestion) -> Draws:
        """Read what transactions draw; one without meter values since then is left out."""
        async with self._database.read() as connection:
            watts = {one.number: await _watts(connection, one) for one in question.watched}
        return Draws(watts={number: one for number, one in watts.items() if one is not None})

    async def take_out(self, order: TakeOut) -> None:
        """Withdraw a charge point that was asked to be, now that it cannot draw any more."""
        async with self._database.write() as connection:
            await Withdrawals(connection).complete(
                order.charge_point_id, at=self._now(), by_site=True
            )

    async def record_states(self, states: StationStates) -> None:
        """Store the states, in one order for all."""
        rows = [
            {
                "charge_point_id": one.charge_point_id,
                "feature": Feature.SMART_CHARGING,
                "state": one.state,
                "cause": None if one.cause is None else one.cause[:_LENGTH],
                "action": None if one.action is None else one.action[:_LENGTH],
                "changed_at": self._now(),
            }
            for one in sorted(states.states, key=lambda one: one.charge_point_id)
        ]
        if rows:
            async with self._database.write() as connection:
                keys = ("charge_point_id", "feature")
                await connection.execute(
                    at_once(connection, upsert(connection, ChargePointFeature, keys=keys)), rows
                )

    async def set_limit(self, change: SetLimit) -> None:
        """Store the limit."""
        async with self._database.write() as connection:
            await Power(connection, change.project_id).set_limit(
                change.limit, by=change.by, at=self._now()
            )

    async def set_electrical(self, change: SetElectrical) -> None:
        """Store how a charge point is connected."""
        async with self._database.write() as connection:
            await store_electrical(
                connection,
                (change.project_id, change.charge_point_id),
                change.electrical,
                by=change.by,
                at=self._now(),
            )

    async def pause(self, change: PauseSmartCharging) -> None:
        """Store since when it is paused, or that it is not any more."""
        async with self._database.write() as connection:
            await Power(connection, change.project_id).set_paused(
                paused=change.paused, by=change.by, at=self._now()
            )


async def handed_over_sites(
    connection: AsyncConnection, *, after: str, limit: int
) -> Sequence[SiteRequest]:
    """Projects that were handed over, in the order of their ids."""
    rows = await connection.execute(
        select(col(Project.id), col(Project.name))
        .where(col(Project.status) == ProjectStatus.HANDED_OVER, col(Project.id) > after)
        .order_by(col(Project.id))
        .limit(limit)
    )
    return [SiteRequest(project_id=row.id, name=row.name) for row in rows]


async def live_site(connection: AsyncConnection, project_id: str) -> SiteRequest | None:
    """What the workflow of a site is started with; None where it is not handed over."""
    is_live = col(Project.status) == ProjectStatus.HANDED_OVER
    name = await Rows(connection).value(col(Project.name), project_id, is_live)
    return None if name is None else SiteRequest(project_id=project_id, name=name)


async def _read_site(
    connection: AsyncConnection, catalogue: Catalogue, question: SiteQuestion, *, now: datetime
) -> SiteSnapshot:
    project = await Rows(connection).look_up(Project, question.project_id)
    if project is None:
        return SiteSnapshot(limit=SiteLimit())
    limit = SiteLimit(amps=project.max_amps, phases=project.phases)
    query = select(
        ChargePoint.__table__,
        is_commissioned().label("commissioned"),
        open_run().label("run"),
        visit_of(col(ChargePoint.id))
        .with_only_columns(col(ServiceVisit.ends_at))
        .scalar_subquery()
        .label("until"),
    ).where(
        col(ChargePoint.project_id) == question.project_id, col(ChargePoint.withdrawn_at).is_(None)
    )
    if question.charge_point_ids:
        query = query.where(among(connection, col(ChargePoint.id), question.charge_point_ids))
    rows = await Rows(connection).all(query.order_by(col(ChargePoint.id)))
    identities = [row.id for row in rows]
    statuses = await read_connectors(connection, identities)
    running = await running_transactions(connection, identities)
    successors = {row.replaced_by for row in rows if row.replaced_by and row.withdrawal}
    known = {*identities, *successors}
    connected = await links.read_connections(connection, known, now=now)
    orders = {row.id: row.withdrawal for row in rows if row.withdrawal is not None}
    isolated = {
        row.id
        for row in rows
        # Another one that has connected is on its cable.
        if row.id in orders and (orders[row.id].isolated or row.replaced_by in connected)
    }
    there = {row.id: row for row in rows}
    cables = {row.id: electrical(row.max_amps, row.phases, row.voltage) for row in rows}
    kinds = {row.id: catalogue.resolve(row.vendor, row.model).current for row in rows}
    return SiteSnapshot(
        limit=limit,
        paused=project.smart_charging_paused_at is not None,
        stations=tuple(
            StationFacts(
                charge_point_id=identity,
                commissioned=bool(there[identity].commissioned),
                run=there[identity].run,
                until=there[identity].until,
                leaves=identity in orders,
                isolated=identity in isolated,
                max_amps=cable.max_amps,
                declared=cable.declared,
                phases=_phases(cable.phases, limit),
                voltage=cable.voltage,
                direct_current=kinds[identity] is Current.DC,
                connection=connected.get(identity),
                connectors=tuple(statuses[identity]),
                transactions=tuple(running[identity]),
            )
            for identity, cable in cables.items()
        ),
    )


def _phases(own: tuple[Phase, ...] | None, limit: SiteLimit) -> tuple[Phase, ...]:
    """The phases that a charge point loads; those that the site lacks do not count."""
    there = limit.supply if own is None else own
    return tuple(phase for phase in there if phase in limit.supply) or limit.supply


async def _watts(connection: AsyncConnection, watched: Watched) -> float | None:
    """What the newest reading says, or how fast the register has risen up to it."""
    rows = await connection.execute(
        select(col(MeterValue.at), col(MeterValue.samples))
        .where(col(MeterValue.transaction_id) == watched.number)
        .where(col(MeterValue.received_at) >= watched.since)
        .order_by(col(MeterValue.at).desc(), col(MeterValue.id).desc())
        .limit(_LOOKED_AT)
    )
    readings = [read_samples(row.at, row.samples) for row in rows]
    for one in readings:
        if one.power_w is not None:
            return one.power_w
    counted = [(one.at, one.energy_wh) for one in readings if one.energy_wh is not None]
    if not counted:
        return None
    (ended_at, last), (began_at, first) = counted[0], counted[-1]
    hours = (ended_at - began_at) / timedelta(hours=1)
    return (last - first) / hours if ended_at - began_at >= _LONG_ENOUGH else None
