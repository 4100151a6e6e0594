"""Transactions of a charge point that are none of the run's test charges."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from datetime import datetime

    from domain.facts import TransactionFact
    from domain.id_tag import is_of_run
    from workflows.run import Run


def foreign_transactions(
    run: Run, *, on: int | None = None, besides: int | None = None, since: datetime | None = None
) -> list[TransactionFact]:
    """Return those that came since the test charge was asked for, on that connector or others.

    One that has ended counts if it began ``since``: others come late, out of a queue.
    """
    return [
        one
        for one in run.inbox.transactions.values()
        if one.transaction_id not in run.strangers_before
        if not is_of_run(one.id_tag, open_run_tag=run.briefing.id_tag)
        if on in {None, one.connector_id} and one.connector_id != besides
        if one.stopped_at is None or (since is not None and one.started_at >= since)
    ]
