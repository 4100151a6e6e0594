"""Sends limits to the nodes that hold the charge points of a site, and notes the answers."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    import asyncio
    from collections import defaultdict
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from functools import partial
    from typing import Any

    from activities.charge_point import ChargePointActivities, PowerActivities
    from domain.operations import ChangeAvailability, Outcome, Reply, StopTestTransaction
    from domain.power.agenda import Availability
    from domain.power.operations import (
        ConnectorLimit,
        ConnectorsLimited,
        LimitConnectors,
        StationLimited,
    )
    from domain.power.share import BayKey
    from domain.power.site_controller import SiteController
    from domain.power.state import Bay, Station
    from workflows import policies
    from workflows.charge_point import on_node

_LOST = Outcome(reply=Reply.UNKNOWN, detail="Its node did not answer.")


class Stations:
    """The charge points of a site, as its workflow reaches them."""

    def __init__(self, controller: SiteController, *, on_change: Callable[[], None]) -> None:
        self._controller = controller
        self._on_change = on_change
        self._busy: dict[str, asyncio.Task[None]] = {}

    def prepare(self) -> None:
        """Begin what charge points need. Slow ones hold up no share of others."""
        for charge_point_id, work in self._due():
            if charge_point_id not in self._busy and len(self._busy) < policies.STATIONS_AT_ONCE:
                self._begin(charge_point_id, work())

    @property
    def waiting(self) -> bool:
        """Whether there is something to begin; each that ends wakes the site, which looks again."""
        return len(self._busy) < policies.STATIONS_AT_ONCE and any(
            charge_point_id not in self._busy for charge_point_id, _ in self._due()
        )

    def _due(self) -> Iterator[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        now = workflow.now()
        for station in self._controller.to_prepare(now):
            yield station.charge_point_id, partial(self._prepare, station)
        for station in self._controller.to_lift(now):
            yield station.charge_point_id, partial(self._lift, station)
        for wanted in self._controller.to_close(now):
            yield wanted.station.charge_point_id, partial(self._close, wanted)
        for bay in self._controller.to_stop(now):
            yield bay.key[0], partial(self._stop, bay, self._controller.stations[bay.key[0]])

    def is_busy(self, charge_point_id: str) -> bool:
        """Whether it is being told something."""
        return charge_point_id in self._busy

    @property
    def is_idle(self) -> bool:
        """Whether nothing that has begun is under way."""
        return not self._busy

    async def limit(self, limits: Mapping[BayKey, int]) -> bool:
        """Set limits, all at once, and note what became of each; tells whether all took theirs."""
        self._controller.sends(limits)
        by_node: defaultdict[str, list[ConnectorLimit]] = defaultdict(list)
        for key, amps in limits.items():
            station, bay = self._controller.stations[key[0]], self._controller.bays[key]
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
            limit.charge_point_id: self._controller.stations[limit.charge_point_id].restarts
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
            self._controller.leave_alone(node_id, workflow.now())
        for limit, outcome in zip(limits, outcomes, strict=True):
            self._controller.limited(
                (limit.charge_point_id, limit.connector_id),
                limit.transaction_id,
                limit.amps,
                outcome.reply,
                workflow.now(),
                restarts=restarts[limit.charge_point_id],
                detail=outcome.detail,
            )
        return all(outcome.reply is Reply.ACCEPTED for outcome in outcomes)

    def _begin(self, identity: str, work: Coroutine[Any, Any, None]) -> None:
        async def to_the_end() -> None:
            try:
                await work
            finally:
                del self._busy[identity]
                self._on_change()

        self._busy[identity] = asyncio.create_task(to_the_end())

    async def _prepare(self, station: Station) -> None:
        controller = self._controller
        assert station.connection is not None  # noqa: S101 - it is online
        terms = controller.terms(station, workflow.now())
        if terms is None:
            return  # what it was to be told has changed since
        request = controller.request(station, terms)
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
        controller.prepared(
            station, terms, limited, workflow.now(), idle=request.idle, running=request.running
        )

    async def _lift(self, station: Station) -> None:
        assert station.connection is not None  # noqa: S101 - it is online
        lift = self._controller.lift(station)
        try:
            outcome = await on_node(
                PowerActivities.lift_limits,
                lift,
                node_id=station.connection.node_id,
                summary=f"Lift the limits of {station.charge_point_id}",
                timeout=policies.STATION_TIMEOUT,
            )
        except ActivityError:
            outcome = _LOST
        self._controller.lifted(
            station.charge_point_id, outcome.reply, workflow.now(), whole=lift.whole
        )

    async def _close(self, wanted: Availability) -> None:
        """Make connectors inoperative, or operative again."""
        station = wanted.station
        assert station.connection is not None  # noqa: S101 - it is online
        todo = [(number, False) for number in wanted.close]
        for number, operative in (*todo, *((number, True) for number in wanted.open)):
            try:
                outcome = await on_node(
                    ChargePointActivities.change_availability,
                    ChangeAvailability(
                        charge_point_id=station.charge_point_id,
                        connector_id=number,
                        operative=operative,
                    ),
                    node_id=station.connection.node_id,
                    summary=f"{'Open' if operative else 'Close'} connector {number} of "
                    f"{station.charge_point_id}",
                )
            except ActivityError:
                outcome = _LOST
            self._controller.closed(
                station.charge_point_id,
                number,
                outcome.reply,
                workflow.now(),
                operative=operative,
                restarts=station.restarts,
            )

    async def _stop(self, bay: Bay, station: Station) -> None:
        """End a transaction that the supply does not carry, and that takes no limit."""
        assert station.connection is not None  # noqa: S101 - it is online
        try:
            await on_node(
                ChargePointActivities.stop_test_transaction,
                StopTestTransaction(charge_point_id=bay.key[0], transaction_id=bay.transaction_id),
                node_id=station.connection.node_id,
                summary=f"End transaction {bay.transaction_id}, which the supply does not carry",
            )
        except ActivityError:
            workflow.logger.warning("transaction_not_stopped")
        self._controller.stopped(bay.key, workflow.now())
