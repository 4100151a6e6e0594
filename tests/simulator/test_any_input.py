"""Whatever the central system sends, a charge point answers it or passes it over."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator import frames
from simulator.actions import routing
from simulator.events import Events
from simulator.frames import Call, CallRejected, FrameError
from simulator.hardware import Hardware
from simulator.station import Station
from tests.simulator.conftest import STRONG

small = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["Soft", "Operative", "Full", "Heartbeat", "2026-01-01T00:00:00Z"]),
)
json = st.recursive(small, lambda inner: st.lists(inner, max_size=2), max_leaves=3)
profiles = st.fixed_dictionaries(
    {
        "chargingProfileId": st.integers(0, 3),
        "stackLevel": st.integers(-1, 12),
        "chargingProfilePurpose": st.sampled_from(
            ["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"]
        ),
        "chargingProfileKind": st.sampled_from(["Absolute", "Recurring", "Relative"]),
        "chargingSchedule": st.fixed_dictionaries(
            {
                "chargingRateUnit": st.sampled_from(["A", "W"]),
                "chargingSchedulePeriod": st.lists(
                    st.fixed_dictionaries(
                        {"startPeriod": st.integers(), "limit": st.integers(-9, 10**12)}
                    ),
                    min_size=1,
                    max_size=3,
                ),
            },
            optional={
                "duration": st.integers(),
                "startSchedule": st.datetimes().map(lambda time: f"{time.isoformat()}Z"),
            },
        ),
    },
    optional={"recurrencyKind": st.sampled_from(["Daily", "Weekly"])},
)
fields = {
    "type": json,
    "key": json,
    "value": json,
    "connectorId": st.integers(-1, 3),
    "transactionId": json,
    "idTag": st.text(max_size=25),
    "requestedMessage": json,
    "duration": st.integers(),
    "listVersion": st.integers(),
    "updateType": st.sampled_from(["Full", "Differential", "Some"]),
    "location": st.text(max_size=30),
    "retrieveDate": st.text(max_size=30),
    "csChargingProfiles": profiles,
    "chargingProfile": profiles,
    "vendorId": json,
}
NAMES = {
    "GetConfiguration": ["key"],
    "ChangeConfiguration": ["key", "value"],
    "RemoteStartTransaction": ["connectorId", "idTag", "chargingProfile"],
    "RemoteStopTransaction": ["transactionId"],
    "TriggerMessage": ["requestedMessage", "connectorId"],
    "ChangeAvailability": ["connectorId", "type"],
    "SetChargingProfile": ["connectorId", "csChargingProfiles"],
    "GetCompositeSchedule": ["connectorId", "duration"],
    "SendLocalList": ["listVersion", "updateType"],
    "UpdateFirmware": ["location", "retrieveDate"],
}


def hardware() -> Hardware:
    station = Station(
        profile=STRONG, serial="S", faults=(), speed=50, seed=1, events=Events("cp", None)
    )
    station.online = station.accepted = True
    return Hardware(station, hang_up=lambda _: None, use_password=lambda _: None)


@given(st.one_of(st.text(), st.binary()))
def test_any_bytes_are_a_frame_or_none(raw: str | bytes) -> None:
    try:
        frames.parse(raw)
    except FrameError:
        return


@pytest.mark.parametrize("action", sorted(routing.ROUTES))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_payload_is_answered_and_acted_upon(action: str, data: Any) -> None:
    chosen = {name: fields[name] for name in NAMES.get(action, ["type", "connectorId"])}
    payloads = data.draw(st.lists(st.fixed_dictionaries({}, optional=chosen), max_size=4))

    async def play() -> None:
        one = hardware()
        one.charging.plug_in(one.station.connectors[1])
        one.charging.authorize(one.station.connectors[1], "AB12", ask=False)
        for payload in payloads:
            try:
                answer = routing.answer(one, Call("1", action, payload))
            except CallRejected:
                continue
            if answer is not None and answer.then is not None:
                answer.then()
        one.station.timers.cancel_all()

    asyncio.run(play())
