"""How a run begins: it takes the charge point over, and waits until that is there."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from dataclasses import replace
    from datetime import timedelta

    from activities.records import DirectoryActivities, RecordActivities
    from domain.checks import Waiting
    from domain.commissioning import Briefing, RunRequest
    from domain.facts import RefusedAttempt
    from domain.failures import FailureCode, failure
    from domain.knocking import REFUSAL_COUNTS_FOR, ClaimCall, Misnamed, tries_to_connect_as
    from domain.refusals import claim_of
    from domain.states import WaitingFor
    from workflows import policies
    from workflows.calls import record
    from workflows.closing import ask_to_give_way
    from workflows.journal import CheckFailedError, Journal
    from workflows.run import Run, in_words


async def take_over(request: RunRequest, journal: Journal) -> Briefing:
    """Open the run as the owner of the charge point, unless somebody is ``busy_with`` it."""
    pause, since = policies.OWNERSHIP_FIRST_PAUSE, workflow.now()
    waiting: Waiting | None = None
    while True:
        briefing = await record(
            RecordActivities.begin_run, request, summary="Open the run and begin to watch"
        )
        patient = workflow.now() - since < policies.OWNERSHIP_PATIENCE
        if not (briefing.accepted and briefing.busy_with is not None and patient):
            if waiting is not None:
                journal.stop_waiting(waiting)
            return briefing
        waiting = waiting or journal.wait(
            Waiting(
                waiting_for=WaitingFor.TURN,
                since=since,
                until=since + policies.OWNERSHIP_PATIENCE,
                prompt="Another task of the engine has the charge point; the run goes on as soon "
                "as that lets it go.",
            )
        )
        # A configuration push: it gives way within seconds, as this run configures by itself.
        await ask_to_give_way(briefing.busy_with)
        await workflow.sleep(pause, summary="Wait until the charge point is free")
        pause = min(2 * pause, policies.OWNERSHIP_LONGEST_PAUSE)


def never_free(owner: str) -> CheckFailedError:
    """Say that the owner did not give the charge point up."""
    waited = in_words(policies.OWNERSHIP_PATIENCE)
    return CheckFailedError(failure(FailureCode.CHARGE_POINT_BUSY, owner=owner, waited=waited))


async def never_connected(run: Run) -> CheckFailedError | None:
    """Wait for a connection; returns why there is none."""
    wait = run.request.options.wait_for_connection
    refusal = _recent_refusal(run)
    connected = await run.prompt(
        WaitingFor.CONNECTION,
        lambda: run.inbox.connected,
        wait,
        "Switch the charge point on and check its OCPP URL and network.",
        cause=refusal.cause if refusal else None,
        unnoted=timedelta(0),  # it will hardly come within seconds
    )
    if connected:
        return None
    refusal = await _last_refusal(run)
    claim = claim_of(
        refusal, project_id=run.request.project_id, charge_point_id=run.request.charge_point_id
    )
    if refusal is not None and refusal.misnamed is not None and claim is not None:
        return _wrong_identity(run, refusal.misnamed, claim)
    if refusal is not None and refusal.claimed is None:
        return run.fail(FailureCode.CONNECTION_REFUSED, reason=refusal.reason)
    said = f" It is claimed as {refusal.claimed}, and has not tried since." if refusal else ""
    return run.fail(FailureCode.NEVER_CONNECTED, waited=in_words(wait), said=said)


def _wrong_identity(run: Run, name: Misnamed, claim: ClaimCall) -> CheckFailedError:
    problem = failure(
        FailureCode.WRONG_IDENTITY,
        waited=in_words(run.request.options.wait_for_connection),
        said=tries_to_connect_as(name),
        identity=name,
        claim=claim,
    )
    return CheckFailedError(replace(problem, claim=claim))


async def went_offline(run: Run) -> bool:
    """Wait for a charge point that was there; tells whether it came back."""
    return await run.prompt(
        WaitingFor.CONNECTION,
        lambda: run.inbox.connected,
        run.pace.reconnect,
        "The charge point went offline. Check its power and its network.",
    )


def _recent_refusal(run: Run) -> RefusedAttempt | None:
    """Return the refused attempt that may say why the charge point is not there as the run begins.

    What was refused long ago has been mended since, or was somebody else.
    """
    refusal = run.briefing.snapshot.last_refusal
    oldest = run.request.started_at - REFUSAL_COUNTS_FOR
    return refusal if refusal is not None and refusal.at >= oldest else None


async def _last_refusal(run: Run) -> RefusedAttempt | None:
    """Look up the newest attempt to connect that was refused since the run began."""
    found = await record(
        DirectoryActivities.locate,
        run.request.charge_point_id,
        summary="Look whether attempts to connect were refused",
    )
    refusal = found.last_refusal
    oldest = run.request.started_at
    if refusal is not None and refusal.misnamed is not None:
        oldest -= REFUSAL_COUNTS_FOR  # it was not mended: nobody has claimed it since
    elif refusal is not None and refusal.claimed is not None:
        return refusal  # it stands until it connects
    return refusal if refusal is not None and refusal.at >= oldest else None
