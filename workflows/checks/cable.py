"""The wait for a cable: the prompt for a vehicle that stands, and the wait before a start anew."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import asyncio
    from datetime import timedelta

    from domain.states import ConnectorStatus, InstallerAnswer, WaitingFor
    from workflows import policies
    from workflows.inbox import PLUGGED_IN
    from workflows.run import Run
    from workflows.transactions import ours, strange_start

_READY = PLUGGED_IN | {ConnectorStatus.AVAILABLE}


async def prompt_for_vehicle(run: Run, connector: int, asking: asyncio.Task[None]) -> None:
    """Until the charge has started, the time is over, or somebody skips it."""
    began = workflow.now()

    def over() -> bool:
        strange = strange_start(run, connector) is not None
        return asking.done() or run.answer is not None or strange

    if _is_plugged_in(run, connector):
        await run.prompt(
            WaitingFor.START,
            lambda: over() or not _is_plugged_in(run, connector),
            min(run.pace.start, run.pace.vehicle),
            f"A cable is in connector {connector}; the charge point is to start the test charge.",
            answers=(InstallerAnswer.SKIP,),
        )
    if not over():
        await run.prompt(
            WaitingFor.VEHICLE,
            over,
            began + run.pace.vehicle - workflow.now(),
            f"Plug a vehicle or a tester into connector {connector}"
            + (" anew." if _is_plugged_in(run, connector) else ".")
            + _said_of_the_one_before(run, connector),
            answers=(InstallerAnswer.SKIP,),
            since=began,
        )


def _said_of_the_one_before(run: Run, connector: int) -> str:
    """Tell a tester who waits at the connector before that it is done with."""
    before = [
        test.connector_id
        for test in run.journal.connectors
        if test.connector_id != connector and test.ended_at is not None and test.started_at
    ]
    return f" The test of connector {before[-1]} has ended." if before else ""


class ConnectorBefore:
    """What was known of the connector before a start was asked for."""

    def __init__(self, run: Run, connector: int) -> None:
        self._inbox = run.inbox
        self.connector = connector
        self._freed = run.inbox.freed[connector]
        self._boots = run.inbox.restart_mark()
        self._busy = {
            number
            for number, fact in run.inbox.connectors.items()
            if number >= 1 and fact.status not in _READY
        }
        self.fact = run.inbox.connectors.get(connector)

    def is_plugged_in(self) -> bool:
        """Whether it has said since that a cable is in, or that it waits for one."""
        now = self._inbox.connectors.get(self.connector)
        if now is None or now.status not in PLUGGED_IN:
            return False
        return now != self.fact or self._inbox.freed[self.connector] > self._freed

    def makes_room(self) -> bool:
        """Whether a connector is ready that was not: they may share an outlet, or its power."""
        return any(self._inbox.connectors[number].status in _READY for number in self._busy)

    def is_void(self) -> bool:
        """Whether it has shown since that it remembers the start no more."""
        return self._inbox.freed[self.connector] > self._freed or self._inbox.restarted_since(
            self._boots
        )

    def take(self) -> None:
        """Take what it says now for known."""
        self.fact = self._inbox.connectors.get(self.connector)


async def wait_for_cable_or_start(
    run: Run, before: ConnectorBefore, *, remembered: bool, patience: timedelta
) -> None:
    """Wait until a transaction runs, or there is a reason to ask for it once more.

    A cable is one, unless the charge point still remembers the start and begins by itself. Its own
    time-out tells for how long it does, and a connector that is available again that it does not.
    After a refusal one is also a connector that was in use and is free now.
    Time is another, for not each charge point tells of a cable.
    """
    asked_at = workflow.now()
    until = asked_at + patience
    remembers_until = asked_at + (run.connection_timeout or run.pace.start)

    def runs() -> bool:
        return ours(run, before.connector) is not None

    async def plugged_in() -> bool:
        left = until - workflow.now()
        return await run.wait(
            lambda: runs() or before.is_plugged_in() or (not remembered and before.makes_room()),
            left,
            why="Wait for a cable, or for the start",
        )

    while until > workflow.now() and await plugged_in():
        if runs() or not remembered or before.is_void() or workflow.now() > remembers_until:
            return
        before.take()
        if workflow.now() - asked_at < policies.START_ANNOUNCED:
            # It may have told of the start alone: the cable, if there is none, is yet to come.
            until = min(until, remembers_until)
            continue
        follows = run.pace.start if run.connection_timeout else policies.START_FOLLOWS
        await run.wait(
            lambda: runs() or before.is_void(),
            min(follows, until - workflow.now()),
            why="Wait for the start that waited for the cable",
        )
        if runs() or not before.is_void():
            return
        before.take()  # the cable was taken out


def _is_plugged_in(run: Run, connector: int) -> bool:
    fact = run.inbox.connectors.get(connector)
    return fact is not None and fact.status in PLUGGED_IN
