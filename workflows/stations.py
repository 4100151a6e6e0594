"""Sends limits to the nodes that hold the charge points of a site, and books the answers."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    import asyncio
    from collections import defaultdict
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from activities.power import PowerActivities
    from domain.operations import Outcome, Reply
    from domain.power.ledger import Ledger
    from domain.power.operations import (
        ConnectorLimit,
        ConnectorsLimited,
        LiftLimits,
        LimitConnectors,
        LimitStation,
        StationLimited,
    )
    from domain.power.share import BayKey
    from domain.power.state import Station
    from workflows import policies
    from workflows.calls import on_node

_LOST = Outcome(reply=Reply.UNKNOWN, detail="Its node did not answer.")


class Stations:
    """The charge points of a site, as its workflow reaches them."""

    def __init__(self, ledger: Ledger, *, on_change: Callable[[], None]) -> None:
        self._ledger = ledger
        self._on_change = on_change
        self._busy: dict[str, asyncio.Task[None]] = {}

    def prepare(self) -> None:
        """Begin to limit charge points that need it. Slow ones hold up nobody's share."""
        now = workflow.now()
        for station in self._ledger.to_prepare(now):
            self._begin(station, self._prepare(station))
        for station in self._ledger.to_lift(now):
            self._begin(station, self._lift(station))

    @property
    def settled(self) -> bool:
        """Whether nothing that has begun is under way."""
        return not self._busy

    async def limit(self, limits: Mapping[BayKey, int]) -> bool:
        """Set limits, all at once, and book what became of each; tells whether all took theirs."""
        by_node: defaultdict[str, list[ConnectorLimit]] = defaultdict(list)
        for key, amps in limits.items():
            station, bay = self._ledger.stations[key[0]], self._ledger.bays[key]
            if station.connection is None:
                continue
            by_node[station.connection.node_id].append(
                ConnectorLimit(
                    charge_point_id=key[0],
                    connector_id=key[1],
                    transaction_id=bay.transaction_id,
                    amps=amps,
                    form=station.form,
                )
            )
        took = await asyncio.gather(
            *(
                self._limit_on(node_id, tuple(wanted[first : first + policies.LIMITS_AT_ONCE]))
                for node_id, wanted in by_node.items()
                for first in range(0, len(wanted), policies.LIMITS_AT_ONCE)
            )
        )
        return all(took)

    async def _limit_on(self, node_id: str, limits: tuple[ConnectorLimit, ...]) -> bool:
        total = sum(limit.amps for limit in limits)
        restarts = {
            limit.charge_point_id: self._ledger.stations[limit.charge_point_id].restarts
            for limit in limits
        }
        try:
            limited: ConnectorsLimited = await on_node(
                PowerActivities.limit_connectors,
                LimitConnectors(limits=limits),
                node_id=node_id,
                summary=f"Limit {len(limits)} transactions to {total} A in all",
                timeout=policies.LIMITS_TIMEOUT,
                pickup=policies.LIMITS_PICKUP,
            )
            outcomes = limited.outcomes
        except ActivityError:
            outcomes = (_LOST,) * len(limits)
            self._ledger.leave_alone(node_id, workflow.now())
        for limit, outcome in zip(limits, outcomes, strict=True):
            self._ledger.limited(
                (limit.charge_point_id, limit.connector_id),
                limit.transaction_id,
                limit.amps,
                outcome.reply,
                workflow.now(),
                restarts=restarts[limit.charge_point_id],
            )
        return all(outcome.reply is Reply.ACCEPTED for outcome in outcomes)

    def _begin(self, station: Station, work: Coroutine[Any, Any, None]) -> None:
        identity = station.charge_point_id
        if identity in self._busy or len(self._busy) >= policies.STATIONS_AT_ONCE:
            work.close()  # whoever ends wakes the site, which looks again
            return

        async def to_the_end() -> None:
            try:
                await work
            finally:
                del self._busy[identity]
                self._on_change()

        self._busy[identity] = asyncio.create_task(to_the_end())

    async def _prepare(self, station: Station) -> None:
        ledger = self._ledger
        assert station.connection is not None  # noqa: S101 - it is online
        terms, idle = ledger.terms(station), ledger.idle(station)
        request = LimitStation(
            charge_point_id=station.charge_point_id,
            station_amps=terms.station_amps,
            default_amps=None if terms.default_amps >= station.max_amps else terms.default_amps,
            form=station.form,
            connectors=station.connectors,
            idle=idle,
            # Whoever plugs in between may draw all that the cable carries.
            afresh=station.unlimited,
        )
        try:
            limited = await on_node(
                PowerActivities.limit_station,
                request,
                node_id=station.connection.node_id,
                summary=f"Limit {station.charge_point_id} to {request.station_amps:g} A",
                timeout=policies.STATION_TIMEOUT,
            )
        except ActivityError:
            limited = StationLimited(reply=Reply.UNKNOWN, unit=station.unit, detail=_LOST.detail)
        ledger.prepared(station, terms, limited, workflow.now(), idle=idle)

    async def _lift(self, station: Station) -> None:
        assert station.connection is not None  # noqa: S101 - it is online
        try:
            outcome = await on_node(
                PowerActivities.lift_limits,
                LiftLimits(charge_point_id=station.charge_point_id, connectors=station.connectors),
                node_id=station.connection.node_id,
                summary=f"Lift the limits of {station.charge_point_id}",
                timeout=policies.STATION_TIMEOUT,
            )
        except ActivityError:
            outcome = _LOST
        self._ledger.lifted(station.charge_point_id, outcome.reply, workflow.now())
