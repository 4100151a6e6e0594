"""Before a verdict says that nothing came: a last look, and what did come and could not be read."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Callable

    from domain.failures import FailureCode
    from domain.rules.absence import unreadable
    from workflows.journal import CheckFailedError
    from workflows.run import Run


async def absent(
    run: Run, code: FailureCode, came: Callable[[], bool], **facts: object
) -> CheckFailedError | None:
    """Look once more at what is stored: None when it came after all, else the failure.

    A node that was frozen, or a database that was away, may have kept what came from the run.
    """
    await run.look_again()
    if came():
        return None
    problem = unreadable(code, run.inbox.irregularities)
    return run.fail(code, **facts) if problem is None else CheckFailedError(problem)
