"""Before a verdict says that nothing came: a last look, and what did come and could not be read."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Callable

    from domain.failures import FailureCode
    from domain.rules.absence import takes_it_for_online, unreadable
    from workflows.charge_point import NoAnswerError
    from workflows.journal import CheckFailedError
    from workflows.refused import refused
    from workflows.run import Run, in_words


async def absent(
    run: Run, code: FailureCode, came: Callable[[], bool], **facts: object
) -> CheckFailedError | None:
    """Look once more at what is stored: None when it came after all, else the failure.

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
    problem = unreadable(code, run.inbox.irregularities)
    return run.fail(code, **facts) if problem is None else CheckFailedError(problem)


async def no_answer(run: Run, error: NoAnswerError) -> CheckFailedError:
    """Say why an operation had no outcome; of a charge point that is gone, after a last look."""
    workflow.logger.warning("check_without_answer", extra={"detail": error.detail})
    code, waited = FailureCode(error.code), in_words(run.pace.reconnect)
    problem = run.fail(code, waited=waited)
    if code is FailureCode.CONNECTION_LOST:
        problem = await absent(run, code, lambda: False, waited=waited) or problem
    return problem
