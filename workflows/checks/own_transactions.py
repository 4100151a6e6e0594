"""Which transactions of a charge point are the run's test charges, and which are strange."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from datetime import datetime

    from domain.facts import TransactionFact
    from domain.id_tag import is_for_connector, is_of_run
    from workflows.foreign_transactions import foreign_transactions
    from workflows.run import Run


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


def all_of(run: Run) -> list[TransactionFact]:
    """Return the run's test transactions, on any connector."""
    known, tag = run.inbox.transactions.values(), run.briefing.id_tag
    return [t for t in known if is_of_run(t.id_tag, open_run_tag=tag)]


def strange_start(
    run: Run, connector: int, *, or_ended_since: datetime | None = None
) -> TransactionFact | None:
    """Return a charge on the connector that began while ours was asked for, with another tag."""
    return next(iter(foreign_transactions(run, on=connector, since=or_ended_since)), None)
