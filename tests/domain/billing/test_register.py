"""The register between two readings: to the nearest mWh."""

from datetime import timedelta

import pytest

from domain.billing.register import MICROSECOND, Register, Session
from tests.domain.billing.sessions import utc

START = utc("2026-05-01T09:00")


@pytest.mark.parametrize(
    ("rise_mwh", "length_us", "charged"),
    [(1, 2, [0, 1, 1]), (1, 3, [0, 0, 1, 1]), (5, 4, [0, 1, 3, 4, 5])],
)
def test_what_is_charged_at_a_moment(rise_mwh: int, length_us: int, charged: list[int]) -> None:
    session = Session(
        started_at=START,
        stopped_at=START + length_us * MICROSECOND,
        meter_start_mwh=1000,
        meter_stop_mwh=1000 + rise_mwh,
    )
    register = Register(session)
    moments = [START + passed * MICROSECOND for passed in range(length_us + 1)]
    assert [register.charged_at(moment) for moment in moments] == charged
    assert register.charged_at(session.stopped_at + timedelta(hours=1)) == rise_mwh
