"""Whatever a central system says wrong is heard of: else the silence of a stack says nothing."""

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

RIGHT = {"status": "Pending", "currentTime": "2026-05-01T09:00:00.000Z", "interval": 600}
WRONG = RIGHT | {"interval": "600"}


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
                await socket.send(json.dumps([3, identity, self._answer]))

    async def ask(self, action: str, **payload: Any) -> None:
        await self.links[-1].send(json.dumps([2, "1", action, payload]))


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
async def test_a_wrong_answer(stack: Stack, tmp_path: Path) -> None:
    async with connected(stack, tmp_path, WRONG) as (_, peer):
        await peer.until("complaint")


@pytest.mark.parametrize("stack", Stack)
async def test_a_wrong_request(stack: Stack, tmp_path: Path) -> None:
    """It is refused with an error; the right one after it is not."""
    async with connected(stack, tmp_path, RIGHT) as (central, peer):
        await peer.until("boot", status="Pending")
        await central.ask("TriggerMessage", requestedMessage="Weather")
        await central.ask("GetConfiguration")

        async def both_are_answered() -> None:
            assert [message[0] for message in central.heard[1:]] == [4, 3]

        await eventually(both_are_answered)
