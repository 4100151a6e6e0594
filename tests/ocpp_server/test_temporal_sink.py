"""Events reach their workflow in order, however long Temporal is away."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.facts import ChargePointEvent, ChargePointEvents, EventKind
from ocpp_server import temporal_sink
from ocpp_server.temporal_sink import TemporalSink
from tests.support.eventually import eventually
from tests.support.rows import AT

_WATCHER = "commissioning-cp_1"


class FakeTemporal:
    """Answers signals as it was told, then takes them, but for those with a refused event."""

    def __init__(self, *answers: RPCStatusCode, refused: str = "") -> None:
        self._answers: Iterator[RPCStatusCode] = iter(answers)
        self._refused = refused
        self.signals = 0
        self.told: list[str] = []
        self.incomplete: list[bool] = []

    def get_workflow_handle(self, workflow_id: str) -> "FakeTemporal":
        assert workflow_id == _WATCHER
        return self

    async def signal(self, _name: str, told: ChargePointEvents, **_options: Any) -> None:
        for status in self._answers:
            raise RPCError("by script", status, b"")
        ids = [event.event_id for event in told.events]
        if self._refused in ids:
            raise RPCError("by script", RPCStatusCode.INVALID_ARGUMENT, b"")
        self.signals += 1
        self.incomplete.append(told.incomplete)
        self.told += ids


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal_sink, "FIRST_PAUSE", 0.0)


def _event(event_id: str) -> ChargePointEvent:
    return ChargePointEvent(event_id=event_id, kind=EventKind.HEARTBEAT, at=AT)


def _is_idle() -> None:
    assert len(asyncio.all_tasks()) == 1


async def _delivered(temporal: FakeTemporal, *ids: str) -> list[str]:
    sink = TemporalSink()
    for event_id in ids:
        sink.deliver(_WATCHER, _event(event_id))
    sink.connected(cast("Client", temporal))
    await eventually(_is_idle)
    return temporal.told


async def _flooded(*kinds: EventKind) -> FakeTemporal:
    """Queue events of these kinds, by turns and one too many, while Temporal is away."""
    sink, temporal = TemporalSink(), FakeTemporal()
    for number in range(temporal_sink._MAX_EVENTS + 1):
        kind = kinds[number % len(kinds)]
        sink.deliver(_WATCHER, ChargePointEvent(event_id=f"{number} {kind}", kind=kind, at=AT))
    sink.connected(cast("Client", temporal))
    await eventually(lambda: _all_told(temporal))
    return temporal


def _all_told(temporal: FakeTemporal) -> None:
    assert len(temporal.told) == temporal_sink._MAX_EVENTS
    _is_idle()


@pytest.mark.parametrize(
    ("kinds", "dropped"),
    [
        ((EventKind.CONNECTED, EventKind.METER_VALUES), "1 meter_values"),
        ((EventKind.FIRMWARE_STATUS, EventKind.CONNECTED), "1 connected"),
        ((EventKind.FIRMWARE_STATUS,), "0 firmware_status"),
    ],
)
async def test_of_too_many_events_one_that_can_be_read_again_is_dropped_and_that_is_told(
    kinds: tuple[EventKind, ...], dropped: str
) -> None:
    temporal = await _flooded(*kinds)
    assert dropped not in temporal.told
    assert temporal.incomplete[0]
    assert not any(temporal.incomplete[1:])


async def test_events_wait_for_temporal_in_their_order() -> None:
    away = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED) * 500
    assert await _delivered(FakeTemporal(*away), "a", "b", "c") == ["a", "b", "c"]


async def test_events_that_wait_together_are_one_signal() -> None:
    temporal = FakeTemporal()
    ids = [f"{number:02}" for number in range(temporal_sink._MAX_TOLD + 1)]
    assert await _delivered(temporal, *ids) == ids
    assert temporal.signals == 2


async def test_an_event_that_temporal_refuses_does_not_hold_up_the_others() -> None:
    assert await _delivered(FakeTemporal(refused="b"), "a", "b", "c") == ["a", "c"]


async def test_events_of_a_workflow_that_has_ended_are_forgotten() -> None:
    assert await _delivered(FakeTemporal(RPCStatusCode.NOT_FOUND), "a", "b") == []


async def test_what_comes_while_one_hears_that_its_workflow_is_not_there_is_told_to_the_next() -> (
    None
):
    """A site is handed over: its workflow begins between two events."""
    sink = TemporalSink()

    class BeginsThen(FakeTemporal):
        async def signal(self, _name: str, told: ChargePointEvents, **_options: Any) -> None:
            if not self.signals and [event.event_id for event in told.events] == ["a"]:
                sink.deliver(_WATCHER, _event("b"))
            await super().signal(_name, told, **_options)

    temporal = BeginsThen(RPCStatusCode.NOT_FOUND)
    sink.deliver(_WATCHER, _event("a"))
    sink.connected(cast("Client", temporal))
    await eventually(_is_idle)
    assert temporal.told == ["b"]
