"""What every check of a run works with."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine, Iterator
    from contextlib import AbstractContextManager, contextmanager
    from dataclasses import dataclass, field
    from datetime import datetime, timedelta
    from typing import Any, TypeVar

    from activities.charge_point import ChargePointActivities
    from activities.records import OwnerActivities
    from domain import operations as op
    from domain.batch import WaitNote
    from domain.checks import Waiting
    from domain.commissioning import Briefing, Registered, RunAnswer, RunPace, RunRequest
    from domain.contests import how_to_decide
    from domain.failures import FailureCode, failure
    from domain.rules.numbers import in_words
    from domain.states import InstallerAnswer, WaitingFor
    from workflows import policies
    from workflows.charge_point import RemoteChargePoint
    from workflows.inbox import Inbox
    from workflows.journal import CheckFailedError, Journal
    from workflows.temporal_calls import history_events, wait_until

ResultT = TypeVar("ResultT")


@dataclass(kw_only=True)
class HeartbeatInterval:
    """The interval of its heartbeats in seconds: what it has, as far as it says, and was told.

    ``is_fixed``: it does not take another one.
    """

    has_s: int | None = None
    told_s: int | None = None
    is_fixed: bool = False

    @property
    def seconds(self) -> int | None:
        """Return the interval that it keeps, as far as is known."""
        return self.has_s or self.told_s

    def __str__(self) -> str:
        """Say for a sentence what is known of it."""
        if self.has_s:
            return f"has a HeartbeatInterval of {self.has_s} s"
        return f"was told to send a heartbeat every {self.told_s} s"


@dataclass(kw_only=True)
class Run:
    """One commissioning run in progress."""

    request: RunRequest
    briefing: Briefing
    inbox: Inbox
    journal: Journal
    charge_point: RemoteChargePoint
    look_again: Callable[[], Awaitable[None]]
    """Reads what is known by now, and may not have been told."""
    heartbeat: HeartbeatInterval = field(default_factory=HeartbeatInterval)
    """What is known of the interval of its heartbeats."""
    readings_every: timedelta | None = None
    """How often it sends readings of a session by itself; 0: never; None: it does not say."""
    clock_judged: bool = False
    """Whether something has shown how its clock stands."""
    not_supported: frozenset[str] = frozenset()
    """Configuration keys that it has said it does not know: not asked again in the run."""
    reconfigured: bool = False
    """Whether this run has written a parameter."""
    made_operative: list[int] = field(default_factory=list)
    """Connectors that were unavailable before the run made them operative."""
    not_stopped: set[str] = field(default_factory=set)
    """Transactions that went on after all that the run does to stop one."""
    untriggerable: set[op.TriggerKind] = field(default_factory=set)
    """Triggers that the charge point lacks or hangs on: remembered, and not repeated in the run."""
    resets: int = 0
    """How many restarts this run has asked for; each is an intent of its own."""
    firmware_updated: bool = False
    """Whether this run has seen a new firmware; nothing that was known before it stands."""
    answer: RunAnswer | None = None
    """The newest answer of a person to what the run asks."""
    wait_notes: int = 0
    """How many notes of waits were sent; numbers them."""
    number_of_connectors: int | None = None
    """What the charge point says of itself; any number, or nothing."""
    start_expected_until: dict[int, datetime] = field(default_factory=dict)
    """Connectors whose start was asked for and not refused: it may still come, until then."""
    connection_timeout: timedelta | None = None
    """For how long the charge point remembers a start without a cable, if it has said."""
    strangers_before: set[str] = field(default_factory=set)
    """Transactions that were known before the test charge was asked for."""
    ended_before: set[str] = field(default_factory=set)
    """Its transactions that had ended before the test charge began: of a start before this one."""

    @property
    def pace(self) -> RunPace:
        """How long each wait takes."""
        return self.request.options.pace

    @property
    def registered(self) -> Registered:
        """The charge point as it was registered."""
        assert self.briefing.registered is not None  # noqa: S101 - an accepted run has one
        return self.briefing.registered

    def fail(self, code: FailureCode, **facts: object) -> CheckFailedError:
        """Make the error that ends the current check."""
        return CheckFailedError(failure(code, **facts))

    def showing(
        self, waiting_for: WaitingFor, timeout: timedelta, prompt: str
    ) -> AbstractContextManager[Waiting]:
        """Show in the status what a block waits for, and for how long at most."""
        now = workflow.now()
        return self.journal.wait(
            Waiting(waiting_for=waiting_for, since=now, until=now + timeout, prompt=prompt)
        )

    async def wait(self, condition: Callable[[], bool], timeout: timedelta, *, why: str) -> bool:
        """Wait for an event; False when the time is over. Says nothing to the installer.

        Where several links speak as the charge point, it begins anew once one is kept.
        """

        def over() -> bool:
            return condition() or self.inbox.contested

        while over() or await wait_until(over, timeout=timeout, why=why):
            if not self.inbox.contested:
                return True
            await self.uncontested()
        return False

    async def uncontested(self) -> None:
        """Wait until one link alone speaks as the charge point, however long a person takes.

        A contest fails no check: nothing that came in it says anything of the charge point.
        """
        if not self.inbox.contested:
            return
        prompt = how_to_decide(self.request.charge_point_id)
        with (
            self.showing(WaitingFor.INSTALLER, policies.CONTEST_SHOWN, prompt) as waiting,
            self._noted(waiting),
        ):
            while self.inbox.contested:
                await wait_until(
                    lambda: not self.inbox.contested,
                    timeout=policies.CONTEST_LOOK,
                    why="Wait until a person says which link is the charge point",
                )
                await self.look_again()  # its end may not have been told

    async def prompt(
        self,
        waiting_for: WaitingFor,
        condition: Callable[[], bool],
        timeout: timedelta,
        prompt: str,
        *,
        cause: str | None = None,
        answers: tuple[InstallerAnswer, ...] = (),
        since: datetime | None = None,
        unnoted: timedelta = policies.WAIT_UNNOTED,
    ) -> bool:
        """Wait for something that a person may have to bring about, and say so in the status.

        ``since`` is the beginning of a longer wait that this one goes on with. A wait for a person
        is in lists, too, once it has lasted for ``unnoted``.
        """
        if answers:
            self.answer = None  # an answer to an earlier question does not count
        if condition():
            return True
        now = workflow.now()
        begun = Waiting(
            waiting_for=waiting_for,
            since=since or now,
            until=now + timeout,
            prompt=prompt,
            likely_cause=cause,
            answers=answers,
        )
        with self.journal.wait(begun) as waiting:
            unlisted = not waiting_for.is_for_a_person or self.journal.cleaning_up
            if unlisted or timeout <= unnoted:
                return await self.wait(condition, timeout, why=prompt)
            if unnoted and await self.wait(condition, unnoted, why=prompt):
                return True
            with self._noted(waiting):
                return await self.wait(condition, timeout - unnoted, why=prompt)

    @contextmanager
    def _noted(self, waiting: Waiting) -> Iterator[None]:
        self._note_wait(waiting)
        try:
            yield
        finally:
            self._note_wait(None)

    def _note_wait(self, waiting: Waiting | None) -> None:
        """Keep in the row what the run waits for. Nothing waits for that: it is for lists only."""
        self.wait_notes += 1
        workflow.start_activity_method(
            OwnerActivities.note_wait,
            WaitNote(
                commissioning_id=self.request.commissioning_id,
                charge_point_id=self.request.charge_point_id,
                number=self.wait_notes,
                waiting=waiting,
            ),
            start_to_close_timeout=policies.RECORD_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
            summary="Note that the run goes on"
            if waiting is None
            else f"Note that the run waits for {waiting.waiting_for}",
        )

    async def while_steady(self, steps: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Take the steps of a check for as long as the charge point is at rest now and then.

        Raises:
            CheckFailedError: it restarts all the time, or more is heard of it than a run can take.

        """
        task = asyncio.create_task(steps)
        try:
            await workflow.wait_condition(
                lambda: (
                    task.done() or self._boot_loops() > 0 or history_events() > policies.RUN_EVENTS
                )
            )
            if task.done():
                return task.result()
        finally:
            task.cancel()
            await workflow.wait([task])  # its clean-up belongs to this check
        if boots := self._boot_loops():
            raise self.fail(
                FailureCode.BOOT_LOOP,
                boots=boots,
                window=in_words(policies.BOOT_LOOP_WINDOW),
                life=in_words(policies.BOOT_LOOP_LIFE),
            )
        raise self.fail(FailureCode.NEVER_AT_REST, events=history_events())

    def _boot_loops(self) -> int:
        """Count the restarts of a boot loop; 0 when there is none."""
        restarts = self.inbox.restarts(policies.BOOT_LOOP_WINDOW)
        return restarts if restarts >= policies.BOOT_LOOP_BOOTS else 0

    async def trigger(self, message: op.TriggerKind, connector_id: int | None = None) -> bool:
        """Ask for a message; False when the charge point cannot be asked for it."""
        if message in self.untriggerable:
            return False
        is_boot = message is op.TriggerKind.BOOT
        if is_boot:
            self.inbox.expect_boot(asked=True)  # it may be told before the answer is
        outcome = await self.charge_point.call(
            ChargePointActivities.trigger,
            op.Trigger(
                charge_point_id=self.request.charge_point_id,
                commissioning_id=self.request.commissioning_id,
                message=message,
                connector_id=connector_id,
            ),
            summary=f"Ask for {message}"
            + ("" if connector_id is None else f" of connector {connector_id}"),
        )
        if outcome.reply in {op.Reply.NOT_SUPPORTED, op.Reply.TIMEOUT}:
            self._give_up(message, outcome)
        accepted = outcome.reply is op.Reply.ACCEPTED
        if is_boot and not accepted:
            self.inbox.expect_boot(asked=False)
        return accepted

    async def identify(self, *messages: op.TriggerKind) -> op.Identity:
        """Have it send these messages, and read who it is, its link and its clock."""
        identity = await self.charge_point.call(
            ChargePointActivities.read_identity,
            self.question(*messages),
            summary="Measure the link and the clock"
            if not messages
            else f"Ask for {' and '.join(messages)}, measure the link and the clock",
        )
        self.take(identity)
        return identity

    def question(self, *messages: op.TriggerKind) -> op.ReadIdentity:
        """Ask who it is, and for these messages as far as it can be asked for them."""
        return op.ReadIdentity(
            charge_point_id=self.request.charge_point_id,
            commissioning_id=self.request.commissioning_id,
            ask_for=tuple(one for one in messages if one not in self.untriggerable),
        )

    def take(self, identity: op.Identity) -> None:
        """Learn from an identity that was read."""
        for message, outcome in identity.not_triggered.items():
            self._give_up(message, outcome)
        self.heartbeat.told_s = identity.heartbeat_told_s or self.heartbeat.told_s
        self.inbox.take_identity(identity)

    def _give_up(self, message: op.TriggerKind, outcome: op.Outcome) -> None:
        """Remember that it cannot be asked for a message; it may still be asked for others.

        After silence it may not: one class of chargers hangs on any trigger, and each costs the
        patience of a call.
        """
        if outcome.reply is op.Reply.TIMEOUT:
            self.untriggerable.update(op.TriggerKind)
            self.journal.note(
                f"It did not answer when it was asked for a {message}, so it is not asked for "
                "messages any more."
            )
        elif message not in self.untriggerable:
            self.untriggerable.add(message)
            why = f" ({outcome.detail})" if outcome.detail else ""
            self.journal.note(f"It cannot be asked for a {message}{why}.")
