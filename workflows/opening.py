"""How a run begins: it takes the charge point over, and waits until that is connected."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from datetime import timedelta

    from activities.records import OwnerActivities
    from domain.checks import Waiting
    from domain.commissioning import Briefing, RunRequest
    from domain.connection_attempts import REFUSAL_COUNTS_FOR
    from domain.facts import RefusedAttempt
    from domain.failures import FailureCode, failure
    from domain.names import GIVE_WAY_SIGNAL
    from domain.rules.numbers import in_words
    from domain.states import WaitingFor
    from workflows import policies
    from workflows.absence import absent
    from workflows.journal import CheckFailedError, Journal
    from workflows.run import Run
    from workflows.temporal_calls import run_local, tell


async def take_over(request: RunRequest, journal: Journal) -> Briefing:
    """Open the run as the owner of the charge point, unless somebody is ``busy_with`` it."""
    pause, since = policies.OWNERSHIP_FIRST_PAUSE, workflow.now()
    until = since + policies.OWNERSHIP_PATIENCE
    summary = "Open the run and begin to watch"
    briefing = await run_local(OwnerActivities.begin_run, request, summary=summary)
    if not briefing.accepted or briefing.busy_with is None:
        return briefing
    waiting = Waiting(
        waiting_for=WaitingFor.TURN,
        since=since,
        until=until,
        prompt="Another task of the engine has the charge point; the run goes on as soon as that "
        "lets it go.",
    )
    with journal.wait(waiting):
        while briefing.accepted and briefing.busy_with is not None and workflow.now() < until:
            # A configuration push: it gives way within seconds, as this run configures by itself.
            await tell(briefing.busy_with, GIVE_WAY_SIGNAL)
            await workflow.sleep(pause, summary="Wait until the charge point is free")
            pause = min(2 * pause, policies.OWNERSHIP_LONGEST_PAUSE)
            briefing = await run_local(OwnerActivities.begin_run, request, summary=summary)
    return briefing


def never_free(owner: str) -> CheckFailedError:
    """Say that the owner did not give the charge point up."""
    waited = in_words(policies.OWNERSHIP_PATIENCE)
    return CheckFailedError(failure(FailureCode.CHARGE_POINT_BUSY, owner=owner, waited=waited))


async def never_connected(run: Run) -> CheckFailedError | None:
    """Wait for a connection; returns why there is none."""
    await run.uncontested()
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
    return await absent(
        run,
        FailureCode.NEVER_CONNECTED,
        lambda: run.inbox.connected,
        waited=in_words(wait),
        said="",
    )


async def went_offline(run: Run) -> bool:
    """Wait for a charge point that was there; tells whether it came back.

    A link also ends with our node, with nothing wrong on site: nobody is sent there before it had
    the time to come back by itself.
    """
    await run.uncontested()
    since = workflow.now()
    grace = min(policies.COMES_BACK_BY_ITSELF, run.pace.reconnect)
    came = await run.prompt(
        WaitingFor.CONNECTION,
        lambda: run.inbox.connected,
        grace,
        "The link to the charge point has ended, on its side or on the server's. It is expected "
        f"back by itself within {in_words(grace)}.",
    )
    return came or await run.prompt(
        WaitingFor.CONNECTION,
        lambda: run.inbox.connected,
        since + run.pace.reconnect - workflow.now(),
        "The charge point went offline. Check its power and its network.",
        since=since,
    )


def _recent_refusal(run: Run) -> RefusedAttempt | None:
    """Return the refused attempt that may say why the charge point is not there as the run begins.

    What was refused long ago has been repaired since, or was another charge point.
    """
    refusal = run.briefing.snapshot.last_refusal
    oldest = run.request.started_at - REFUSAL_COUNTS_FOR
    return refusal if refusal is not None and refusal.at >= oldest else None
