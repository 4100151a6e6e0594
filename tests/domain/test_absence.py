"""What came and could not be read is told in place of what is missed."""

import pytest

from domain.facts import Irregularity
from domain.failures import FailureCode
from domain.rules.absence import unreadable


def odd(action: str, *, refused: bool = True, count: int = 3) -> Irregularity:
    return Irregularity(
        action=action, what="it is no JSON", refused=refused, count=count, excerpt='[2,"x"'
    )


@pytest.mark.parametrize(
    ("irregularity", "named"),
    [
        (odd("MeterValues"), True),
        (odd(""), True),  # a frame whose action cannot be told may be any message
        (odd("MeterValues", refused=False), False),
        (odd("Heartbeat"), False),
    ],
)
def test_what_was_refused_is_told(irregularity: Irregularity, named: bool) -> None:
    found = unreadable(FailureCode.NO_METER_VALUES, [irregularity])
    assert (found is not None) is named
    if found is not None:
        assert found.code == FailureCode.MESSAGES_UNREADABLE
        assert "it is no JSON" in found.cause
        assert "3" in found.cause


def test_a_failure_that_misses_nothing_is_no_matter_of_messages() -> None:
    assert unreadable(FailureCode.NO_ENERGY, [odd("MeterValues")]) is None


def test_all_that_were_refused_are_counted() -> None:
    found = unreadable(FailureCode.NO_METER_VALUES, [odd("", count=1), odd("MeterValues", count=4)])
    assert found is not None
    assert "(5, MeterValues)" in found.cause
