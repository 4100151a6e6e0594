"""Sessions at a site that bills, from charge point to record: once, whatever is repeated."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from sqlmodel import col
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from domain.audit import ENGINE
from domain.billing.cdr import Cdr
from domain.commissioning import RunOptions
from domain.states import (
    AccessMode,
    ChargePointStatus,
    ProjectStatus,
    RunStatus,
    TransactionBilling,
)
from simulator import Fault, VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22
from storage.billing_activation import BillingActivation
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.transactions import Transaction
from storage.tariffs import Tariffs
from tests.faults.encores import lose_connection
from tests.faults.stage import Stage
from tests.ocpp_server.bed import Wire
from tests.support.billing import energy_tariff, records_of, stored_tariff
from tests.support.eventually import eventually

TAG = "04A2B3C4"


async def activate(stage: Stage, *, since: datetime) -> None:
    """An owner's tariff, open doors, and billing that is active; after an hour energy is dear."""
    async with stage.database.write() as connection:
        await connection.execute(update(Project).values(access=AccessMode.OPEN))
        for price, hours in (("0.30", 0), ("0.90", 1)):
            tariff = stored_tariff(energy_tariff(price), valid_from=since + timedelta(hours=hours))
            tariff = replace(tariff, set_by=stage.installer.id)
            await Tariffs(connection, stage.project.id).add(tariff, by=ENGINE)
        await BillingActivation(connection, stage.project.id).activate(at=since)


async def hand_over(stage: Stage) -> None:
    async with stage.database.write() as connection:
        await connection.execute(update(Project).values(status=ProjectStatus.HANDED_OVER))
        await connection.execute(update(ChargePoint).values(status=ChargePointStatus.COMMISSIONED))


async def records(stage: Stage) -> Sequence[Cdr]:
    async with stage.database.read() as connection:
        ids = await connection.scalars(select(col(Transaction.id)).order_by(col(Transaction.id)))
        return [cdr for each in list(ids) for cdr in await records_of(connection, each)]


async def there_are(stage: Stage, count: int) -> None:
    assert len(await records(stage)) == count


async def charge(charge_point: VirtualChargePoint, *, offline: bool = False) -> None:
    """A session of a card; offline, its end is told when the link is back."""
    charge_point.plug_in()
    charge_point.present_card(TAG)
    await charge_point.until(lambda: bool(charge_point.transactions))
    sent = charge_point.sent["MeterValues"]
    await charge_point.until(lambda: charge_point.sent["MeterValues"] > sent)
    if offline:
        lose_connection(charge_point)
        await charge_point.until(lambda: not charge_point.connected)
    charge_point.present_card(TAG)
    await charge_point.until(lambda: not charge_point.transactions)
    charge_point.unplug()


async def test_each_session_is_billed_once_and_the_test_never(stage: Stage) -> None:
    """By a charge point that sends all of it twice, and whose link breaks."""
    await activate(stage, since=datetime.now(UTC) - timedelta(minutes=5))
    async with stage.powered(Fault.REPEATS_TRANSACTION_MESSAGES) as charge_point:
        view = await stage.verdict(await stage.start(charge_point.identity))
        assert view.status is RunStatus.COMPLETED
        await hand_over(stage)
        charge_point.unplug()
        await charge(charge_point)
        await eventually(lambda: there_are(stage, 1))
        await charge(charge_point, offline=True)
        await eventually(lambda: there_are(stage, 2))
    async with stage.database.read() as connection:
        rows = (
            await connection.execute(select(Transaction.__table__).order_by(col(Transaction.id)))
        ).all()
    test, *sessions = rows
    assert test.commissioning_id is not None
    assert test.billing is None
    assert {row.billing for row in sessions} == {TransactionBilling.BILLED}
    for cdr, row in zip(await records(stage), sessions, strict=True):
        assert cdr.session_id == str(row.id)
        assert cdr.cdr_token.uid == TAG
        assert cdr.total_energy == Decimal(row.meter_stop - row.meter_start) / 1000


@pytest.mark.parametrize(
    ("fault", "remark"),
    [
        (Fault.NO_METER_STOP, "Billed up to its last reading in the session"),
        (Fault.ABSURD_STOP, "Billed up to its last reading in the session"),
        (Fault.START_NOT_READY, "Billed from its first reading in the session"),
        (Fault.SAMPLES_RESTART, None),
        (Fault.MIXED_REGISTERS, None),
        (Fault.ZERO_READINGS, None),
        (Fault.REGISTER_BY_THE_CLOCK, None),
    ],
    ids=lambda value: value.value if isinstance(value, Fault) else "",
)
async def test_a_register_that_is_odd_bills_what_flowed(
    stage: Stage, fault: Fault, remark: str | None
) -> None:
    """A minute's energy at the most, whatever the charge point says of its register."""
    await activate(stage, since=datetime.now(UTC) - timedelta(minutes=5))
    async with stage.powered(fault) as charge_point:
        options = RunOptions(run_test_transaction=False)
        view = await stage.verdict(await stage.start(charge_point.identity, options=options))
        assert view.status is RunStatus.COMPLETED
        await hand_over(stage)
        await charge(charge_point)
        await eventually(lambda: there_are(stage, 1))
    (cdr,) = await records(stage)
    assert 0 <= cdr.total_energy < 1
    if remark is None:
        assert cdr.remark is None
    else:
        assert cdr.remark is not None
        assert cdr.remark.startswith(remark)


async def test_values_that_were_queued_correct_the_record(stage: Stage) -> None:
    """10 kWh in two hours, the price of which changed after one; the samples come too late."""
    since = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    await activate(stage, since=since)
    await hand_over(stage)
    registered = await stage.register("SN-1", ABB_TERRA_AC_W22)
    async with stage.database.write() as connection:
        await connection.execute(
            update(ChargePoint).values(provisioned_at=since, status=ChargePointStatus.COMMISSIONED)
        )

    def after(hours: float) -> str:
        return (since + timedelta(hours=hours)).isoformat()

    async with connect(
        f"{stage.ocpp_url}/{registered.id}", subprotocols=[Subprotocol("ocpp1.6")]
    ) as socket:
        wire = Wire(socket)
        await wire.boot()
        start = {"connectorId": 1, "idTag": TAG, "meterStart": 0, "timestamp": after(0)}
        reply = (await wire.call("StartTransaction", start))[2]
        assert reply["idTagInfo"] == {"status": "Accepted"}
        number = reply["transactionId"]
        stop = {"transactionId": number, "meterStop": 10_000, "timestamp": after(2)}
        for _ in range(3):
            await wire.call("StopTransaction", stop)
        await eventually(lambda: there_are(stage, 1))
        late = {
            "connectorId": 1,
            "transactionId": number,
            "meterValue": [{"timestamp": after(1), "sampledValue": [{"value": "9000"}]}],
        }
        await wire.call("MeterValues", late)
        await eventually(lambda: there_are(stage, 3))
        await wire.call("MeterValues", late)
        await wire.call("StopTransaction", stop)
        await wire.sync()
    first, credit, corrected = await records(stage)
    assert [each.total_cost.excl_vat for each in (first, credit, corrected)] == [
        Decimal("6.00"),  # 5 x 0.30 + 5 x 0.90
        Decimal("-6.00"),
        Decimal("3.60"),  # 9 x 0.30 + 1 x 0.90
    ]
    assert credit.credit_reference_id == first.id
