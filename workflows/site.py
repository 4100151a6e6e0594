"""SiteWorkflow: shares the power of a site that was handed over, for as long as it exists."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    import asyncio
    from dataclasses import replace
    from datetime import datetime, timedelta

    from activities.records import SiteActivities
    from domain import names
    from domain.facts import ChargePointEvents, EventKind
    from domain.power import facts as site
    from domain.power.loads import site_load
    from domain.power.plan import higher, lower
    from domain.power.service import Borrow, GivenBack
    from domain.power.site_controller import SiteController
    from workflows.lending import Lending
    from workflows.policies import SITE_PACE
    from workflows.presentation import site_details
    from workflows.stations import Stations
    from workflows.temporal_calls import history_is_long, run_local, wait_until


@workflow.defn
class SiteWorkflow:
    """Prepares each charge point, then gives each transaction its share: down first, then up.

    A run that commissions one of them once more is lent it, and tells it alone meanwhile.
    """

    @workflow.init
    def __init__(self, request: site.SiteRequest) -> None:
        self._request = request
        self._controller = SiteController(request.carried, SITE_PACE)
        self._stations = Stations(self._controller, on_change=self._wake)
        self._lending = Lending(
            request.project_id, self._controller, self._stations, look_again=self._look_again
        )
        self._to_read: set[str] | None = None  # None: all of them
        self._awake = True
        self._reported: dict[str, site.StationState] = {}
        self._changes = 0
        self._one_at_a_time = asyncio.Lock()

    @workflow.run
    async def run(self, request: site.SiteRequest) -> None:
        """Share until a long history continues as new, and until that very moment."""
        while not self._may_end():
            began = workflow.now()
            await self._read()
            await self._lending.take_asks()
            self._controller.reserve(workflow.now())
            if not history_is_long():
                self._stations.prepare()
            await self._judge()
            await self._share()
            await self._lending.lend()
            await self._lending.let_go()
            if not history_is_long() and self._stations.waiting:
                self._wake()  # the others have made room for it
            await self._report()
            workflow.set_current_details(site_details(request.name, self._controller))
            await self._sleep(began)
        workflow.continue_as_new(replace(request, carried=self._controller.carried()))

    @workflow.signal(name=names.CHARGE_POINT_EVENTS_SIGNAL)
    def charge_point_events(self, told: ChargePointEvents) -> None:
        """Something happened to charge points of the site."""
        if told.incomplete:
            self._look_again()
        for event in told.events:
            identity = event.charge_point_id
            if identity not in self._controller.stations:
                self._look_again(identity)
                continue
            if event.kind is EventKind.CONNECTED:
                # The node before may have died between a fact and its signal.
                self._look_again(identity)
            if self._controller.receive(identity, event, workflow.now()):
                self._wake()

    @workflow.signal(name=names.BORROW_SIGNAL)
    def borrow(self, asked: Borrow) -> None:
        """A run wants to tell a charge point something: it, and not the site, from then on."""
        self._lending.ask(asked)
        self._look_again(asked.charge_point_id)

    @workflow.signal(name=names.GIVEN_BACK_SIGNAL)
    def given_back(self, back: GivenBack) -> None:
        """A run has ended."""
        self._controller.take_back(back.charge_point_id, back.commissioning_id)
        self._look_again(back.charge_point_id)

    @workflow.signal(name=names.LOOK_AGAIN_SIGNAL)
    def look_again(self, charge_point_id: str) -> None:
        """A charge point has come, or is to go, or is another one now."""
        self._look_again(charge_point_id)

    @workflow.update
    async def set_limit(self, change: site.SetLimit) -> None:
        """The supply carries more, or less."""
        async with self._one_at_a_time:
            await run_local(
                SiteActivities.set_limit, change, summary="Note the limit of the supply"
            )
            self._controller.limit = change.limit
            self._changes += 1
            self._look_again()  # which phases its charge points load may depend on it

    @workflow.update
    async def set_electrical(self, change: site.SetElectrical) -> None:
        """A charge point has another cable, or other phases."""
        async with self._one_at_a_time:
            summary = "Note how a charge point is connected"
            await run_local(SiteActivities.set_electrical, change, summary=summary)
            self._look_again(change.charge_point_id)

    @set_limit.validator
    def _of_this_site(self, change: site.SetLimit) -> None:
        if change.project_id != self._request.project_id:
            raise ApplicationError("This is another site.", type="wrong_site", non_retryable=True)

    @workflow.update
    async def pause(self, change: site.PauseSmartCharging) -> None:
        """Lift the limits of transactions, or set them again."""
        async with self._one_at_a_time:
            summary = "Pause smart charging" if change.paused else "Go on with smart charging"
            await run_local(SiteActivities.pause, change, summary=summary)
            if self._controller.paused and not change.paused:
                self._controller.try_again()
            self._controller.paused = change.paused
            self._changes += 1
            self._wake()

    @workflow.query
    def load(self) -> site.SiteLoad:
        """The site as it stands."""
        return site_load(self._controller, workflow.now())

    async def _read(self) -> None:
        """Read what is known of the site, or of the charge points that have just come back."""
        if self._to_read is not None:
            self._to_read |= self._controller.to_look_at(workflow.now())
        if self._to_read is not None and not self._to_read:
            return
        wanted = () if self._to_read is None else tuple(sorted(self._to_read))
        self._to_read = set()
        known, changes = self._controller.running(), self._changes
        question = site.SiteQuestion(project_id=self._request.project_id, charge_point_ids=wanted)
        snapshot = await run_local(
            SiteActivities.read_site, question, summary="Read the site and its charge points"
        )
        self._controller.load(
            snapshot,
            workflow.now(),
            known=known,
            charge_points_only=self._changes != changes,
        )
        if not wanted:
            self._controller.keep([one.charge_point_id for one in snapshot.stations])

    async def _judge(self) -> None:
        """Look at what those draw that cannot report their limits."""
        question = self._controller.to_judge(workflow.now())
        if question.watched:
            draws = await run_local(
                SiteActivities.read_draws,
                question,
                summary=f"Read what {len(question.watched)} sessions draw",
            )
            self._controller.drew(question, draws, workflow.now())

    async def _share(self) -> None:
        """Give each transaction its share: nothing is raised before all is lowered.

        Who did not answer, or refused, counts as it stands for a while: the others are told anew
        at once, and do not wait for it.
        """
        controller, all_took = self._controller, False
        while not all_took:
            self._awake = False
            controller.lose_trust(workflow.now())
            controller.reserve(workflow.now())
            targets = controller.targets(workflow.now())
            all_took = await self._stations.limit(lower(controller.outlets(), targets))
            if all_took:
                # A session may have ended while the others were lowered.
                left = {bay: amps for bay, amps in targets.items() if bay in controller.bays}
                raised = higher(controller.capacity, controller.outlets(), left)
                all_took = await self._stations.limit(raised)

    async def _report(self) -> None:
        """Note what has changed of how far each charge point is."""
        states = {state.charge_point_id: state for state in self._controller.states()}
        changed = tuple(
            state for identity, state in states.items() if self._reported.get(identity) != state
        )
        if changed:
            await run_local(
                SiteActivities.record_states,
                site.StationStates(states=changed),
                summary=f"Note the state of {len(changed)} charge points",
            )
        self._reported = states

    async def _sleep(self, began: datetime) -> None:
        """Until something happens, or it is somebody else's turn: that may have been just now."""
        pause: timedelta | None = self._controller.next_look(workflow.now(), began=began)
        if pause == timedelta():
            return
        await wait_until(
            lambda: self._awake or self._is_to_read() or self._may_end(),
            timeout=pause,
            why="Until a turn is over, or a refusal is tried again",
        )

    def _is_to_read(self) -> bool:
        """Whether something came that was to be read, be it while the others were told theirs."""
        return self._to_read is None or bool(self._to_read)

    def _may_end(self) -> bool:
        """Whether it is time to continue as new, and nothing is under way that would be lost."""
        is_idle = self._stations.is_idle and self._lending.is_idle
        return history_is_long() and is_idle and workflow.all_handlers_finished()

    def _look_again(self, charge_point_id: str | None = None) -> None:
        if charge_point_id is None:
            self._to_read = None
        elif self._to_read is not None:
            self._to_read.add(charge_point_id)
        self._wake()

    def _wake(self) -> None:
        self._awake = True
