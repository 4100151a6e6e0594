"""What a run does first, and before its test charge, where drivers charge beside it."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import contextlib
    from collections.abc import Awaitable, Callable

    from activities.charge_point import ChargePointActivities
    from domain.checks import Waiting
    from domain.facts import TransactionFact
    from domain.failures import FailureCode
    from domain.id_tag import is_of_run
    from domain.operations import StopTestTransaction
    from domain.rules.numbers import in_words
    from domain.states import WaitingFor
    from workflows import policies
    from workflows.charge_point import NoAnswerError
    from workflows.journal import Journal
    from workflows.run import Run
    from workflows.word import Word


async def begin(word: Word, journal: Journal) -> None:
    """Ask the site for the charge point, and say so as long as that takes."""
    if word.has_it:
        return
    waiting = journal.wait(
        Waiting(
            waiting_for=WaitingFor.TURN,
            since=workflow.now(),
            until=workflow.now() + policies.STATION_TIMEOUT,
            prompt="The power of the site is shared; the run goes on as soon as that lets go of "
            "the charge point.",
        )
    )
    try:
        await word.borrow()
    finally:
        journal.stop_waiting(waiting)


async def with_power(run: Run, word: Word, steps: Callable[[], Awaitable[None]]) -> None:
    """Have what a test charge may draw set aside, then take the steps."""
    if word.has_power:
        await steps()
        return
    prompt = (
        "The supply has no room for a test charge beside the sessions that run. The others are "
        "lowered; the run goes on as soon as they have confirmed that."
    )
    with run.showing(WaitingFor.TURN, policies.POWER_PATIENCE, prompt):
        has_power = await word.borrow(power=True, patience=policies.POWER_PATIENCE)
    if not has_power:
        raise run.fail(FailureCode.NO_POWER, waited=in_words(policies.POWER_PATIENCE))
    await steps()


async def end_sessions(run: Run) -> None:
    """End what drivers charge there, as was asked for; it is billed as it ended."""

    def running() -> list[TransactionFact]:
        return [
            one
            for one in run.inbox.transactions.values()
            if one.stopped_at is None
            and not is_of_run(one.id_tag, open_run_tag=run.briefing.id_tag)
        ]

    for session in running():
        with contextlib.suppress(NoAnswerError):
            await run.charge_point.call(
                ChargePointActivities.stop_test_transaction,
                StopTestTransaction(
                    charge_point_id=run.request.charge_point_id,
                    commissioning_id=run.request.commissioning_id,
                    transaction_id=session.transaction_id,
                ),
                summary=f"End session {session.transaction_id}, as was asked for",
            )
    if running():
        await run.prompt(
            WaitingFor.END,
            lambda: not running(),
            run.pace.stop,
            "Whoever charges there is to have ended: the charge point was told to stop.",
        )
