"""A last look before a verdict says that nothing came, and what did come unreadably."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Callable

    from domain.checks import Failure
    from domain.failures import FailureCode, failure
    from domain.rules.absence import takes_it_for_online
    from domain.rules.instead import Came, Missed, instead
    from domain.rules.numbers import in_words
    from workflows.charge_point import NoAnswerError
    from workflows.journal import CheckFailedError
    from workflows.refused import refused
    from workflows.run import Run
    from workflows.strangers import strangers


async def absent(
    run: Run,
    code: FailureCode,
    came: Callable[[], bool],
    missed: Missed | None = None,
    /,
    **facts: object,
) -> CheckFailedError | None:
    """Look once more at what is stored: None when it came after all, else the failure.

    That says what came in place of what is ``missed``, if anything did.

    A node that was frozen, or a database that was away, may have kept what came from the run.
    Nothing comes from one that is not connected: then that is said, and whether its attempts to
    connect were refused.

    Raises:
        ChargePointAwayError: it is offline, and the sentence of that code takes it for online.

    """
    await run.look_again()
    if not (came() or run.inbox.connected):
        if not takes_it_for_online(code):
            refusal = await refused(run, code, **facts)
            if refusal is not None:
                return refusal
        else:
            await run.charge_point.be_online()
            await run.wait(came, run.pace.boot, why="Wait for it again, as it was offline")
            await run.look_again()
    if came():
        return None
    return CheckFailedError(_told(run, failure(code, **facts), missed or Missed()))


def _told(run: Run, problem: Failure, missed: Missed) -> Failure:
    inbox = run.inbox
    came = Came(
        irregularities=inbox.irregularities,
        astray=inbox.astray,
        strangers=strangers(run, besides=missed.connector_id, since=missed.since),
    )
    return instead(problem, missed, came) or problem


async def no_answer(run: Run, error: NoAnswerError) -> CheckFailedError:
    """Say why an operation had no outcome; of a charge point that is gone, after a last look."""
    workflow.logger.warning("check_without_answer", extra={"detail": error.detail})
    code, waited = FailureCode(error.code), in_words(run.pace.reconnect)
    problem = run.fail(code, waited=waited)
    if code is FailureCode.CONNECTION_LOST:
        problem = await absent(run, code, lambda: False, waited=waited) or problem
    return problem
