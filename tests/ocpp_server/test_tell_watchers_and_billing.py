"""What a watching workflow hears, and what its run's log keeps."""

import json

import pytest

from domain import operations as op
from domain.facts import EventKind
from ocpp_server.framelog import frame_text
from ocpp_server.masking import MASK
from storage.boots import newest_boot
from storage.models.facts import LogEntry
from tests.ocpp_server.bed import Bed
from tests.support.eventually import eventually

STAMP = "2026-01-02T03:04:05Z"
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
START = {"connectorId": 1, "idTag": "TAG", "meterStart": 10, "timestamp": STAMP}
VALUE = {"timestamp": STAMP, "sampledValue": [{"value": "11.5", "unit": "kWh"}]}


async def test_a_watcher_hears_everything_in_order(bed: Bed) -> None:
    await bed.watch("commissioning-1", await bed.open_run(id_tag="TAG"))
    async with bed.wire() as wire:
        await wire.boot()
        await wire.call("StatusNotification", STATUS)
        transaction_id = (await wire.call("StartTransaction", START))[2]["transactionId"]
        of_transaction = {"transactionId": transaction_id}
        await wire.call("MeterValues", {"connectorId": 1, "meterValue": [VALUE], **of_transaction})
        await wire.call("StopTransaction", {"meterStop": 20, "timestamp": STAMP, **of_transaction})
        await wire.call("StopTransaction", {"meterStop": 21, "timestamp": STAMP, **of_transaction})
        await wire.call("FirmwareStatusNotification", {"status": "Installed"})
    await bed.sink.until(lambda: EventKind.DISCONNECTED in bed.sink.kinds)
    assert bed.sink.kinds == [
        EventKind.CONNECTED,
        EventKind.BOOT,
        EventKind.CONNECTOR,
        EventKind.TRANSACTION_STARTED,
        EventKind.METER_VALUES,
        EventKind.TRANSACTION_STOPPED,
        EventKind.FIRMWARE_STATUS,
        EventKind.DISCONNECTED,
    ]
    assert {workflow_id for workflow_id, _ in bed.sink.delivered} == {"commissioning-1"}
    events = [event for _, event in bed.sink.delivered]
    assert len({event.event_id for event in events}) == len(events)
    async with bed.database.read() as connection:
        assert events[1].boot == await newest_boot(connection, bed.charge_point_id)
    metered, stopped = events[4].meter, events[5].transaction
    assert metered is not None
    assert (metered.transaction_id, metered.energy_wh) == (str(transaction_id), 11_500)
    assert stopped is not None
    assert (stopped.meter_start, stopped.meter_stop) == (10, 20)


async def test_of_meter_values_a_run_hears_those_of_its_own_test_charge(bed: Bed) -> None:
    """It may wait for a day, beside a charge or a meter that is not its own."""
    await bed.watch("commissioning-1", await bed.open_run(id_tag="TEST"))
    async with bed.wire() as wire:
        foreign = (await wire.call("StartTransaction", START))[2]["transactionId"]
        values = {"connectorId": 1, "meterValue": [VALUE]}
        await wire.call("MeterValues", {**values, "transactionId": foreign})
        await wire.call("MeterValues", {**values, "connectorId": 2})
        start = {**START, "connectorId": 2, "idTag": "TEST"}
        own = (await wire.call("StartTransaction", start))[2]["transactionId"]
        await wire.call("MeterValues", {**values, "connectorId": 2})
        await wire.call("MeterValues", {**values, "connectorId": 2, "transactionId": own})
    await bed.sink.until(lambda: EventKind.DISCONNECTED in bed.sink.kinds)
    heard = [event.meter for _, event in bed.sink.delivered if event.meter is not None]
    assert [meter.transaction_id for meter in heard] == [str(own)] * 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_of_heartbeats_the_first_after_the_watch_and_after_each_boot(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.sync()
        await bed.watch()
        await wire.call("StatusNotification", STATUS)
        await bed.sink.until(lambda: EventKind.CONNECTOR in bed.sink.kinds)
        for _ in range(3):
            await wire.sync()
        await bed.sink.until(lambda: bed.sink.kinds.count(EventKind.HEARTBEAT) == 1)
        await wire.boot()
        for _ in range(3):
            await wire.sync()
        await bed.sink.until(lambda: bed.sink.kinds.count(EventKind.HEARTBEAT) == 2)
    await bed.sink.until(lambda: EventKind.DISCONNECTED in bed.sink.kinds)
    assert bed.sink.kinds.count(EventKind.HEARTBEAT) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nobody_hears_of_a_charge_point_that_nobody_watches(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        await wire.call("StatusNotification", STATUS)
    await bed.node.stop()
    assert bed.sink.delivered == []
    assert await bed.rows(LogEntry) == []


async def test_the_run_of_a_watched_charge_point_keeps_its_frames(bed: Bed) -> None:
    await bed.watch(run="com_1")
    async with bed.wire() as wire:
        await wire.boot()
        await wire.socket.send("garbage")
        await wire.sync()
    await bed.node.stop()
    rows = sorted(await bed.rows(LogEntry), key=lambda row: row.at)
    assert {row.commissioning_id for row in rows} == {"com_1"}
    (told,) = [row for row in rows if row.kind == "refused"]
    assert "it is no JSON" in told.text
    rows.remove(told)
    assert [(row.kind, row.direction, row.action) for row in rows] == [
        ("connection", None, None),
        ("frame", "in", "BootNotification"),
        ("frame", "out", "BootNotification"),
        ("frame", "in", None),
        ("frame", "in", "Heartbeat"),
        ("frame", "out", "Heartbeat"),
        ("connection", None, None),
    ]
    assert json.loads(rows[1].text)[2] == "BootNotification"
    assert "code 1000" in rows[-1].text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_operation_of_a_run_is_kept_too(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.sync()
        target = op.Operation(charge_point_id=bed.charge_point_id, commissioning_id="com_2")
        await bed.gateway.ping(target)
        await wire.sync()

        async def kept() -> None:
            assert {row.commissioning_id for row in await bed.rows(LogEntry)} == {"com_2"}

        await eventually(kept)


@pytest.mark.parametrize(
    "frame",
    [
        [2, "1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "5ec2e7"}],
        [3, "1", {"configurationKey": [{"key": "authorizationKey", "value": "5ec2e7"}]}],
        [2, "1", "GetDiagnostics", {"location": "ftp://me:5ec2e7@host/x"}],
        [2, "1", "DataTransfer", {"vendorId": "x", "password": "5ec2e7"}],
    ],
)
def test_secrets_are_masked(frame: list[object]) -> None:
    text = frame_text(json.dumps(frame).encode())
    assert "5ec2e7" not in text
    assert MASK in text


def test_long_frames_are_cut_and_broken_ones_shown() -> None:
    assert len(frame_text(b"x" * 60_000)) < 9_000
    assert frame_text(b"\xffkey\0") == "\ufffdkey\ufffd"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_event_says_which_run_it_is_for(bed: Bed) -> None:
    """All runs of a charge point have the same workflow id, and a signal may come late."""
    await bed.watch(run="com_1")
    async with bed.wire() as wire:
        await wire.call("StatusNotification", STATUS)
        await bed.sink.until(lambda: EventKind.CONNECTOR in bed.sink.kinds)
    assert {event.commissioning_id for _, event in bed.sink.delivered} == {"com_1"}
