"""A workflow that is due is started, whenever Temporal comes."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.billing.messages import BillTransaction
from ocpp_server import temporal_sink
from ocpp_server.temporal_sink import TemporalSink
from tests.support.eventually import eventually

_AWAY = RPCStatusCode.UNAVAILABLE


class FakeTemporal:
    """Answers starts as it was told, then takes them."""

    def __init__(self, *answers: RPCStatusCode) -> None:
        self._answers: Iterator[RPCStatusCode] = iter(answers)
        self.started: list[str] = []
        self.free = asyncio.Event()
        self.free.set()

    async def start_workflow(self, _name: str, _request: object, **options: Any) -> None:
        for status in self._answers:
            raise RPCError("by script", status, b"")
        self.started.append(options["id"])
        await self.free.wait()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal_sink, "FIRST_PAUSE", 0.0)


async def _settled() -> None:
    def done() -> None:
        assert len(asyncio.all_tasks()) == 1

    await eventually(done)


async def test_what_is_due_before_temporal_is_there_is_started_then() -> None:
    sink, temporal = TemporalSink(), FakeTemporal()
    sink.configure("cp_1")
    sink.bill(BillTransaction(charge_point_id="cp_1", transaction_id="7"))
    sink.connected(cast("Client", temporal))
    await _settled()
    assert temporal.started == ["configuration-cp_1", "billing-cp_1-7"]


async def test_an_outage_is_waited_for() -> None:
    sink, temporal = TemporalSink(), FakeTemporal(*[_AWAY] * 100)
    sink.connected(cast("Client", temporal))
    sink.configure("cp_1")
    await _settled()
    assert temporal.started == ["configuration-cp_1"]


async def test_what_temporal_refuses_is_not_repeated() -> None:
    sink, temporal = TemporalSink(), FakeTemporal(RPCStatusCode.INVALID_ARGUMENT)
    sink.connected(cast("Client", temporal))
    sink.configure("cp_1")
    await _settled()
    assert temporal.started == []


async def test_what_falls_due_during_a_start_is_started_again_once() -> None:
    """The workflow may have looked already when the values came."""
    sink, temporal = TemporalSink(), FakeTemporal()
    sink.connected(cast("Client", temporal))
    temporal.free.clear()
    sink.configure("cp_1")

    def under_way() -> None:
        assert temporal.started

    await eventually(under_way)
    sink.configure("cp_1")
    sink.configure("cp_1")
    temporal.free.set()
    await _settled()
    assert temporal.started == ["configuration-cp_1"] * 2


async def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal_sink, "_MAX_STARTS", 2)
    sink, temporal = TemporalSink(), FakeTemporal()
    for number in range(3):
        sink.configure(f"cp_{number}")
    sink.connected(cast("Client", temporal))
    await _settled()
    assert sorted(temporal.started) == ["configuration-cp_0", "configuration-cp_1"]
