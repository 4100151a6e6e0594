"""Limits as a charge point is told them and reports them: in amperes or watts, never rounded up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.power.operations import LimitForm, RateUnit
from ocpp_server.v16 import charging_profiles as profiles
from ocpp_server.v16.charging_profiles import Reported, reported

_A, _W = RateUnit.AMPERES, RateUnit.WATTS
_FORMS = st.builds(
    LimitForm,
    unit=st.sampled_from(RateUnit),
    phases=st.integers(1, 3),
    max_amps=st.integers(6, 80),
    voltage=st.sampled_from([220.0, 230.0, 240.0]),
    direct_current=st.booleans(),
)


def _form(unit: RateUnit, *, phases: int = 3, direct_current: bool = False) -> LimitForm:
    return LimitForm(unit=unit, phases=phases, max_amps=32, direct_current=direct_current)


def _answer(*limits: float, unit: RateUnit = _A, status: str = "Accepted") -> dict[str, object]:
    periods = [{"startPeriod": 0, "limit": limit} for limit in limits]
    return {
        "status": status,
        "chargingSchedule": {"chargingRateUnit": unit, "chargingSchedulePeriod": periods},
    }


@pytest.mark.parametrize(
    ("limit", "unit", "form", "amps"),
    [
        (10, _A, _form(_A), 10),
        (10, _A, _form(_W), 10),
        # Told in amperes, it counts all phases in its watts.
        (6900, _W, _form(_A), 10),
        (2300, _W, _form(_A, phases=1), 10),
        # Told in watts, one phase may carry all of them; no more than the cable.
        (2300, _W, _form(_W), 10),
        (22_080, _W, _form(_W), 32),
        # A rectifier draws from all of its phases.
        (6900, _W, _form(_W, direct_current=True), 10),
    ],
)
def test_what_a_reported_limit_is_in_amperes(
    limit: float, unit: RateUnit, form: LimitForm, amps: float
) -> None:
    assert Reported(limit=limit, unit=unit).amps(form) == amps


@pytest.mark.parametrize(
    ("most", "unit", "form"),
    [
        (10.5, _A, _form(_A)),  # some report whole ones
        (10.5, _A, _form(_W)),
        (10.5 * 690, _W, _form(_A)),
        (10.5 * 230, _W, _form(_A, phases=1)),
        (10.5 * 230, _W, _form(_W)),
        (10 * 690 + 0.5 * 230, _W, _form(_W, direct_current=True)),
    ],
)
def test_no_more_than_it_was_told_and_half_an_ampere(
    most: float, unit: RateUnit, form: LimitForm
) -> None:
    assert Reported(limit=most, unit=unit).agrees(10, form)
    assert Reported(limit=0, unit=unit).agrees(10, form)
    assert not Reported(limit=most + 0.1, unit=unit).agrees(10, form)


@given(form=_FORMS, amps=st.floats(0, 80))
def test_what_it_is_told_is_never_more_when_it_comes_back(form: LimitForm, amps: float) -> None:
    amps = min(amps, form.max_amps)
    _, payload = profiles.station_max(amps, form)
    schedule = payload["csChargingProfiles"]["chargingSchedule"]
    began = datetime.fromisoformat(schedule["startSchedule"])
    assert began <= datetime.now(UTC) - timedelta(days=1), "it counts though its clock is behind"
    told = reported({"status": "Accepted", "chargingSchedule": schedule})
    assert told is not None
    assert told.unit is form.unit
    assert told.agrees(amps, form)
    assert amps - 0.11 < told.amps(form) <= amps + 1e-6


def test_the_highest_of_a_schedule_counts() -> None:
    assert reported(_answer(6, 16.04, 10)) == Reported(limit=16, unit=_A)
    assert reported(_answer(4140, unit=_W)) == Reported(limit=4140, unit=_W)
    assert reported(_answer(6, status="Rejected")) is None
    assert reported(_answer()) is None
    assert reported({"status": "Accepted"}) is None
