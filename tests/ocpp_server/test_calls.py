"""A command that was handed to the network may have arrived: it never counts as not sent."""

from typing import cast

import pytest
from websockets.exceptions import ConnectionClosedError

from domain.ports import ChargePointGoneError
from ocpp_server.calls import Calls, NeverSentError
from ocpp_server.socket import ChargerSocket
from ocpp_server.v16.schemas import response_schema


class FakeSocket:
    """A socket whose connection breaks while a frame is written."""

    identity = "cp_1"

    def __init__(self, *, is_open: bool) -> None:
        self.is_open = is_open
        self.written: list[bytes] = []

    async def send(self, data: bytes, *, text: bool) -> None:
        assert text
        self.written.append(data)
        raise ConnectionClosedError(None, None)


async def _reset(socket: FakeSocket) -> None:
    calls = Calls(cast("ChargerSocket", socket), timeout=1, answer_schema=response_schema)
    await calls.call("Reset", {"type": "Soft"}, lambda *_frame: None)


async def test_a_break_while_writing_is_no_proof_that_nothing_left() -> None:
    socket = FakeSocket(is_open=True)
    with pytest.raises(ChargePointGoneError) as gone:
        await _reset(socket)
    assert not isinstance(gone.value, NeverSentError)
    assert len(socket.written) == 1


async def test_a_closed_socket_takes_nothing() -> None:
    socket = FakeSocket(is_open=False)
    with pytest.raises(NeverSentError):
        await _reset(socket)
    assert socket.written == []
