"""A restart that the configuration needs: asked for, seen in a boot, never assumed."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from dataclasses import dataclass
    from datetime import datetime

    from activities.charge_point import ChargePointActivities
    from domain.failures import FailureCode
    from domain.operations import Outcome, Reply, Reset, ResetKind
    from domain.states import WaitingFor
    from workflows import policies
    from workflows.checks.turn import wait_for_turn
    from workflows.run import Run, in_words

_REFUSED = {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}
_PROMPT = "The charge point restarts; that takes a few minutes."

Mark = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A restart that was asked for: what was seen of boots before, and how long to wait for one."""

    mark: Mark
    outcome: Outcome
    until: datetime


async def restart(run: Run) -> None:
    """Restart the charge point, and see it boot.

    Raises:
        CheckFailedError: it refuses to, or does not come back in time.

    """
    asked = await _ask(run, None)
    if asked.outcome.reply is Reply.UNKNOWN and await _never_left(run, asked):
        asked = await _ask(run, asked.mark)
    came_back = await run.prompt(
        WaitingFor.REBOOT,
        lambda: run.inbox.restarted_since(asked.mark),
        asked.until - workflow.now(),
        _PROMPT,
    )
    if not came_back:
        raise run.fail(FailureCode.REBOOT_NOT_SEEN, waited=in_words(run.pace.reboot))
    run.journal.step("reboot", "The charge point restarted for its configuration.")


async def _ask(run: Run, before: Mark | None) -> _Asked:
    """Ask for a restart with an intent of its own; not if the one asked for before is seen now."""
    run.resets += 1
    intent = f"{run.request.commissioning_id}:reset:{run.resets}"
    await wait_for_turn(run, intent)
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
        raise run.fail(FailureCode.REBOOT_REFUSED, detail=outcome.detail or outcome.reply)
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
