"""What a charge point sends makes its transaction due for billing, once and in the same commit."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlmodel import col

from domain.billing.messages import BillTransaction
from domain.states import TransactionBilling
from storage.models.billing import BillingAccount
from storage.models.charge_points import ChargePoint
from storage.models.facts import Suspension
from storage.models.transactions import Transaction
from tests.ocpp_server.bed import Bed, Wire

STAMP = "2026-01-02T03:04:05Z"
START = {"connectorId": 1, "idTag": "04A2B3C4", "meterStart": 10, "timestamp": STAMP}


@pytest.fixture
async def billing(bed: Bed) -> Bed:
    """A test bed whose project bills."""
    async with bed.database.write() as connection:
        project = await connection.scalar(select(col(ChargePoint.project_id)))
        await connection.execute(
            insert(BillingAccount).values(
                project_id=project, active_since=datetime(2026, 1, 1, tzinfo=UTC)
            )
        )
    return bed


async def started(wire: Wire, **changes: Any) -> int:
    transaction: int = (await wire.call("StartTransaction", START | changes))[2]["transactionId"]
    return transaction


async def stop(wire: Wire, transaction: int) -> None:
    ended = {"transactionId": transaction, "meterStop": 20, "timestamp": STAMP}
    assert (await wire.call("StopTransaction", ended))[2] == {}


async def values(wire: Wire, transaction: int) -> None:
    sampled = [{"timestamp": STAMP, "sampledValue": [{"value": "11"}]}]
    sent = {"connectorId": 1, "transactionId": transaction, "meterValue": sampled}
    assert (await wire.call("MeterValues", sent))[2] == {}


async def marks(bed: Bed) -> list[str | None]:
    return [row.billing for row in await bed.rows(Transaction)]


async def test_a_stop_makes_it_due_once(billing: Bed) -> None:
    async with billing.wire() as wire:
        await wire.boot()
        transaction = await started(wire)
        await values(wire, transaction)
        assert billing.sink.billed == []
        await stop(wire, transaction)
        await stop(wire, transaction)
        await wire.sync()
    due = BillTransaction(charge_point_id=billing.charge_point_id, transaction_id=str(transaction))
    assert billing.sink.billed == [due]
    assert await marks(billing) == [TransactionBilling.DUE]


@pytest.mark.parametrize("reconnected", [False, True])
async def test_late_values_make_it_due_again(billing: Bed, reconnected: bool) -> None:
    """Also after a restart, by which the session has forgotten what it knew."""
    async with billing.wire() as wire:
        await wire.boot()
        transaction = await started(wire)
        await stop(wire, transaction)
        async with billing.database.write() as connection:
            await connection.execute(update(Transaction).values(billing=TransactionBilling.BILLED))
        if not reconnected:
            await values(wire, transaction)
            await wire.sync()
    if reconnected:
        async with billing.wire() as wire:
            await values(wire, transaction)
            await wire.sync()
    assert len(billing.sink.billed) == 2
    assert await marks(billing) == [TransactionBilling.DUE]


async def test_when_power_is_kept_back_is_noted_by_the_charge_points_clock(billing: Bed) -> None:
    async with billing.wire() as wire:
        await wire.boot()
        for status, minute in (
            ("Charging", 0),
            ("SuspendedEVSE", 1),
            ("SuspendedEVSE", 2),
            ("SuspendedEV", 3),
            ("SuspendedEVSE", 4),
        ):
            stamp = f"2026-01-02T03:{minute:02}:00Z"
            told = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": stamp}
            await wire.call("StatusNotification", told)
        await wire.sync()
    assert [
        (row.since.minute, None if row.until is None else row.until.minute)
        for row in await billing.rows(Suspension)
    ] == [(1, 3), (4, None)]


async def test_a_test_transaction_is_not_due(billing: Bed) -> None:
    await billing.open_run(id_tag="A1B2")
    async with billing.wire() as wire:
        await wire.boot()
        transaction = await started(wire, idTag="A1B2")
        await stop(wire, transaction)
        await values(wire, transaction)
        await wire.sync()
    assert billing.sink.billed == []
    assert await marks(billing) == [None]


async def test_a_project_that_does_not_bill_is_left_alone(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        transaction = await started(wire)
        await stop(wire, transaction)
        await values(wire, transaction)
        await wire.sync()
    assert bed.sink.billed == []
    assert await marks(bed) == [None]
