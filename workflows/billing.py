"""BillingWorkflow: bills one transaction, however long the database is away."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.records import BillingActivities
    from domain.billing.messages import BillTransaction, TransactionBilled
    from domain.names import BILLING_DUE_SIGNAL
    from workflows import policies


@workflow.defn
class BillingWorkflow:
    """Sees to it that a transaction that is due has the charge detail record that it should."""

    def __init__(self) -> None:
        self._due = True

    @workflow.run
    async def run(self, request: BillTransaction) -> TransactionBilled:
        """Bill it; where nothing is due (any more), nothing happens."""
        billed = TransactionBilled()
        # A signal keeps the workflow from closing: what became due meanwhile is looked at, too.
        while self._due:
            self._due = False
            billed = await workflow.execute_activity_method(
                BillingActivities.bill,
                request,
                start_to_close_timeout=policies.BILLING_TIMEOUT,
                retry_policy=policies.BILLING_RETRY,
                summary="Issue the charge detail record",
            )
            workflow.set_current_details(billed.reason or f"Issued {', '.join(billed.cdr_ids)}")
        return billed

    @workflow.signal(name=BILLING_DUE_SIGNAL)
    def billing_due(self) -> None:
        """Meter values came that it has perhaps not seen."""
        self._due = True
