"""A site shares its power for a year: its histories stay short, and nothing gets lost between."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from domain.facts import (
    ChargePointEvent,
    ChargePointEvents,
    ConnectionFact,
    ConnectorFact,
    EventKind,
    TransactionFact,
)
from domain.names import node_task_queue
from domain.operations import OperationName, Outcome, Reply
from domain.power.facts import SiteQuestion, SiteRequest, SiteSnapshot, StationFacts, StationStates
from domain.power.operations import (
    ConnectorsLimited,
    LimitConnectors,
    LimitStation,
    RateUnit,
    StationLimited,
)
from domain.power.site import SiteLimit
from domain.states import ConnectorStatus
from tests.support.eventually import PATIENCE, eventually
from tests.support.histories import life
from worker import workflow_runner
from workflows.site import SiteWorkflow

_DAYS, _LIMIT = 365, 2_000
_AT = datetime(2026, 5, 1, 9, tzinfo=UTC)
_CHARGE_POINTS = ("cp_a", "cp_b", "cp_c")


class Site:
    """Implements the activities of a site; its charge points take what they are told."""

    def __init__(self) -> None:
        self.node = uuid4().hex
        self.running: dict[str, TransactionFact] = {}
        self.told: dict[str, int] = {}
        self.prepared: Counter[str] = Counter()
        self.events = 0
        self._news = asyncio.Event()

    @activity.defn
    async def read_site(self, question: SiteQuestion) -> SiteSnapshot:
        return SiteSnapshot(
            limit=SiteLimit(amps=30),
            stations=tuple(
                StationFacts(
                    charge_point_id=one,
                    connection=ConnectionFact(
                        connected=True,
                        node_id=self.node,
                        generation=1,
                        ocpp_version="1.6",
                        at=_AT,
                    ),
                    connectors=(
                        ConnectorFact(
                            connector_id=1,
                            status=ConnectorStatus.CHARGING,
                            error_code="NoError",
                            at=_AT,
                        ),
                    ),
                    transactions=(self.running[one],) if one in self.running else (),
                )
                for one in question.charge_point_ids or _CHARGE_POINTS
            ),
        )

    @activity.defn
    async def record_states(self, states: StationStates) -> None:
        pass

    @activity.defn(name=OperationName.LIMIT_STATION)
    async def limit_station(self, request: LimitStation) -> StationLimited:
        self.prepared[request.charge_point_id] += 1
        return StationLimited(reply=Reply.ACCEPTED, unit=RateUnit.AMPERES)

    @activity.defn(name=OperationName.LIMIT_CONNECTORS)
    async def limit_connectors(self, request: LimitConnectors) -> ConnectorsLimited:
        self.told |= {limit.charge_point_id: limit.amps for limit in request.limits}
        self._news.set()
        return ConnectorsLimited(
            outcomes=tuple(Outcome(reply=Reply.ACCEPTED) for _ in request.limits)
        )

    async def until_told(self, amps: dict[str, int]) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.told | amps != self.told:
                self._news.clear()
                await self._news.wait()

    def begin(self, charge_point_id: str, number: int) -> ChargePointEvent:
        started = TransactionFact(
            transaction_id=str(number),
            number=number,
            connector_id=1,
            id_tag="CARD",
            started_at=_AT,
            meter_start=0,
        )
        self.running[charge_point_id] = started
        return self._event(EventKind.TRANSACTION_STARTED, charge_point_id, started)

    def end(self, charge_point_id: str) -> ChargePointEvent:
        gone = self.running.pop(charge_point_id)
        stopped = replace(gone, stopped_at=_AT, stop_reason="EVDisconnected")
        return self._event(EventKind.TRANSACTION_STOPPED, charge_point_id, stopped)

    def _event(
        self, kind: EventKind, charge_point_id: str, transaction: TransactionFact
    ) -> ChargePointEvent:
        self.events += 1
        return ChargePointEvent(
            event_id=f"evt_{self.events}",
            kind=kind,
            at=_AT,
            charge_point_id=charge_point_id,
            transaction=transaction,
        )


@asynccontextmanager
async def served(client: Client, site: Site, queue: str) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            Worker(
                client,
                task_queue=queue,
                workflows=[SiteWorkflow],
                activities=[site.read_site, site.record_states],
                workflow_runner=workflow_runner(),
            )
        )
        await stack.enter_async_context(
            Worker(
                client,
                task_queue=node_task_queue(site.node),
                activities=[site.limit_station, site.limit_connectors],
            )
        )
        yield


class LateSite(Site):
    """Its one charge point comes while the site is read for the first time, too late for that."""

    def __init__(self, news: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._news_of_it = news
        self._reads = 0

    @activity.defn
    async def read_site(self, question: SiteQuestion) -> SiteSnapshot:
        self._reads += 1
        if self._reads == 1:
            await self._news_of_it()
            return SiteSnapshot(limit=SiteLimit(amps=30), stations=())
        return await super().read_site(question)


async def test_what_comes_while_the_site_is_read_is_not_forgotten(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """Nothing else would wake the site for it: its vehicle would stand at 0 A."""
    client, queue = time_skipping_env.client, uuid4().hex
    handle: WorkflowHandle[SiteWorkflow, None] = client.get_workflow_handle_for(
        SiteWorkflow.run, "site-prj_2"
    )

    async def tell() -> None:
        told = ChargePointEvents(events=(site.begin("cp_a", 1),))
        await handle.signal(SiteWorkflow.charge_point_events, told)
        await handle.query(SiteWorkflow.load)  # behind the signal: it was heard

    site = LateSite(tell)
    async with served(client, site, queue):
        await client.start_workflow(
            SiteWorkflow.run,
            SiteRequest(project_id="prj_2", name="Riverside"),
            id="site-prj_2",
            task_queue=queue,
        )
        await site.until_told({"cp_a": 30})
        await handle.terminate()


class SlowSite(Site):
    """Its charge points have come just now; it is as long in writing as it takes them to settle."""

    @activity.defn
    async def read_site(self, question: SiteQuestion) -> SiteSnapshot:
        site = await super().read_site(question)
        now = activity.info().scheduled_time
        return replace(
            site,
            stations=tuple(
                replace(one, connection=replace(one.connection, at=now))
                for one in site.stations
                if one.connection is not None
            ),
        )

    @activity.defn
    async def record_states(self, states: StationStates) -> None:
        await asyncio.sleep(2.1)  # that so much time passes is what is played


async def test_a_moment_that_passes_while_the_site_writes_is_not_forgotten(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """Nothing else would wake it: its charge points were never told a limit."""
    client, site, queue = time_skipping_env.client, SlowSite(), uuid4().hex
    site.begin("cp_a", 1)
    async with served(client, site, queue):
        handle = await client.start_workflow(
            SiteWorkflow.run,
            SiteRequest(project_id="prj_3", name="Riverside"),
            id="site-prj_3",
            task_queue=queue,
        )

        def told() -> None:
            assert site.prepared == dict.fromkeys(_CHARGE_POINTS, 1)

        await eventually(told)
        await handle.terminate()


async def test_a_year_of_a_site(time_skipping_env: WorkflowEnvironment) -> None:
    """One vehicle stays all year; each day two others come, and go."""
    client, site, queue = time_skipping_env.client, Site(), uuid4().hex
    stays, *others = _CHARGE_POINTS
    async with served(client, site, queue):
        site.begin(stays, 1)
        started = await client.start_workflow(
            SiteWorkflow.run,
            SiteRequest(project_id="prj_1", name="Riverside"),
            id="site-prj_1",
            task_queue=queue,
        )
        handle: WorkflowHandle[SiteWorkflow, None] = client.get_workflow_handle_for(
            SiteWorkflow.run, "site-prj_1"
        )

        async def tell(*events: ChargePointEvent) -> None:
            await handle.signal(
                SiteWorkflow.charge_point_events, ChargePointEvents(events=tuple(events))
            )

        await site.until_told({stays: 30})
        begun: list[ChargePointEvent] = []
        for day in range(_DAYS):
            begun = [site.begin(one, 2 + 2 * day + n) for n, one in enumerate(others)]
            await tell(*begun)
            await site.until_told(dict.fromkeys(_CHARGE_POINTS, 10))
            await tell(*(site.end(one) for one in others))
            await site.until_told({stays: 30})
        await tell(*begun)  # once more, and long after they have ended
        (bay,) = (await handle.query(SiteWorkflow.load)).bays
        assert (bay.charge_point_id, bay.transaction_id, bay.bound_amps) == (stays, "1", 30)
        await handle.terminate()
    assert started.first_execution_run_id is not None
    runs = await life(client, "site-prj_1", first=started.first_execution_run_id)
    lengths = [len(events) for events in runs]
    assert sum(lengths) > 2 * _LIMIT, "a year that proves nothing"
    assert max(lengths) < _LIMIT, lengths
    assert site.prepared == dict.fromkeys(_CHARGE_POINTS, 1), "what they were told goes along"
