"""What an odd frame costs has a bound, and no secret of it is shown, wherever it is cut off."""

import asyncio
import gc
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import pytest

from ocpp_server import framelog as noting
from ocpp_server import frames, loose_json
from ocpp_server.dispatch import Reply, dispatch
from ocpp_server.framelog import frame_text
from ocpp_server.peer import Peer
from ocpp_server.session import Session
from ocpp_server.throttle import Allowance
from ocpp_server.v16.schemas import response_schema
from storage.fact_records import MeterValues
from tests.ocpp_server.bed import Bed
from tests.support.ocpp import V16

ROUTES = V16.routes
NOW = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)
STAMP = "2026-01-02T03:04:05Z"
SECRET = "5ec2e7"
KEY = {"key": "AuthorizationKey", "value": SECRET}
CHANGE = json.dumps([2, "1", "ChangeConfiguration", KEY])


def peer(run: str | None = None) -> Peer:
    return Peer(
        charge_point_id="cp",
        node_id="node",
        ocpp_version="1.6",
        remote_address=None,
        connected_at=NOW,
        watched_run=run,
    )


def work(function: Callable[[], object]) -> int:
    """Count the functions that are called in it, of Python and of C.

    Of three times the fewest: the first fills caches. No finalizer of what others have left behind
    runs meanwhile.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return min(_calls(function) for _ in range(3))
    finally:
        if collects:
            gc.enable()


def _calls(function: Callable[[], object]) -> int:
    count = 0

    def saw(_frame: FrameType, event: str, _what: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(saw)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


class Left:
    """Rubbish whose end costs much."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for number in range(1_000):
            abs(number)


def test_what_others_leave_behind_costs_a_frame_nothing() -> None:
    def leaves() -> object:
        Left()
        return [[] for _ in range(100)]

    before = gc.get_threshold()
    gc.set_threshold(5, 1, 1)
    try:
        costs = work(leaves)
    finally:
        gc.set_threshold(*before)
    assert costs < 20


def filled(element: str, size: int, odd: int = 49) -> bytes:
    """Return a heartbeat of that size, with a list, a hint of a secret, and unknown fields."""
    fields = ",".join(f'"f{number}":0' for number in range(odd))
    head = f'[2,"1","Heartbeat",{{"key":0,{fields},"x":['
    times = (size - len(head)) // (len(element) + 1)
    return (head + ",".join([element] * times) + "]}]").encode()


def read(action: str, payload: dict[str, Any]) -> Reply:
    frame = frames.parse(json.dumps([2, "1", action, payload]).encode())
    assert isinstance(frame, frames.Call)
    return dispatch(ROUTES, peer(), frame, NOW)


@pytest.mark.parametrize(
    "written",
    [
        CHANGE,
        f"\ufeff{CHANGE}",
        f'"{CHANGE}',
        json.dumps(CHANGE),
        json.dumps([2, "1", "DataTransfer", {"data": json.dumps({"Pass-Word": [SECRET]})}]),
        json.dumps(
            [2, "1", "ChangeConfiguration", {"Key": ["AuthorizationKey"], "Values": [SECRET]}]
        ),
        CHANGE.replace("K", "\\u004b"),
        f'[2,"1","ChangeConfiguration",{{key:AuthorizationKey,value:{SECRET}}}]',
        json.dumps([2, "1", "GetDiagnostics", {"location": f"ftp://me:{SECRET}@host/x"}]),
        f'[2,"1","GetDiagnostics",{{"location":"ftp:\\/\\/me:{SECRET}@host\\/x"}}]',
        f'[2,"1","GetDiagnostics",{{location:ftp://me:{SECRET}@host/x}}]',
        json.dumps([2, "1", "DataTransfer", {"wifi": {"passphrase": {"a": [SECRET]}}}]),
    ],
)
def test_a_secret_is_masked_however_it_is_written(written: str) -> None:
    data = written.encode()
    shown = [frame_text(data), *(frame_text(data, at_most) for at_most in range(1, len(data)))]
    assert SECRET in written
    assert [text for text in shown if SECRET in text] == []


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ({"value": SECRET, "x": "x" * 9_000}, {"key": "AuthorizationKey"}),
        ({"x": "x" * 7_915, "key": "AuthorizationKey"}, {"value": SECRET * 9}),
        ({"x": "x" * 7_930}, {"location": f"ftp://me:{SECRET}{'9' * 99}@host/x"}),
    ],
)
def test_what_says_that_it_is_a_secret_may_be_cut_off(
    before: dict[str, str], behind: dict[str, str]
) -> None:
    text = frame_text(json.dumps([2, "1", "DataTransfer", before | behind]).encode())
    assert SECRET not in text
    assert "***" in text


def test_what_is_no_secret_stays_as_it_was_sent() -> None:
    answer = {"configurationKey": [{"key": f"K{n}", "value": f"http://h/{n}"} for n in range(9)]}
    data = json.dumps([3, "1", answer]).encode()
    assert frame_text(data) == data.decode()


@pytest.mark.parametrize("element", ["{}", "[]", '""', "1"])
def test_a_long_frame_costs_what_a_shorter_one_does(element: str) -> None:
    shorter, longer = (filled(element, size) for size in (10_000, 60_000))
    assert work(lambda: frame_text(longer)) <= work(lambda: frame_text(shorter)) + 10


@pytest.mark.parametrize("run", [None, "com_1"])
def test_the_excerpt_of_a_frame_is_made_once(
    run: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes] = []

    def text(data: bytes, *more: int) -> str:
        made.append(data)
        return frame_text(data, *more)

    monkeypatch.setattr(noting, "frame_text", text)
    its, whats = peer(run), tuple(f"odd {number}" for number in range(40))
    assert len(noting.oddities(its, "Heartbeat", whats, b"[]")) == 40
    assert len(made) == 1
    noting.oddities(its, "Heartbeat", whats, b"[]")
    assert len(made) == (1 if run is None else 2)


@pytest.mark.parametrize("element", [{}, {"x": 1}, 1])
def test_of_what_is_no_sample_not_all_is_read(element: object) -> None:
    values = {"timestamp": STAMP, "sampledValue": [element] * 20_000}
    reply = read("MeterValues", {"connectorId": 1, "meterValue": [values]})
    (fact,) = reply.facts
    assert isinstance(fact, MeterValues)
    assert len(fact.entries[0].samples) <= 12_000
    assert any("more than is read" in what for what in reply.repairs)


def test_thousands_of_odd_samples_of_an_offline_buffer_are_all_read() -> None:
    values = {"timestamp": STAMP, "sampledValue": [{"value": 1.5}] * 4_000}
    reply = read("MeterValues", {"connectorId": 1, "meterValue": [values]})
    (fact,) = reply.facts
    assert isinstance(fact, MeterValues)
    assert fact.entries[0].samples == [{"value": "1.5"}] * 4_000


def test_a_field_is_found_behind_any_number_of_unknown_ones() -> None:
    found = [{"key": f"K{n}", "readonly": "false", "value": n} for n in range(1_000)]
    payload = {f"x{n}": n for n in range(5_000)} | {"configurationKey": found}
    repairer = response_schema("GetConfiguration")
    assert len(repairer.repair(payload).payload["configurationKey"]) == 1_000
    few = {f"x{n}": n for n in range(300)} | {"configurationKey": found}
    assert work(lambda: repairer.repair(payload)) <= work(lambda: repairer.repair(few)) + 10


@pytest.mark.parametrize("more", ["", "\\ud800"])
def test_of_a_large_message_that_is_read_loosely_no_element_is_walked(more: str) -> None:
    keys = '{"key":"HeartbeatInterval","value":60,"readonly":0}'
    data = f'\ufeff[3,"1",{{"configurationKey":[{keys}],"more":"{more}","x":[{"1," * 50_000}1]}}]'
    read_as: list[Any] = []
    assert work(lambda: read_as.append(loose_json.loads(data.encode()))) < 100
    frame = frames.parse(data.encode())
    assert isinstance(frame, frames.CallResult)
    assert frame.payload["more"] == more.replace("\\ud800", "\ufffd")
    (key,) = response_schema("GetConfiguration").repair(frame.payload).payload["configurationKey"]
    assert key == {"key": "HeartbeatInterval", "value": "60", "readonly": False}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("is_json", [True, False])
async def test_an_answer_is_charged_by_its_bytes(
    bed: Bed, is_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent: list[int] = []
    spend = Allowance.spend

    def counted(allowance: Allowance, tokens: int = 1) -> float:
        spent.append(tokens)
        return spend(allowance, tokens)

    monkeypatch.setattr(Allowance, "spend", counted)
    async with bed.wire() as wire:
        await wire.sync()
        session = bed.node.registry.require(bed.charge_point_id)
        assert isinstance(session, Session)
        spent.clear()
        keys = [{"key": f"K{n}", "readonly": True, "value": "x" * 400} for n in range(100)]
        asked = asyncio.create_task(session.call("GetConfiguration", {}))
        question = await wire.frame()
        answer = json.dumps([3, question[1], {"configurationKey": keys}])
        await wire.socket.send(answer if is_json else answer[:-1])
        await asyncio.wait({asked})
        assert max(spent) == 1 + len(answer) // 4096
        assert (asked.exception() is None) == is_json
        await wire.sync()
