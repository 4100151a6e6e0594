"""From any valid message, whatever one or two of the field's habits do to it, its fact is kept."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.rules.sampled_values import UNREADABLE, read_samples
from ocpp_server import frames
from ocpp_server.dispatch import CallRefusedError, Reply, dispatch
from ocpp_server.framelog import oddities
from ocpp_server.peer import Peer
from ocpp_server.v16.protocol import ESSENTIALS
from storage.engine import Database
from storage.fact_records import (
    ConnectorStatus,
    KnownTransaction,
    MeterValues,
    Oddity,
    TransactionStart,
    TransactionStop,
)
from storage.models.facts import Irregularity, LogEntry
from storage.models.transactions import MeterValue, Transaction
from tests.ocpp_server.bed import Bed, seed
from tests.ocpp_server.fuzz import fuzz
from tests.ocpp_server.mutations import VALID
from tests.support.ocpp import V16

ROUTES = V16.routes
NOW = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)
STAMP = "2026-01-02T03:04:05Z"


def peer() -> Peer:
    made = Peer(
        charge_point_id="cp",
        node_id="node",
        ocpp_version="1.6",
        remote_address=None,
        connected_at=NOW,
    )
    made.remember(KnownTransaction(transaction_id="7", number=7))
    return made


def read(action: str, payload: dict[str, Any]) -> Reply:
    frame = frames.parse(json.dumps([2, "1", action, payload]).encode())
    assert isinstance(frame, frames.Call)
    return dispatch(ROUTES, peer(), frame, NOW)


async def test_any_one_or_two_mutations_leave_the_essential_fact(database: Database) -> None:
    """``make fuzz`` does the same for 100,000."""
    charge_points = await seed(database, 200)
    count = await fuzz(database, charge_points, range(2_000))
    assert count.lost == []
    assert count.stored > 1_700


def samples_of(reply: Reply) -> list[dict[str, Any]]:
    (fact,) = reply.facts
    assert isinstance(fact, MeterValues)
    return [sample for entry in fact.entries for sample in entry.samples]


GOOD = {"value": "1500", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}


@pytest.mark.parametrize(
    ("sample", "readable"),
    [
        ({"value": "49.9", "measurand": "Frequency", "unit": "Hz"}, True),
        ({"value": 3.5, "measurand": "Power.Active.Import", "unit": "KW"}, True),
        ({"value": "1", "unit": "furlong"}, False),
        ({"value": "1", "unit": ""}, False),
        ({"value": "1", "measurand": "Energy.Flux"}, False),
        ({"value": "1", "phase": "L9"}, False),
        ({"value": "1", "format": "Signed"}, False),
        ({"value": None}, False),
        ({}, False),
        ("1500", False),
        ({"value": "1", "context": "Sometimes", "location": "Roof"}, True),
    ],
)
def test_a_sample_that_cannot_be_read_costs_itself_alone(sample: Any, readable: bool) -> None:
    values = {
        "connectorId": 1,
        "meterValue": [{"timestamp": STAMP, "sampledValue": [GOOD, sample]}],
    }
    good, odd = samples_of(read("MeterValues", values))
    assert good == GOOD
    assert (UNREADABLE not in odd) == readable
    assert read_samples(NOW, [good, odd]).energy_wh == 1500


@pytest.mark.parametrize("unit", ["Foot", "", 5])
def test_a_unit_that_cannot_be_read_is_never_taken_for_watt_hours(unit: Any) -> None:
    values = {
        "connectorId": 1,
        "meterValue": [{"timestamp": STAMP, "sampledValue": [GOOD | {"unit": unit}]}],
    }
    (sample,) = samples_of(read("MeterValues", values))
    assert UNREADABLE in sample
    assert read_samples(NOW, [sample]).energy_wh is None


def test_an_unknown_status_stays_what_it_is() -> None:
    reply = read("StatusNotification", {"connectorId": 1, "errorCode": "Error", "status": "Asleep"})
    (fact,) = reply.facts
    assert isinstance(fact, ConnectorStatus)
    assert (fact.fact.status, fact.fact.error_code) == ("Asleep", "Error")


def test_a_fault_with_a_code_of_its_own_is_a_fault() -> None:
    reply = read(
        "StatusNotification", {"connectorId": "0", "errorCode": "Error", "status": "faulted"}
    )
    (fact,) = reply.facts
    assert isinstance(fact, ConnectorStatus)
    assert (fact.fact.connector_id, fact.fact.status) == (0, "Faulted")


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        (26008.333, 26008),
        ("1500", 1500),
        ("1500.0", 1500),
        ("1,234", None),
        (None, None),
        ([], None),
    ],
)
def test_registers_at_start_and_stop(written: Any, read_as: int | None) -> None:
    start = {"connectorId": 1, "idTag": "x", "meterStart": written, "timestamp": STAMP}
    stop = {"transactionId": 7, "meterStop": written, "timestamp": STAMP}
    (started,) = read("StartTransaction", start).facts
    (stopped,) = read("StopTransaction", stop).facts
    assert isinstance(started, TransactionStart)
    assert isinstance(stopped, TransactionStop)
    assert (started.meter_start, stopped.meter_stop) == (read_as, read_as)


START = {"connectorId": 1, "idTag": "TAG", "meterStart": 10, "timestamp": STAMP}


async def test_what_is_odd_is_counted_and_told_once(bed: Bed) -> None:
    async with bed.wire() as wire:
        number = (await wire.call("StartTransaction", START | {"meterStart": "10"}))[2][
            "transactionId"
        ]
        values = {
            "connectorId": 1,
            "transactionId": number,
            "meterValue": [
                {"timestamp": STAMP, "sampledValue": [GOOD, {"value": "50", "unit": "Hz"}]}
            ],
        }
        for _ in range(3):
            assert (await wire.call("MeterValues", values))[0] == 3
        assert (await wire.raw('[2,"x","MeterValues",{"connectorId":}]'))[0] == 4
        await wire.call("StopTransaction", {"transactionId": None, "meterStop": 20})
    await bed.node.stop()
    (row,) = await bed.rows(Transaction)
    assert (row.meter_start, row.meter_stop) == (10, 20)
    assert len(await bed.rows(MeterValue)) == 1
    rows = {(row.action, row.refused): row for row in await bed.rows(Irregularity)}
    assert rows["MeterValues", True].what.startswith("it is no JSON")
    assert rows["MeterValues", True].excerpt.startswith('[2,"x"')
    assert ("StartTransaction", False) in rows
    told = [row for row in await bed.rows(LogEntry) if row.kind in {"repaired", "refused"}]
    assert len(told) == len(await bed.rows(Irregularity))
    assert {row.level for row in told} == {"warning"}


@pytest.mark.parametrize("named", [True, False])
async def test_a_transaction_tells_the_connector(bed: Bed, *, named: bool) -> None:
    async with bed.wire() as wire:
        start = START | {"connectorId": 2}
        number = (await wire.call("StartTransaction", start))[2]["transactionId"]
        values: dict[str, Any] = {"meterValue": [{"timestamp": STAMP, "sampledValue": [GOOD]}]}
        assert (
            await wire.call("MeterValues", values | ({"transactionId": number} if named else {}))
        )[0] == 3
    (row,) = await bed.rows(MeterValue)
    assert (row.evse_id, row.transaction_id) == (2, number)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_stop_without_an_id_ends_the_one_that_the_rest_tells(bed: Bed) -> None:
    async with bed.wire() as wire:
        for connector in (1, 2):
            await wire.call("StartTransaction", START | {"connectorId": connector})
        unclear = {"transactionId": None, "meterStop": 20, "timestamp": STAMP}
        assert (await wire.call("StopTransaction", unclear))[0] == 3
        assert [row.stopped_at for row in await bed.rows(Transaction)] == [None, None]
        await wire.call("StopTransaction", unclear | {"connectorId": 2})
        stopped = {row.evse_id: row.stopped_at for row in await bed.rows(Transaction)}
        assert stopped[1] is None
        assert stopped[2] is not None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_start_without_a_register_is_repeated_as_one(bed: Bed) -> None:
    async with bed.wire() as wire:
        start = START | {"meterStart": None}
        first, again = [(await wire.call("StartTransaction", start))[2] for _ in range(2)]
    assert first == again
    (row,) = await bed.rows(Transaction)
    assert row.meter_start is None


def test_few_kinds_are_kept_whatever_is_sent() -> None:
    watched = peer()
    watched.watched_run = "com_1"
    noted: list[Oddity] = []
    for number in range(500):
        noted += oddities(watched, f"Action{number}", (f"odd {number}",), b"[]", refused=True)
    assert len({(one.action, one.what) for one in noted}) <= 51
    assert len(noted) == 500


@pytest.mark.parametrize(("context", "skew"), [("Trigger", -90.0), ("Sample.Periodic", None)])
def test_a_reading_that_was_asked_for_tells_the_clock(context: str, skew: float | None) -> None:
    """Another that is behind, soon after the connection, may have waited for it in a queue."""
    sample = {"value": "1", "context": context}
    stamp = (NOW - timedelta(seconds=90)).isoformat()
    values = {"connectorId": 1, "meterValue": [{"timestamp": stamp, "sampledValue": [sample]}]}
    raw = json.dumps([2, "1", "MeterValues", values]).encode()
    frame, its = frames.parse(raw), peer()
    assert isinstance(frame, frames.Call)
    dispatch(ROUTES, its, frame, NOW)
    assert its.clock_skew_s == skew


@pytest.mark.parametrize(
    ("action", "field"),
    [(action, field) for action, one in ESSENTIALS.items() for field in one.fields],
)
def test_what_is_essential_is_what_is_refused(action: str, field: str) -> None:
    """Nothing else is: that is what the mutations show."""
    payload = next((one.payload for one in VALID if one.action == action), {"status": "Installed"})
    with pytest.raises(CallRefusedError):
        read(action, {name: value for name, value in payload.items() if name != field})


@pytest.mark.parametrize("between", ["", "\n", ", ", "\0"])
async def test_frames_that_come_in_one_message_are_each_read(bed: Bed, between: str) -> None:
    beats = [json.dumps([2, f"beat-{number}", "Heartbeat", {}]) for number in range(3)]
    async with bed.wire() as wire:
        await wire.socket.send(between.join(beats))
        answers = [await wire.frame() for _ in beats]
    assert [answer[:2] for answer in answers] == [[3, f"beat-{number}"] for number in range(3)]


def test_what_is_no_frame_behind_a_frame_is_left() -> None:
    data = b'[2,"1","Heartbeat",{}] ]] [2,"2" } [3'
    assert list(frames.behind(frames.parse(data), data)) == []


def test_of_very_many_frames_in_one_message_the_first_are_read() -> None:
    data = b'[2,"1","Heartbeat",{}]' * 1000
    assert len(list(frames.behind(frames.parse(data), data))) == 64


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(json.dumps([2, "1", "Heartbeat", {"a": 1}])),
        json.dumps([2, "1", "Heartbeat", json.dumps({"a": 1})]),
    ],
)
def test_what_is_written_into_a_text_is_read(written: str) -> None:
    frame = frames.parse(written.encode())
    assert isinstance(frame, frames.Call)
    assert frame.payload == {"a": 1}
    assert "written as a text" in frame.oddities[-1]


@pytest.mark.parametrize("written", ['"no frame"', '"[2"', '"\\"[2]\\""'])
def test_a_text_that_is_no_frame_is_none(written: str) -> None:
    assert isinstance(frames.parse(written.encode()), frames.Unreadable)


@pytest.mark.parametrize("written", ["29/11/2026 07:30:00", "2026-11-29T07:30:60Z", ""])
def test_a_time_that_cannot_be_read_is_told_by_its_form(written: str) -> None:
    its = peer()
    payload = {"transactionId": 7, "meterStop": 1, "timestamp": written}
    for _ in range(2):
        frame = frames.parse(json.dumps([2, "1", "StopTransaction", payload]).encode())
        assert isinstance(frame, frames.Call)
        reply = dispatch(ROUTES, its, frame, NOW)
        (told,) = [one for one in reply.repairs if "cannot be read, so that of its arrival" in one]
        assert not any(digit in told for digit in "0123678")
    assert read("Heartbeat", {}).repairs == ()


_SAMPLE = {"value": "42", "unit": "Wh", "measurand": "Energy.Active.Import.Register"}


@pytest.mark.parametrize(
    "values",
    [
        {"meterValues": [{"timestamp": STAMP, "sampledValue": [_SAMPLE]}]},
        {"meterValue": [{"timestamp": STAMP, "sampledValues": [_SAMPLE]}]},
        {"meterValue": [{"timestamp": STAMP, "sampledValue": [[_SAMPLE]]}]},
        {"values": [{"timestamp": STAMP, "values": [_SAMPLE]}]},  # OCPP 1.5
        {"values": {"timestamp": STAMP, "value": _SAMPLE}},
    ],
)
def test_meter_values_of_another_shape_are_read(values: dict[str, Any]) -> None:
    (fact,) = read("MeterValues", {"connectorId": 1, "transactionId": 7} | values).facts
    assert isinstance(fact, MeterValues)
    (entry,) = fact.entries
    assert read_samples(entry.at, entry.samples).energy_wh == 42
