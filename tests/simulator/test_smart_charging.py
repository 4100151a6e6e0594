"""Charging profiles: by table, and over the socket."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator.profile import ABB_TERRA_AC_W22
from simulator.smart_charging import ChargingProfiles
from simulator.words import Answered
from tests.simulator.central_system import CentralSystem, Refused
from tests.simulator.conftest import PowerUp
from tests.simulator.test_transactions import started

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
# Valid by the schema, and yet no time that hardware can count with.
LEAP_SECOND = "2016-12-31T23:59:60Z"
UNLIMITED = ABB_TERRA_AC_W22.max_power_w


def profile(
    number: int = 1,
    *,
    purpose: str = "TxDefaultProfile",
    stack: int = 0,
    kind: str = "Relative",
    unit: str = "W",
    periods: tuple[tuple[int, float], ...] = ((0, 5000),),
    schedule: dict[str, Any] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    return {
        "chargingProfileId": number,
        "stackLevel": stack,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": {
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [
                {"startPeriod": start, "limit": limit} for start, limit in periods
            ],
            **(schedule or {}),
        },
        **fields,
    }


def limit(*installed: dict[str, Any], after: float = 0) -> float:
    """Return what is allowed on connector 1, `after` seconds of a transaction begun at noon."""
    profiles = ChargingProfiles(ABB_TERRA_AC_W22)
    for one in installed:
        assert profiles.install(0, one, transaction=True) is Answered.ACCEPTED
    return profiles.limit_w(1, NOON + timedelta(seconds=after), NOON)


def absolute(start: str, **options: Any) -> dict[str, Any]:
    return profile(kind="Absolute", schedule={"startSchedule": start}, **options)


@pytest.mark.parametrize(
    ("installed", "after", "watts"),
    [
        ([], 0, UNLIMITED),
        ([profile()], 0, 5000),
        ([profile(unit="A", periods=((0, 10),))], 0, 6900),
        ([profile(periods=((0, 99_999),))], 0, UNLIMITED),
        ([profile(periods=((0, 5000), (60, 0)))], 59, 5000),
        ([profile(periods=((0, 5000), (60, 0)))], 60, 0),
        ([profile(schedule={"duration": 30})], 30, UNLIMITED),
        ([profile(1), profile(2, stack=1, periods=((0, 9000),))], 0, 9000),
        ([profile(1), profile(2, purpose="TxProfile", periods=((0, 7000),))], 0, 7000),
        ([profile(1), profile(2, purpose="ChargePointMaxProfile", periods=((0, 3000),))], 0, 3000),
        ([profile(validFrom="2026-06-01T13:00:00Z")], 0, UNLIMITED),
        ([profile(validTo="2026-06-01T12:00:00Z")], 0, UNLIMITED),
        ([absolute("2026-06-01T11:00:00Z")], 0, 5000),
        ([absolute("2026-06-01T11:00:00")], 0, 5000),
        ([absolute("2026-06-01T13:00:00Z")], 0, UNLIMITED),
        (
            [
                profile(
                    kind="Recurring",
                    recurrencyKind="Daily",
                    periods=((0, 1000), (12 * 3600, 2000)),
                    schedule={"startSchedule": "2026-05-01T00:00:00Z"},
                )
            ],
            0,
            2000,
        ),
    ],
)
def test_the_limit_in_force(installed: list[dict[str, Any]], after: float, watts: float) -> None:
    assert limit(*installed, after=after) == pytest.approx(watts)


def test_the_same_slot_and_the_same_id_replace() -> None:
    assert limit(profile(1), profile(2, periods=((0, 8000),))) == 8000
    assert limit(profile(1, stack=3), profile(1, periods=((0, 8000),))) == 8000


def test_the_eleventh_profile_is_rejected() -> None:
    profiles = ChargingProfiles(ABB_TERRA_AC_W22)
    answers = [
        profiles.install(connector, profile(connector, stack=1), transaction=False)
        for connector in range(11)
    ]
    assert answers == [Answered.ACCEPTED] * 10 + [Answered.REJECTED]


def test_the_next_step_of_a_schedule_is_known() -> None:
    profiles = ChargingProfiles(ABB_TERRA_AC_W22)
    assert profiles.seconds_to_change(NOON, NOON) is None
    profiles.install(1, profile(periods=((0, 1), (60, 2))), transaction=False)
    assert profiles.seconds_to_change(NOON + timedelta(seconds=20.5), NOON) == 40
    assert profiles.seconds_to_change(NOON + timedelta(seconds=60), NOON) is None


async def test_a_profile_limits_the_power_of_a_running_transaction(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    number = await started(central, charge_point)
    chosen = profile(purpose="TxProfile", periods=((0, 0),), transactionId=number)
    answer = await central.call("SetChargingProfile", connectorId=1, csChargingProfiles=chosen)
    assert answer == {"status": "Accepted"}
    await central.seen("StatusNotification", connectorId=1, status="SuspendedEVSE")
    assert await central.call("ClearChargingProfile", id=1) == {"status": "Accepted"}
    await central.seen("StatusNotification", 2, connectorId=1, status="Charging")
    assert await central.call("ClearChargingProfile", id=1) == {"status": "Unknown"}


async def test_a_vehicle_on_one_phase_draws_all_the_watts_from_it(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up(profile=ABB_TERRA_AC_W22)
    await central.seen("StatusNotification", 2)
    charge_point.plug_in(phases=1)
    charge_point.present_card("CARD")
    await charge_point.until(lambda: 31.5 < charge_point.amps() < 32)
    for unit, periods in (("A", ((0, 10.0),)), ("W", ((0, 2300.0),))):
        chosen = profile(unit=unit, periods=periods)
        await central.call("SetChargingProfile", connectorId=1, csChargingProfiles=chosen)
        await charge_point.until(lambda: 9.9 <= charge_point.amps() <= 10)
        assert charge_point.power_w() <= 2300
        await central.call("ClearChargingProfile")
        await charge_point.until(lambda: charge_point.amps() > 31)


async def test_a_remote_start_may_bring_its_profile(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up()
    await central.seen("StatusNotification", 2)

    async def start(**fields: Any) -> str:
        answer = await central.call(
            "RemoteStartTransaction", idTag="A", connectorId=1, chargingProfile=profile(**fields)
        )
        return str(answer["status"])

    assert await start() == "Rejected"
    assert await start(purpose="TxProfile", validFrom=LEAP_SECOND) == "Rejected"
    assert await start(purpose="TxProfile", periods=((0, 0),)) == "Accepted"
    await central.seen("StatusNotification", connectorId=1, status="SuspendedEVSE")


@pytest.mark.parametrize(
    ("connector", "purpose"), [(1, "TxProfile"), (1, "ChargePointMaxProfile"), (9, "TxProfile")]
)
async def test_a_profile_in_the_wrong_place_is_rejected(
    central: CentralSystem, power_up: PowerUp, connector: int, purpose: str
) -> None:
    power_up()
    answer = await central.call(
        "SetChargingProfile", connectorId=connector, csChargingProfiles=profile(purpose=purpose)
    )
    assert answer == {"status": "Rejected"}


@pytest.mark.parametrize("date", ["never", LEAP_SECOND])
async def test_a_date_that_is_none_is_refused(
    central: CentralSystem, power_up: PowerUp, date: str
) -> None:
    power_up()
    with pytest.raises(Refused) as refused:
        await central.call(
            "SetChargingProfile", connectorId=1, csChargingProfiles=profile(validTo=date)
        )
    assert refused.value.code == "PropertyConstraintViolation"


async def test_the_composite_schedule_shows_what_results(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up()
    stepped = profile(periods=((0, 5000), (60, 8000.5)))
    await central.call("SetChargingProfile", connectorId=1, csChargingProfiles=stepped)
    answer = await central.call("GetCompositeSchedule", connectorId=1, duration=3600)
    assert answer["status"] == "Accepted"
    assert answer["chargingSchedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 5000.0},
        {"startPeriod": 60, "limit": 8000.5},
    ]
    answer = await central.call("GetCompositeSchedule", connectorId=9, duration=60)
    assert answer == {"status": "Rejected"}
