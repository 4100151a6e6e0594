"""The programs themselves: they answer whatever may be asked, and complain of what is wrong.

Without that the silence of a stack would say nothing.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from tests.faults.stage import SPEED
from tests.peers.peer import Peer, Stack, powered
from tests.support.eventually import eventually

RIGHT = {"status": "Pending", "currentTime": "2026-05-01T09:00:00.000Z", "interval": 36_000}
WRONG = RIGHT | {"interval": "36000"}


IN_AN_HOUR = "2026-05-01T10:00:00.000Z"
RARE: dict[str, dict[str, Any]] = {
    "CancelReservation": {"reservationId": 1},
    "ClearCache": {},
    "DataTransfer": {"vendorId": "Dynamo"},
    "GetDiagnostics": {"location": "ftp://logs.example/"},
    "GetLocalListVersion": {},
    "ReserveNow": {
        "connectorId": 1,
        "expiryDate": IN_AN_HOUR,
        "idTag": "CARD1",
        "reservationId": 1,
    },
    "SendLocalList": {"listVersion": 1, "updateType": "Full"},
    "UnlockConnector": {"connectorId": 1},
}
"""Requests that the engine does not make today."""


class CentralSystem:
    """It answers boots with that, and whatever else with nothing."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer
        self.heard: list[Any] = []
        self.links: list[ServerConnection] = []

    async def serve(self, socket: ServerConnection) -> None:
        self.links.append(socket)
        async for frame in socket:
            kind, identity, *_ = message = json.loads(frame)
            self.heard.append(message)
            if kind == 2:
                answer = self._answer if message[2] == "BootNotification" else {}
                await socket.send(json.dumps([3, identity, answer]))

    async def answer_to(self, action: str, **payload: Any) -> Any:
        """Ask, and give the frame that answers."""
        await self.links[-1].send(json.dumps([2, action, action, payload]))

        def answered() -> Any:
            (answer,) = [one for one in self.heard if one[0] in {3, 4} and one[1] == action]
            return answer

        return await eventually(answered)


@asynccontextmanager
async def connected(
    stack: Stack, tmp_path: Path, answer: dict[str, Any]
) -> AsyncIterator[tuple[CentralSystem, Peer]]:
    """A peer that has booted with a central system of the test's own."""
    central = CentralSystem(answer)
    plate = {"vendor": "Peer", "model": "Two", "serial": "1", "firmware": "1.0.0", "speed": SPEED}
    async with serve(
        central.serve, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]
    ) as server:
        port = server.sockets[0].getsockname()[1]
        async with powered(
            stack, tmp_path / "stderr", endpoint=f"ws://127.0.0.1:{port}", identity="CP", **plate
        ) as peer:

            async def has_booted() -> None:
                assert [message[2] for message in central.heard] == ["BootNotification"]

            await eventually(has_booted)
            yield central, peer


@pytest.mark.parametrize("stack", Stack)
async def test_whatever_may_be_asked_is_answered(stack: Stack, tmp_path: Path) -> None:
    """As by hardware: what is not built in is not implemented."""
    async with connected(stack, tmp_path, RIGHT) as (central, peer):
        await peer.until("boot", status="Pending")
        for action, payload in RARE.items():
            kind, _, said, *_ = await central.answer_to(action, **payload)
            if stack is Stack.OCPP:
                assert (kind, said) == (4, "NotImplemented"), action
            else:
                assert (kind, peer.complaints) == (3, []), action


@pytest.mark.parametrize("stack", Stack)
async def test_a_wrong_answer(stack: Stack, tmp_path: Path) -> None:
    async with connected(stack, tmp_path, WRONG) as (_, peer):
        await peer.until("complaint")


@pytest.mark.parametrize("stack", Stack)
async def test_a_wrong_request(stack: Stack, tmp_path: Path) -> None:
    """It is refused with an error; the right one after it is not."""
    async with connected(stack, tmp_path, RIGHT) as (central, peer):
        await peer.until("boot", status="Pending")
        assert (await central.answer_to("TriggerMessage", requestedMessage="Weather"))[0] == 4
        assert (await central.answer_to("GetConfiguration"))[0] == 3
