"""Id tags cannot be tried out quickly, and nobody is refused for it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_server import throttle
from ocpp_server.throttle import MOST, Guesses
from tests.ocpp_server.bed import Bed, Wire, seed


def test_unknown_tags_are_answered_later_and_later_and_known_ones_with_them() -> None:
    now = 0.0
    kept = Guesses(clock=lambda: now)
    pauses = [kept.pause("cp", unknown=True) for _ in range(MOST + 7)]
    assert pauses == [0.0] * MOST + [2.0, 4.0, 6.0, 8.0, 8.0, 8.0, 8.0]
    assert kept.pause("cp", unknown=False) == 8.0
    assert kept.pause("another", unknown=True) == 0.0
    now = 60.0
    assert kept.pause("cp", unknown=False) == 0.0


def test_those_that_are_admitted_count_for_nothing() -> None:
    kept = Guesses(clock=lambda: 0.0)
    assert {kept.pause("cp", unknown=False) for _ in range(100)} == {0.0}


def test_only_the_newest_charge_points_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_MAX_CHARGE_POINTS", 2)
    kept = Guesses(clock=lambda: 0.0)
    for number in range(10):
        for _ in range(MOST):
            kept.pause(f"cp{number}", unknown=True)
    assert [kept.pause(f"cp{number}", unknown=False) for number in (7, 8, 9)] == [0.0, 2.0, 2.0]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("action", ["Authorize", "StartTransaction"])
async def test_one_that_tries_tags_out_is_answered_late_on_each_link(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """The right one of them too; and others are answered at once meanwhile."""
    pauses: list[float] = []
    loop = asyncio.get_running_loop()
    later = loop.call_later

    def call_later(delay: float, callback: Any, *arguments: Any, **options: Any) -> Any:
        if getattr(callback, "__name__", "") == "_answer":
            pauses.append(delay)
            delay = 0.0
        return later(delay, callback, *arguments, **options)

    async def present(wire: Wire, tag: str) -> str:
        start = {"connectorId": 1, "meterStart": 0, "timestamp": datetime.now(UTC).isoformat()}
        more = start if action == "StartTransaction" else {}
        reply = await wire.call(action, {"idTag": tag, **more})
        return str(reply[2]["idTagInfo"]["status"])

    monkeypatch.setattr(loop, "call_later", call_later)
    await bed.open_run(id_tag="RIGHT")
    (other,) = await seed(bed.database, 1)
    for _ in range(2):
        async with bed.wire() as wire:
            assert await present(wire, "RIGHT") == "Accepted"
            for number in range(MOST - 1):
                assert await present(wire, f"TRIED{number}") != "Accepted"
    async with bed.wire() as wire, bed.wire(other) as neighbour:
        assert await present(wire, "RIGHT") == "Accepted"
        await wire.sync()
        await present(neighbour, "UNKNOWN")
    assert pauses == [2.0, 4.0, 6.0, 8.0]
