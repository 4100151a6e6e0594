"""What a frame says stays, whatever stands around it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.certificate.frames import frame_text
from domain.certificates import FrameDirection
from tests.documents.reports import frame

NUMBER = "8f14e45f-ceea-467f-a0e6-0242ac120002"


def written(text: str) -> str:
    return frame_text(frame(0, FrameDirection.FROM_CHARGE_POINT, "", text))


def call(action: str, payload: object) -> str:
    return written(json.dumps([2, NUMBER, action, payload]))


def test_meter_values_show_energy_and_power() -> None:
    def sample(value: str, **more: str) -> dict[str, str]:
        return {"value": value, "context": "Sample.Periodic", "location": "Outlet"} | more

    samples = [
        sample("230.1", measurand="Voltage", phase="L1-N", unit="V"),
        sample("7000", measurand="Power.Active.Import", phase="L1", unit="W"),
        sample("21975", measurand="Power.Active.Import", unit="W"),
        sample("73088", unit="Wh"),
    ]
    value = {"timestamp": "2026-05-01T09:35:07Z", "sampledValue": samples}
    payload = {"connectorId": 1, "transactionId": 7, "meterValue": [value]}
    assert call("MeterValues", payload) == (
        '[2,"8f14e45…","MeterValues",{"connectorId":1,"transactionId":7,"meterValue":['
        '{"timestamp":"2026-05-01T09:35:07Z","sampledValue":[{"value":"73088","unit":"Wh",…},'
        '{"value":"21975","measurand":"Power.Active.Import","unit":"W",…},…]}]}]'
    )


def test_a_boot_shows_serial_and_firmware() -> None:
    payload = {
        "chargePointModel": "Terra AC",
        "iccid": "89" * 10,
        "firmwareVersion": "1.8.21",
        "chargePointSerialNumber": "SN-1",
    }
    assert call("BootNotification", payload) == (
        '[2,"8f14e45…","BootNotification",{"chargePointModel":"Terra AC",'
        '"chargePointSerialNumber":"SN-1","firmwareVersion":"1.8.21",…}]'
    )


def test_a_stop_shows_register_time_and_reason() -> None:
    payload = {
        "transactionData": [{"timestamp": "x", "sampledValue": [{"value": "1"}] * 50}],
        "reason": "Remote",
        "meterStop": 73149,
        "timestamp": "2026-05-01T09:35:17Z",
        "transactionId": 7,
    }
    assert call("StopTransaction", payload) == (
        '[2,"8f14e45…","StopTransaction",{"transactionId":7,"meterStop":73149,'
        '"timestamp":"2026-05-01T09:35:17Z","reason":"Remote",…}]'
    )


@pytest.mark.parametrize(
    "text",
    [
        '[3,"1",{"status":"Accepted","interval":30}]',
        '[4,"1","InternalError","",{}]',
        '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"sampledVal…',
        '[2,"1","MeterValues",{"meterValue":[]}]',
        "[" * 100_000,
        "9" * 5000,
    ],
)
def test_the_rest_is_left_as_it_is(text: str) -> None:
    assert written(text) == text


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_payload_is_written(value: object) -> None:
    for action in ("MeterValues", "StopTransaction"):
        for payload in (
            value,
            {"meterValue": value},
            {"meterValue": [value]},
            {"meterValue": [{"sampledValue": value}]},
            {"meterValue": [{"sampledValue": [value, {"measurand": value}]}]},
        ):
            assert call(action, payload)
