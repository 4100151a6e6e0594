"""Any bytes whatever: the core without I/O gives a frame, a CALLERROR or nothing; never a fault."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.states import LogLevel
from ocpp_server import frames
from ocpp_server.dispatch import CallRefusedError, dispatch
from ocpp_server.frames import ErrorCode
from ocpp_server.peer import Peer
from ocpp_server.v16.schemas import response_schema
from storage.fact_records import StatusReport
from tests.support.ocpp import V16

ROUTES = V16.routes
NOW = datetime(2026, 1, 2, tzinfo=UTC)
STAMP = "2026-01-02T03:04:05Z"
SAMPLE = {"timestamp": STAMP, "sampledValue": [{"value": "1"}]}


def peer() -> Peer:
    return Peer(
        charge_point_id="cp",
        node_id="node",
        ocpp_version="1.6",
        remote_address=None,
        connected_at=NOW,
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b"[2]",
        b"null",
        b"[" * 60_000,
        b"9" * 5_000,
        b'[2,null,"Heartbeat",{}]',
        b'[2,true,"Heartbeat",{}]',
        b'[2,1.5,"Heartbeat",{}]',
        b'[2,["1"],"Heartbeat",{}]',
        b'[2,"' + b"x" * 256 + b'","Heartbeat",{}]',
        b'[true,"1","Heartbeat",{}]',
        b'[3,"1","x"]',
    ],
)
def test_unreadable(data: bytes) -> None:
    assert isinstance(frames.parse(data), frames.Unreadable)


def test_a_frame_of_a_type_that_a_version_may_have_is_kept_whole() -> None:
    frame = frames.parse(b'[9,"1",{}]')
    assert isinstance(frame, frames.Other)
    assert (frame.message_type, frame.message) == (9, [9, "1", {}])


@pytest.mark.parametrize(
    "data",
    [
        b'[2,"1"]',
        b'[2,"1",{},{}]',
        b'[2,"1","Heartbeat","x"]',
        b'[2,"1","Heartbeat",[1]]',
        b'[2,"1","MeterValues",{"transactionId":}]',
        b'[2,"1","MeterValues",{"connectorId":1',
    ],
)
def test_malformed_calls_can_be_answered(data: bytes) -> None:
    frame = frames.parse(data)
    assert isinstance(frame, frames.Malformed)
    assert frame.message_id == "1"


@pytest.mark.parametrize(
    ("data", "message_id", "payload"),
    [
        (b'[2,1,"Heartbeat",{}]', 1, {}),
        (b'[2,"","Heartbeat",{}]', "", {}),
        (b'[2,"{' + b"x" * 36 + b'}","Heartbeat",{}]', "{" + "x" * 36 + "}", {}),
        (b'["2","1","Heartbeat",{}]', "1", {}),
        (b'[2,"1","Heartbeat"]', "1", {}),
        (b'[2,"1","Heartbeat",null]', "1", {}),
        (b'[2,"1","Heartbeat",[]]', "1", {}),
        (b'[2,"1","Heartbeat",{},{}]', "1", {}),
        (b'\xef\xbb\xbf[2,"1","Heartbeat",{}]', "1", {}),
        (b'[2,"1","Heartbeat",{}]\0', "1", {}),
        (b'[2,"1","Heartbeat",{}]\r\nOK', "1", {}),
        (b'[2,"1","Heartbeat",{"a":"x\ny\tz"}]', "1", {"a": "x\ny\tz"}),
        (b'[2,"\\ud800","Heartbeat",{}]', "\ufffd", {}),
        (b'[2,"1","Heartbeat",{"a":' + b"9" * 5_000 + b"}]", "1", {"a": "9" * 5_000}),
        (b'[2,"1","Heartbeat",{"a":NaN}]', "1", {"a": "NaN"}),
    ],
)
def test_odd_frames_with_one_meaning(
    data: bytes, message_id: str | int, payload: dict[str, Any]
) -> None:
    frame = frames.parse(data)
    assert isinstance(frame, frames.Call)
    assert (frame.message_id, frame.action, frame.payload) == (message_id, "Heartbeat", payload)
    assert json.loads(frames.call_result(frame.message_id, {}))[1] == message_id


@pytest.mark.parametrize("data", [b'[3,"1"]', b'[3,"1",null]', b'[3,"1",[]]'])
def test_an_answer_without_payload_is_an_empty_one(data: bytes) -> None:
    frame = frames.parse(data)
    assert isinstance(frame, frames.CallResult)
    assert frame.payload == {}
    assert frame.oddities


def test_a_refusal_without_words_is_one() -> None:
    frame = frames.parse(b'[4,"1"]')
    assert isinstance(frame, frames.CallError)


def test_an_answer_that_is_cut_off_tells_whose_it_is() -> None:
    frame = frames.parse(b'[3,"a-1",{"configurationKey":[')
    assert isinstance(frame, frames.Unreadable)
    assert frame.answer_to == "a-1"


def test_the_three_frames() -> None:
    call = frames.parse(b'[2,"1","Heartbeat",{}]')
    result = frames.parse(b'[3,"1",{"a":1}]')
    error = frames.parse(b'[4,"1","NotSupported","no",{}]')
    assert isinstance(call, frames.Call)
    assert (call.message_id, call.action, call.payload) == ("1", "Heartbeat", {})
    assert isinstance(result, frames.CallResult)
    assert result.payload == {"a": 1}
    assert isinstance(error, frames.CallError)
    assert (error.code, error.description) == ("NotSupported", "no")


def test_nul_never_gets_in() -> None:
    frame = frames.parse(b'[2,"1","DataTransfer",{"vendorId":"a\\u0000b"}]')
    assert isinstance(frame, frames.Call)
    assert frame.payload == {"vendorId": "a\ufffdb"}


def test_a_description_is_cut_to_the_standard() -> None:
    sent = json.loads(frames.call_error("1", "InternalError", "x" * 300))
    assert len(sent[3]) == 255


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Nonsense", {}, ErrorCode.NOT_IMPLEMENTED),
        ("Authorize", {}, ErrorCode.PROTOCOL_ERROR),
        ("Authorize", {"idTag": []}, ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        (
            "StatusNotification",
            {"connectorId": 1, "errorCode": "NoError", "status": None},
            ErrorCode.TYPE_CONSTRAINT_VIOLATION,
        ),
        (
            "StatusNotification",
            {"connectorId": 10**12, "errorCode": "NoError", "status": "Available"},
            ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
        ),
        (
            "MeterValues",
            {"connectorId": 1, "meterValue": []},
            ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
        ),
        ("MeterValues", {"meterValue": [SAMPLE]}, ErrorCode.PROTOCOL_ERROR),
        (
            "StartTransaction",
            {"connectorId": "one", "idTag": "x", "meterStart": 1, "timestamp": STAMP},
            ErrorCode.TYPE_CONSTRAINT_VIOLATION,
        ),
    ],
)
def test_refused_calls(action: str, payload: dict[str, Any], code: ErrorCode) -> None:
    with pytest.raises(CallRefusedError) as refusal:
        dispatch(ROUTES, peer(), frames.Call("1", action, payload), NOW)
    assert refusal.value.code is code


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("Authorize", {"idTag": "x" * 40}),
        (
            "StopTransaction",
            {
                "transactionId": 1,
                "meterStop": 2,
                "timestamp": "yesterday",
                "transactionData": [
                    {"timestamp": STAMP, "sampledValue": [{"value": "50", "unit": "Hertz"}]}
                ],
            },
        ),
        ("BootNotification", {"chargePointVendor": "", "chargePointModel": "m" * 99, "odd": {}}),
        ("BootNotification", {"chargePointVendor": [], "chargePointSerialNumber": {}}),
        ("BootNotification", {"chargePointVendor": [], "chargePointModel": 7}),
        ("BootNotification", {}),
        ("SecurityEventNotification", {"type": "Tamper", "timestamp": STAMP}),
        ("LogStatusNotification", {"status": "Uploaded"}),
        ("SignedFirmwareStatusNotification", {"status": "Installed"}),
        ("FirmwareStatusNotification", {"status": "Installed"}),
        ("DiagnosticsStatusNotification", {"status": "Uploaded"}),
        ("DataTransfer", {"vendorId": "x", "data": "y"}),
        ("Heartbeat", {}),
        ("StatusNotification", {"connectorId": 0, "errorCode": "NoError", "status": "Available"}),
        ("MeterValues", {"connectorId": 1, "meterValue": [SAMPLE]}),
        ("StartTransaction", {"connectorId": 1, "idTag": "x", "meterStart": 1, "timestamp": STAMP}),
    ],
)
def test_accepted_calls_have_valid_replies(action: str, payload: dict[str, Any]) -> None:
    reply = dispatch(ROUTES, peer(), frames.Call("1", action, payload), NOW)
    sent = orjson.loads(frames.call_result("1", reply.payload()))[2]
    assert response_schema(action).check(sent) is None


@pytest.mark.parametrize(
    ("action", "status", "level"),
    [
        ("FirmwareStatusNotification", "Installed", LogLevel.INFO),
        ("FirmwareStatusNotification", "DownloadFailed", LogLevel.WARNING),
        ("SignedFirmwareStatusNotification", "InvalidSignature", LogLevel.WARNING),
        ("DiagnosticsStatusNotification", "UploadFailed", LogLevel.WARNING),
        ("LogStatusNotification", "UploadFailure", LogLevel.WARNING),
        ("LogStatusNotification", "Idle", LogLevel.INFO),
    ],
)
def test_what_has_failed_is_a_warning(action: str, status: str, level: LogLevel) -> None:
    call = frames.Call("1", action, {"status": status})
    (fact,) = dispatch(ROUTES, peer(), call, NOW).facts
    assert isinstance(fact, StatusReport)
    assert (fact.status, fact.level) == (status, level)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
KEYS = st.sampled_from(
    ["connectorId", "idTag", "meterStart", "timestamp", "status", "errorCode", "meterValue"]
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_some_frame(data: bytes) -> None:
    assert isinstance(frames.parse(data), frames.Frame)


@given(
    st.sampled_from(sorted(ROUTES)) | st.text(),
    st.dictionaries(KEYS | st.text(), JSON)
    | st.fixed_dictionaries(
        {
            "connectorId": st.integers(),
            "idTag": st.text(),
            "meterStart": st.integers(),
            "timestamp": st.text() | st.datetimes().map(datetime.isoformat),
        }
    )
    | st.fixed_dictionaries({"chargePointVendor": st.text(), "chargePointModel": st.text()}),
)
def test_any_call_is_answered_or_refused(action: str, payload: dict[str, Any]) -> None:
    frame = frames.parse(json.dumps([2, "1", action, payload]).encode())
    if not isinstance(frame, frames.Call):
        return
    try:
        sent = frames.call_result("1", dispatch(ROUTES, peer(), frame, NOW).payload())
    except CallRefusedError as refusal:
        sent = frames.call_error("1", refusal.code.name, refusal.description)
    assert json.loads(sent)[1] == "1"
