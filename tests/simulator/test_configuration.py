"""GetConfiguration and ChangeConfiguration, over the socket."""

import base64

import pytest

from simulator import find_model
from tests.simulator.central_system import CentralSystem, Refused
from tests.simulator.conftest import PowerUp


async def value_of(central: CentralSystem, key: str) -> str:
    answer = await central.call("GetConfiguration", key=[key])
    return str(answer["configurationKey"][0]["value"])


async def test_all_keys_come_but_the_secret(central: CentralSystem, power_up: PowerUp) -> None:
    power_up()
    answer = await central.call("GetConfiguration")
    keys = {one["key"]: one for one in answer["configurationKey"]}
    assert keys["NumberOfConnectors"] == {
        "key": "NumberOfConnectors",
        "readonly": True,
        "value": "1",
    }
    assert keys["MaxChargingProfilesInstalled"]["value"] == "10"
    assert keys["AuthorizationCacheEnabled"] == {
        "key": "AuthorizationCacheEnabled",
        "readonly": False,
        "value": "true",
    }
    assert "AuthorizationKey" not in keys
    assert "unknownKey" not in answer


async def test_named_keys_ignore_case_and_unknown_ones_are_named(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up()
    answer = await central.call(
        "GetConfiguration", key=["heartbeatinterval", "AuthorizationKey", "Nonsense"]
    )
    assert [one["key"] for one in answer["configurationKey"]] == [
        "HeartbeatInterval",
        "AuthorizationKey",
    ]
    assert "value" not in answer["configurationKey"][1]
    assert answer["unknownKey"] == ["Nonsense"]


async def test_more_keys_than_the_maximum_are_refused(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up(profile=find_model("Kempower Satellite"))
    with pytest.raises(Refused) as refused:
        await central.call("GetConfiguration", key=[f"Key{n}" for n in range(11)])
    assert refused.value.code == "OccurenceConstraintViolation"


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("MeterValueSampleInterval", "15", "Accepted"),
        ("metervaluesampleinterval", "15", "Accepted"),
        ("MeterValueSampleInterval", "-1", "Rejected"),
        ("MeterValueSampleInterval", "often", "Rejected"),
        ("MeterValueSampleInterval", "9" * 400, "Rejected"),
        ("AuthorizationCacheEnabled", "false", "Accepted"),
        ("AuthorizationCacheEnabled", "no", "Rejected"),
        ("MaxChargingProfilesInstalled", "10", "Rejected"),
        ("MeterValuesSampledData", "Voltage, Current.Import", "Accepted"),
        ("MeterValuesSampledData", "Frequency", "Rejected"),
        ("SecurityProfile", "0", "Rejected"),
        ("SecurityProfile", "2", "RebootRequired"),
        ("AuthorizationKey", "too short", "Rejected"),
        ("AuthorizationKey", "00" * 21, "Rejected"),
        ("Nonsense", "1", "NotSupported"),
    ],
)
async def test_a_change_is_checked(
    central: CentralSystem, power_up: PowerUp, key: str, value: str, status: str
) -> None:
    power_up()
    assert await central.call("ChangeConfiguration", key=key, value=value) == {"status": status}
    if status == "Accepted":
        assert await value_of(central, key) == value


async def test_what_needs_a_reboot_counts_after_it(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up()
    await central.seen("BootNotification")
    answer = await central.call("ChangeConfiguration", key="WebSocketPingInterval", value="30")
    assert answer == {"status": "RebootRequired"}
    assert await value_of(central, "WebSocketPingInterval") == "0"
    await central.call("Reset", type="Soft")
    await central.seen("BootNotification", 2)
    assert await value_of(central, "WebSocketPingInterval") == "30"


async def test_a_new_authorization_key_is_used_for_a_new_connection_at_once(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up(password="first")
    await central.seen("StatusNotification", 2)
    key = bytes(range(200, 220))
    await central.call("ChangeConfiguration", key="AuthorizationKey", value=key.hex())
    await central.until(lambda: central.connections == 2)
    credentials = [
        base64.b64decode(headers["Authorization"].removeprefix("Basic "))
        for headers in central.headers
    ]
    assert credentials == [b"cp_1:first", b"cp_1:" + key]
