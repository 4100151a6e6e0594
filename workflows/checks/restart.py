"""A restart that the configuration needs: asked for, seen in a boot, never assumed."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Callable
    from dataclasses import dataclass
    from datetime import datetime, timedelta

    from activities.charge_point import ChargePointActivities
    from domain.failures import FailureCode
    from domain.operations import Outcome, Reply, Reset, ResetKind
    from domain.rules.numbers import in_words
    from domain.states import WaitingFor
    from workflows import policies
    from workflows.absence import absent
    from workflows.charge_point import reserve_reboot_slot
    from workflows.journal import CheckFailedError
    from workflows.run import Run

_REFUSED = {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}
_PROMPT = "The charge point restarts; that takes a few minutes."

Mark = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A restart that was asked for: what was seen of boots before, and how long to wait for one."""

    mark: Mark
    outcome: Outcome
    until: datetime


async def restart(run: Run) -> bool:
    """Restart the charge point, and see it boot.

    True when a restart is seen; False when there may be one: it boots on the link that it had, as
    it does in Pending without a restart. What it reports then tells.

    Raises:
        CheckFailedError: it refuses to, or does not come back in time.

    """
    boots = run.inbox.boots_heard
    asked = await _ask(run, None)
    if asked.outcome.reply is Reply.UNKNOWN and await _never_left(run, asked):
        asked = await _ask(run, asked.mark)
    generation = run.inbox.generation

    def came_back() -> bool:
        return run.inbox.restarted_since(asked.mark)

    left = asked.until - workflow.now()
    soon = min(left, policies.RESET_BEGINS)
    if not await run.prompt(WaitingFor.REBOOT, came_back, soon, _PROMPT):
        held = run.inbox.connected and run.inbox.generation == generation
        if held and run.inbox.boots_heard > boots:
            return False
        await run.prompt(WaitingFor.REBOOT, came_back, asked.until - workflow.now(), _PROMPT)
    if not came_back():
        missed = await not_seen(run, came_back)
        if missed is not None:
            raise missed
    run.journal.step("reboot", "The charge point restarted for its configuration.")
    return True


async def wait_for_reboot_slot(run: Run, intent: str) -> None:
    """Let other charge points of the project restart first, some seconds apart."""
    wait = await reserve_reboot_slot(run.request.charge_point_id, intent=intent)
    if wait > timedelta(0):
        await run.prompt(
            WaitingFor.REBOOT,
            lambda: False,
            wait,
            "The charge point is to restart, after others of the project that restart before it.",
        )


async def not_seen(run: Run, came_back: Callable[[], bool]) -> CheckFailedError | None:
    """Make the failure of a restart that was asked for and did not show; None when it did."""
    waited = in_words(run.pace.reboot)
    return await absent(run, FailureCode.REBOOT_NOT_SEEN, came_back, waited=waited)


async def _ask(run: Run, before: Mark | None) -> _Asked:
    """Ask for a restart with an intent of its own; not if the one asked for before is seen now."""
    run.resets += 1
    intent = f"{run.request.commissioning_id}:reset:{run.resets}"
    await wait_for_reboot_slot(run, intent)
    mark = before or run.inbox.restart_mark()
    outcome = Outcome(reply=Reply.ACCEPTED)
    if not run.inbox.restarted_since(mark):
        outcome = await run.charge_point.call(
            ChargePointActivities.reset,
            Reset(
                charge_point_id=run.request.charge_point_id,
                commissioning_id=run.request.commissioning_id,
                intent=intent,
                kind=ResetKind.SOFT,
            ),
            summary="Restart the charge point",
        )
    if outcome.reply in _REFUSED:
        raise run.fail(FailureCode.REBOOT_REFUSED, detail=outcome.said)
    return _Asked(mark=mark, outcome=outcome, until=workflow.now() + run.pace.reboot)


async def _never_left(run: Run, asked: _Asked) -> bool:
    """Tell whether the connection holds, and no boot comes, for longer than a restart may take."""
    inbox = run.inbox
    while workflow.now() < asked.until:
        link = inbox.connection

        def moved(before: object = link) -> bool:
            return inbox.restarted_since(asked.mark) or inbox.connection != before

        left = asked.until - workflow.now()
        pause = min(left, policies.RESET_BEGINS) if inbox.connected else left
        if not await run.prompt(WaitingFor.REBOOT, moved, pause, _PROMPT):
            return inbox.connected
        if inbox.restarted_since(asked.mark):
            return False
    return False
