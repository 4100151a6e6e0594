"""The alarm for a charge point that connects all the time."""

from datetime import UTC, datetime, timedelta

from domain.flapping import ARRIVALS_KEPT, FLAPPING_CONNECTIONS, Arrival, judge_flapping

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def arrivals(
    count: int, *, every: float = 30, addresses: tuple[str, ...] = ("a",)
) -> list[Arrival]:
    """So many connections until now, these seconds apart, from these addresses in turn."""
    return [
        Arrival(
            at=NOW - timedelta(seconds=every * back),
            remote_address=addresses[back % len(addresses)],
        )
        for back in reversed(range(count))
    ]


def test_raised_at_the_limit_and_not_before() -> None:
    assert judge_flapping(arrivals(FLAPPING_CONNECTIONS - 1), NOW) is None
    alarm = judge_flapping(arrivals(FLAPPING_CONNECTIONS), NOW)
    assert alarm is not None
    assert (alarm.connections, alarm.since) == (8, NOW - timedelta(seconds=210))


def test_slow_reconnects_are_none() -> None:
    assert judge_flapping(arrivals(ARRIVALS_KEPT, every=90), NOW) is None


def test_cleared_when_it_is_steady() -> None:
    seen = arrivals(FLAPPING_CONNECTIONS)
    assert judge_flapping(seen, NOW + timedelta(minutes=6)) is not None
    assert judge_flapping(seen, NOW + timedelta(minutes=7)) is None


def test_one_address_is_a_bad_link_or_a_twin() -> None:
    alarm = judge_flapping(arrivals(9), NOW)
    assert alarm is not None
    assert alarm.cause == (
        "It has connected 9 times within 10 minutes. Its network or its power supply does not "
        "hold, or a second charge point uses its OCPP endpoint: check the signal, and that each "
        "has its own."
    )


def test_many_addresses_are_those_of_a_mobile_network() -> None:
    alarm = judge_flapping(arrivals(ARRIVALS_KEPT, addresses=("a", "b", "c")), NOW)
    assert alarm is not None
    assert "Its network" in alarm.cause


def test_two_addresses_are_two_charge_points_with_one_identity() -> None:
    alarm = judge_flapping(arrivals(ARRIVALS_KEPT, addresses=("a", "b")), NOW)
    assert alarm is not None
    assert alarm.cause == (
        "It has connected 12 or more times within 10 minutes, from a and b. Two charge points seem "
        "to use its OCPP endpoint and push each other out: give each its own."
    )
