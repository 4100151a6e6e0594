"""A last look before a verdict says that nothing came, and what did come unreadably."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Callable
    from dataclasses import replace
    from datetime import datetime

    from activities.records import DirectoryActivities
    from domain.checks import Failure
    from domain.connection_attempts import (
        REFUSAL_COUNTS_FOR,
        ClaimCall,
        Misnamed,
        tries_to_connect_as,
    )
    from domain.facts import RefusedAttempt
    from domain.failures import FailureCode, failure
    from domain.refusals import claim_of
    from domain.rules.instead import Came, Missed, instead, takes_it_for_online
    from domain.rules.numbers import in_words
    from workflows.charge_point import NoAnswerError
    from workflows.journal import CheckFailedError
    from workflows.run import Run
    from workflows.temporal_calls import run_local
    from workflows.transactions import foreign_transactions


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
            refusal = await _refused(run, code, **facts)
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
        strangers=foreign_transactions(run, besides=missed.connector_id, since=missed.since),
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


async def _refused(run: Run, code: FailureCode, **facts: object) -> CheckFailedError | None:
    """Make the failure of a charge point that is not there, as its attempts were refused.

    Those count that came since it went, or since the run began if it never was there. One that was
    claimed after such an attempt, and has not tried since, fails with that ``code``, which says so.
    """
    link = run.inbox.connection
    began = run.request.started_at
    gone = None if link is None or link.connected else link.at
    refusal = await _last_refusal(run, since=began if gone is None else max(began, gone))
    claim = claim_of(
        refusal, project_id=run.request.project_id, charge_point_id=run.request.charge_point_id
    )
    if refusal is not None and refusal.misnamed is not None and claim is not None:
        return _wrong_identity(run, refusal.misnamed, claim)
    if refusal is None:
        return None
    if refusal.claimed is None:
        return run.fail(FailureCode.CONNECTION_REFUSED, reason=refusal.reason)
    if code is not FailureCode.NEVER_CONNECTED:
        return None
    said = f" It is claimed as {refusal.claimed}, and has not tried since: restart it."
    return run.fail(code, **{**facts, "said": said})


def _wrong_identity(run: Run, name: Misnamed, claim: ClaimCall) -> CheckFailedError:
    link, began = run.inbox.connection, run.request.started_at
    was_there = link is not None and link.at >= began
    patience = run.pace.reconnect if was_there else run.request.options.wait_for_connection
    problem = failure(
        FailureCode.WRONG_IDENTITY,
        waited=in_words(patience),
        said=tries_to_connect_as(name),
        identity=name,
        claim=claim,
    )
    return CheckFailedError(replace(problem, claim=claim))


async def _last_refusal(run: Run, *, since: datetime) -> RefusedAttempt | None:
    found = await run_local(
        DirectoryActivities.locate,
        run.request.charge_point_id,
        summary="Look whether attempts to connect were refused",
    )
    refusal = found.last_refusal
    if refusal is not None and refusal.misnamed is not None:
        since = run.request.started_at - REFUSAL_COUNTS_FOR  # nobody claimed it: it still stands
    elif refusal is not None and refusal.claimed is not None:
        return refusal  # it stands until it connects
    return refusal if refusal is not None and refusal.at >= since else None
