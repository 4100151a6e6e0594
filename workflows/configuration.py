"""ConfigurationWorkflow: bring a charge point to the values that were chosen for it."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Callable
    from datetime import timedelta

    from activities.charge_point import ChargePointActivities
    from activities.records import OwnerActivities
    from domain import names
    from domain.configuration import ConfigurationRequest, ConfigurationResult, PushNow
    from domain.facts import ChargePointEvents
    from domain.operations import ApplyConfiguration, Reply, Reset, ResetKind
    from domain.ownership import Claim, Release, Released, Restart
    from domain.rules.numbers import in_words
    from domain.rules.restart import occupied_by
    from domain.states import ParameterState
    from workflows import policies
    from workflows.charge_point import NoAnswerError, RemoteChargePoint, reserve_reboot_slot
    from workflows.inbox import Inbox
    from workflows.operations import why_not_connected
    from workflows.temporal_calls import run_local, wait_until

_REFUSED = {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}

_COMMISSIONED = "The charge point is being commissioned."


@workflow.defn
class ConfigurationWorkflow:
    """Writes what differs, restarts the charge point once if a value needs it, and reads back.

    Owns the charge point meanwhile; leaves it to whoever owns it already, and to a run that wants
    it. Started by `customize` on a connected charge point, by a connection while values wait, by
    the end of a charge that the restart waited for, by the end of a run that left some.
    """

    @workflow.init
    def __init__(self, request: ConfigurationRequest) -> None:
        self._charge_point_id = request.charge_point_id
        self._may_restart = request.restart
        self._inbox = Inbox()
        self._charge_point = RemoteChargePoint(
            self._inbox, reconnect=policies.PUSH_RECONNECT, sends=policies.PUSH_SENDS
        )
        self._asked = self._answered = 0
        self._answers: dict[int, ConfigurationResult] = {}
        self._result = ConfigurationResult(pushed=False)
        self._restarting = self._giving_way = False
        self._note: str | None = None
        self._restart_due = False

    @workflow.run
    async def run(self, _request: ConfigurationRequest) -> ConfigurationResult:
        """Push until nothing waits that could be done now."""
        for _ in range(policies.CONFIGURATION_PUSHES):
            more = await self._own_and_push()
            if self._giving_way or not (more or self._asked > self._answered):
                break  # else values were chosen while this push was under way
        self._answer(self._asked, _not_pushed(self._why_not_now()))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._result

    @workflow.update
    async def push_now(self, request: PushNow) -> ConfigurationResult:
        """Push the values chosen by now; the answer waits for no restart."""
        self._may_restart |= request.restart
        self._asked += 1
        mine = self._asked
        await workflow.wait_condition(lambda: self._answered >= mine or self._restarting)
        return self._answers.get(mine) or _not_pushed("The charge point is restarting.")

    @workflow.signal(name=names.CONFIGURATION_DUE_SIGNAL)
    def configuration_due(self) -> None:
        """Values wait, and the charge point is there."""
        self._may_restart = True
        self._asked += 1

    @workflow.signal(name=names.GIVE_WAY_SIGNAL)
    def give_way(self) -> None:
        """A run wants the charge point, and configures it itself."""
        self._giving_way = True

    @workflow.signal(name=names.CHARGE_POINT_EVENTS_SIGNAL)
    def charge_point_events(self, told: ChargePointEvents) -> None:
        """Something happened to the charge point."""
        for event in told.events:
            self._inbox.receive(event)

    async def _own_and_push(self) -> bool:
        """Push once as the owner; True when values wait that can be pushed at once."""
        asked = self._asked
        self._note, self._restart_due = None, False
        claim = await self._claim("Claim the charge point")
        if claim.busy_with is not None:
            self._end_push(asked, _not_pushed(_COMMISSIONED))
            return False
        generation = self._inbox.generation
        try:
            await self._bring_about(claim, asked)
        finally:
            released = await self._release()
        # One that does not answer is not asked again before its next connection.
        came_back = self._inbox.connected and self._inbox.generation > generation
        return released.configuration_queued and (self._result.pushed or came_back)

    async def _bring_about(self, claim: Claim, asked: int) -> None:
        while not self._giving_way:
            await self._push(claim, asked)
            waits = any(p.state is ParameterState.PENDING_REBOOT for p in self._result.parameters)
            if not (waits and await self._restart()):
                return
            asked = self._asked
            claim = await self._claim("Read what is chosen by now")

    async def _push(self, claim: Claim, asked: int) -> None:
        if claim.whereabouts.connection is None:
            self._end_push(asked, _not_pushed(why_not_connected(claim.whereabouts)))
            return
        await self._let_it_boot(claim)
        try:
            outcome = await self._charge_point.call(
                ChargePointActivities.apply_configuration,
                ApplyConfiguration(
                    charge_point_id=self._charge_point_id,
                    parameters=claim.desired,
                    restarted_for=claim.restarted_for,
                ),
                summary="Apply the configuration",
            )
        except NoAnswerError:
            self._end_push(asked, _not_pushed("The charge point went offline during the push."))
            return
        if outcome.detail is not None:
            self._end_push(asked, _not_pushed(outcome.detail))
            return
        self._end_push(asked, ConfigurationResult(pushed=True, parameters=outcome.parameters))

    async def _let_it_boot(self, claim: Claim) -> None:
        """Let a charge point that has just connected boot first; some never boot again."""
        link, boot = claim.snapshot.connection, claim.snapshot.boot
        if link is None or (boot is not None and boot.at >= link.at):
            return
        left = link.at + policies.BOOT_AFTER_CONNECTION - workflow.now()
        generation = self._inbox.generation
        if left > timedelta(0):
            await self._wait(
                lambda: self._inbox.boot_generation == generation, left, "Let it boot first"
            )

    async def _restart(self) -> bool:
        """Restart the charge point, once for its values; True when to look at them again."""
        if not self._may_restart:
            self._note = (
                "It counts after a restart. The next connection brings one, or customize with "
                '"reboot": true.'
            )
            return False
        claim = await self._claim("Look whether it may restart")
        if self._asked > self._answered:
            return True  # somebody waits to hear what becomes of newer values
        restart = claim.restart
        if restart is None or self._giving_way:
            return False  # chosen anew meanwhile, or defaults of the template, which can wait
        if restart.told_at is not None:
            self._note = (
                f"The charge point was told to restart at {restart.told_at:%Y-%m-%d %H:%M:%S} UTC, "
                "and has not. Restart it by hand."
            )
            return False
        occupied = occupied_by(claim.snapshot)
        if occupied is not None:
            self._restart_due = True
            self._note = f"The restart waits until nobody charges: {occupied}."
            return False
        wait = await reserve_reboot_slot(self._charge_point_id, intent=restart.intent)
        if wait > timedelta(0):
            # Others of the project restart before it; somebody may begin to charge meanwhile.
            await self._wait(self._is_wanted, wait, "Wait for its turn to restart")
            return not self._giving_way
        self._restarting = True
        try:
            return await self._reset(restart)
        finally:
            self._restarting = False

    async def _reset(self, restart: Restart) -> bool:
        mark = self._inbox.restart_mark()
        try:
            outcome = await self._charge_point.call(
                ChargePointActivities.reset,
                Reset(
                    charge_point_id=self._charge_point_id,
                    intent=restart.intent,
                    kind=ResetKind.SOFT,
                ),
                summary="Restart the charge point",
            )
        except NoAnswerError as error:
            self._note = f"The charge point could not be told to restart. {error.detail}"
            return False
        if outcome.reply in _REFUSED:
            self._note = (
                f"The charge point refused to restart ({outcome.said}). Restart it by hand."
            )
            return False
        return await self._came_back(mark)

    async def _came_back(self, mark: tuple[int, int]) -> bool:
        """Wait for a boot; a run that wants the charge point waits for it itself."""
        until = workflow.now() + policies.RESTART_PATIENCE
        generation, _ = mark  # it may have come back before the answer to the Reset did

        def something_happened() -> bool:
            return (
                self._giving_way
                or self._inbox.restarted_since(mark)
                or self._inbox.generation > generation
            )

        while await self._wait(
            something_happened, until - workflow.now(), "Wait until it has restarted"
        ):
            if self._giving_way:
                return False
            if self._inbox.restarted_since(mark):
                return True
            # The node before may have died between the boot and its signal.
            generation = self._inbox.generation
            await self._claim("Read what happened around the new connection")
        await self._claim("Look once more whether it has restarted")
        if self._inbox.restarted_since(mark):
            return True
        self._note = (
            f"The charge point was told to restart and did not come back within "
            f"{in_words(policies.RESTART_PATIENCE)}. Check its power and its network; "
            "it is looked at again when it connects."
        )
        return False

    async def _claim(self, summary: str) -> Claim:
        """Own the charge point, and read what is known and chosen by now."""
        claim = await run_local(OwnerActivities.claim, self._charge_point_id, summary=summary)
        if claim.busy_with is None:
            if self._inbox.connection is None:
                self._inbox.load(claim.snapshot)
            else:
                self._inbox.catch_up(claim.snapshot)
        return claim

    async def _release(self) -> Released:
        return await run_local(
            OwnerActivities.release,
            Release(
                charge_point_id=self._charge_point_id,
                note=self._note,
                restart_due=self._restart_due,
            ),
            summary="Release the charge point",
        )

    def _is_wanted(self) -> bool:
        return self._giving_way or self._asked > self._answered

    def _end_push(self, asked: int, result: ConfigurationResult) -> None:
        self._result = result
        self._answer(asked, result)

    def _answer(self, asked: int, result: ConfigurationResult) -> None:
        """Answer those who asked until then, and have no answer yet."""
        self._answers.update(dict.fromkeys(range(self._answered + 1, asked + 1), result))
        self._answered = asked

    def _why_not_now(self) -> str:
        if self._giving_way:
            return _COMMISSIONED
        return "Values are chosen faster than they can be pushed. The next connection pushes them."

    async def _wait(self, condition: Callable[[], bool], timeout: timedelta, why: str) -> bool:
        await wait_until(condition, timeout=timeout, why=why)
        return condition()


def _not_pushed(reason: str) -> ConfigurationResult:
    return ConfigurationResult(pushed=False, reason=reason)
