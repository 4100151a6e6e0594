"""What is known of when a charge point tries again, once its name is claimed."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.connection_attempts import Claimed, is_claimed, rhythm

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def at(*seconds: float) -> list[datetime]:
    return [NOON + timedelta(seconds=one) for one in seconds]


@pytest.mark.parametrize(
    ("tried_at", "every"),
    [
        ((), None),
        ((0,), None),
        ((0, -30), 30),
        ((0, -30, -60, -3600), 30),  # it was switched off for a while
        ((0, -0.2, -0.4), None),
    ],
)
def test_how_often_it_tries(tried_at: tuple[float, ...], every: float | None) -> None:
    assert rhythm(at(*tried_at)) == (None if every is None else timedelta(seconds=every))


@pytest.mark.parametrize(
    ("tried", "every", "due"),
    [(0, 30, 30), (-20, 30, 10), (-70, 30, 20), (-90, 30, 0), (0, None, None), (None, None, None)],
)
def test_when_it_is_due(tried: float | None, every: float | None, due: float | None) -> None:
    name = Claimed(
        identity="SN  1",
        at=NOON,
        tried_at=None if tried is None else at(tried)[0],
        every=None if every is None else timedelta(seconds=every),
    )
    said = is_claimed(name)
    assert said.startswith("It is claimed as SN 1, and gets in with its next attempt.")
    if due is None:
        assert name.due_at is None
        assert "UTC" not in said
    else:
        assert name.due_at == at(due)[0]
        assert (
            f"about every {every} s before, so that is due at about {at(due)[0]:%H:%M:%S} UTC"
            in said
        )
