"""Frames, handshakes and refusals."""

import asyncio
import base64
import json
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from simulator import Event, EventKind, VirtualChargePoint
from tests.simulator.central_system import CentralSystem, Refused
from tests.simulator.conftest import PowerUp


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Teleport", {}, "NotImplemented"),
        ("ReserveNow", {}, "NotImplemented"),
        ("Reset", {}, "OccurenceConstraintViolation"),
        ("Reset", {"type": 1}, "TypeConstraintViolation"),
        ("Reset", {"type": "Warm"}, "PropertyConstraintViolation"),
        ("Reset", {"type": "Soft", "now": True}, "FormationViolation"),
        ("Reset", [], "FormationViolation"),
        (7, {}, "FormationViolation"),
        ("UnlockConnector", {"connectorId": 9}, "PropertyConstraintViolation"),
    ],
)
async def test_a_bad_call_gets_the_call_error_it_deserves(
    central: CentralSystem, power_up: PowerUp, action: Any, payload: Any, code: str
) -> None:
    power_up()
    await central.seen("BootNotification")
    with pytest.raises(Refused) as refused:
        await central.answer_to(central.send(action, payload))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "text", ["", "null", "{}", "[]", "[2]", '[2,5,"Reset",{}]', '[3,"x",{}]', "[" * 9000, '"é']
)
async def test_a_frame_that_is_none_is_passed_over(
    central: CentralSystem, power_up: PowerUp, text: str
) -> None:
    power_up()
    await central.seen("BootNotification")
    await central.send_raw(text)
    assert await central.call("ClearCache") == {"status": "Accepted"}
    assert central.connections == 1


@pytest.mark.parametrize("reply", [[], {"status": 5}, {"status": "Accepted", "interval": "soon"}])
async def test_a_strange_boot_reply_does_it_no_harm(
    central: CentralSystem, power_up: PowerUp, reply: Any
) -> None:
    central.replies["BootNotification"] = lambda _: reply
    power_up()
    await central.seen("BootNotification")
    assert await central.call("ClearCache") == {"status": "Accepted"}


async def test_a_call_without_action_is_a_formation_violation(
    central: CentralSystem, power_up: PowerUp
) -> None:
    power_up()
    await central.seen("BootNotification")
    unique_id = central.expect_answer("Reset")
    await central.send_raw(json.dumps([2, unique_id]))
    with pytest.raises(Refused) as refused:
        await central.answer_to(unique_id)
    assert refused.value.code == "FormationViolation"


async def test_basic_auth_names_the_identity(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up(identity="a%20b", password="secret")
    await central.seen("BootNotification")
    assert charge_point.identity == "a b"
    assert base64.b64decode(central.headers[0]["Authorization"].split()[1]) == b"a b:secret"


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (HTTPStatus.NOT_FOUND, "register it first"),
        (HTTPStatus.UNAUTHORIZED, "--password"),
        (HTTPStatus.IM_A_TEAPOT, "HTTP 418"),
    ],
)
async def test_a_refusal_is_told_with_advice_and_tried_again(
    central: CentralSystem, power_up: PowerUp, status: HTTPStatus, advice: str
) -> None:
    events: list[Event] = []
    central.refuse_with = status
    charge_point = power_up(listener=events.append)
    await charge_point.until(lambda: bool(events))
    assert events[0].kind is EventKind.REFUSED
    assert advice in events[0].text
    central.refuse_with = None
    await central.seen("BootNotification")


async def test_a_server_without_our_subprotocol_is_left() -> None:
    events: list[Event] = []
    async with serve(_idle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        charge_point = VirtualChargePoint(
            url=f"ws://127.0.0.1:{port}/cp_1", listener=events.append, speed=50
        )
        task = asyncio.create_task(charge_point.run())
        await charge_point.until(lambda: bool(events))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert events[0].kind is EventKind.REFUSED
    assert "ocpp1.6" in events[0].text


async def _idle(socket: ServerConnection) -> None:
    await socket.wait_closed()


@pytest.mark.parametrize("url", ["", "http://host/cp", "ws://host", "ws://host:port/cp", "ws:///x"])
def test_a_useless_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"ws://|[Pp]ort"):
        VirtualChargePoint(url=url)


async def test_latency_delays_each_answer(central: CentralSystem, power_up: PowerUp) -> None:
    power_up(latency=0.05)
    await central.seen("BootNotification")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await central.call("ClearCache")
    assert loop.time() - began >= 0.05


async def test_a_late_answer_is_not_taken_for_the_next_one(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up(call_timeout=0.1)
    await central.seen("StatusNotification", 2)
    central.unanswered["Heartbeat"] = 1
    await central.call("TriggerMessage", requestedMessage="Heartbeat")
    await charge_point.until(lambda: charge_point.sent["Heartbeat"] == 1)
    await central.send_raw(json.dumps([3, "of-the-timed-out-call", {"transactionId": 1}]))
    await central.call("TriggerMessage", requestedMessage="Heartbeat")
    await central.seen("Heartbeat", 2)
    assert charge_point.connected


async def test_says_goodbye_when_it_is_switched_off(central: CentralSystem) -> None:
    charge_point = VirtualChargePoint(url=central.url + "cp_1", speed=50)
    task = asyncio.create_task(charge_point.run())
    await central.seen("StatusNotification", 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await central.until(lambda: central.close_codes == [1001])
    assert not charge_point.connected
