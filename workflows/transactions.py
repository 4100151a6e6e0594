"""The transactions of a charge point, as a run sees them: its test charges, and the others."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from datetime import datetime

    from activities.charge_point import ChargePointActivities
    from domain.facts import TransactionFact
    from domain.id_tag import is_for_connector, is_of_run
    from domain.operations import StopTestTransaction
    from workflows.run import Run


def all_of(run: Run) -> list[TransactionFact]:
    """Return the run's test transactions, on any connector."""
    return [one for one in run.inbox.transactions.values() if _is_of(run, one)]


def open_transactions(run: Run) -> list[TransactionFact]:
    """Return those of them that have not ended."""
    return [one for one in all_of(run) if one.stopped_at is None]


def ours(run: Run, connector: int) -> TransactionFact | None:
    """Return the run's test transaction on that connector, running or ended.

    A run that begins anew, as Temporal has lost it, has perhaps more than one: what runs goes on.
    """
    mine = [
        t
        for t in all_of(run)
        if t.transaction_id not in run.ended_before and is_test_of(run, t, connector)
    ]
    return next((t for t in mine if t.stopped_at is None), mine[0] if mine else None)


def is_test_of(run: Run, transaction: TransactionFact, connector: int) -> bool:
    """Tell whether a transaction of the run is the test charge on that connector.

    By its tag it is, wherever it runs; and it is where it runs there, for a charge point may take
    the tag of the start that was asked for on another connector.
    """
    named = is_for_connector(
        transaction.id_tag, run_tag=run.briefing.id_tag, connector_id=connector
    )
    return named or transaction.connector_id == connector


def sessions(run: Run) -> list[TransactionFact]:
    """Return what runs and is none of the run's test transactions: what drivers charge."""
    known = run.inbox.transactions.values()
    return [one for one in known if one.stopped_at is None and not _is_of(run, one)]


def foreign_transactions(
    run: Run, *, on: int | None = None, besides: int | None = None, since: datetime | None = None
) -> list[TransactionFact]:
    """Return others' that came since the test charge was asked for, on that connector or others.

    One that has ended counts if it began ``since``: others come late, out of a queue.
    """
    return [
        one
        for one in run.inbox.transactions.values()
        if one.transaction_id not in run.strangers_before
        if not _is_of(run, one)
        if on in {None, one.connector_id} and one.connector_id != besides
        if one.stopped_at is None or (since is not None and one.started_at >= since)
    ]


def strange_start(
    run: Run, connector: int, *, or_ended_since: datetime | None = None
) -> TransactionFact | None:
    """Return a charge on the connector that began while ours was asked for, with another tag."""
    return next(iter(foreign_transactions(run, on=connector, since=or_ended_since)), None)


async def ask_to_stop(run: Run, transaction_id: str, *, summary: str) -> None:
    """Tell the charge point to stop a transaction; that it has is told by its end.

    Raises:
        NoAnswerError: nobody knows what became of it.

    """
    await run.charge_point.call(
        ChargePointActivities.stop_test_transaction,
        StopTestTransaction(
            charge_point_id=run.request.charge_point_id,
            commissioning_id=run.request.commissioning_id,
            transaction_id=transaction_id,
        ),
        summary=summary,
    )


def _is_of(run: Run, transaction: TransactionFact) -> bool:
    return is_of_run(transaction.id_tag, open_run_tag=run.briefing.id_tag)
