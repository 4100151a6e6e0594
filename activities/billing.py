"""Charge detail records of transactions that have ended."""

from temporalio import activity

from domain.billing.messages import BillTransaction, Settled
from domain.ports import BillingRecords


class BillingActivities:
    """Bills transactions, each once however often it is asked."""

    def __init__(self, records: BillingRecords) -> None:
        self._records = records

    @activity.defn
    async def settle(self, request: BillTransaction) -> Settled:
        """Issue the record of a transaction, or correct the one that was issued."""
        return await self._records.settle(request.transaction_id)
