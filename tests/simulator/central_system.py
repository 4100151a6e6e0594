"""A small central system on the stock `ocpp` library, whose schemas judge each of our frames."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from ocpp.exceptions import OCPPError
from ocpp.messages import Call, CallResult, unpack, validate_payload
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

Payload = dict[str, Any]
Reply = Callable[[Payload], Payload]
WITHIN = 30.0


class Refused(Exception):  # noqa: N818 - a CALLERROR
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Seen:
    action: str
    payload: Payload
    connection: int


def now() -> str:
    return datetime.now(UTC).isoformat()


class CentralSystem:
    """Keeps what it saw; answers as told by `replies`.

    The next calls of an action get a CALLERROR or no answer at all if `errors` or `unanswered`
    say how many.
    """

    def __init__(self) -> None:
        self.calls: list[Seen] = []
        self.invalid: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.close_codes: list[int | None] = []
        self.refuse_with: HTTPStatus | None = None
        self.boot_statuses: list[str] = []
        self.boot_interval = 3600
        self.next_transaction_id = 100
        self.replies: dict[str, Reply] = {
            "BootNotification": self._boot,
            "Heartbeat": lambda _: {"currentTime": now()},
            "Authorize": lambda _: {"idTagInfo": {"status": "Accepted"}},
            "StartTransaction": self._start,
            "StopTransaction": lambda _: {},
        }
        self.errors: dict[str, int] = {}
        self.unanswered: dict[str, int] = {}
        self.expects_invalid = False
        self._socket: ServerConnection | None = None
        self._pending: dict[str, asyncio.Future[Payload]] = {}
        self._actions: dict[str, str] = {}
        self._news = asyncio.Event()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}/"

    async def start(self) -> None:
        self._server = await serve(
            self._handle,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol("ocpp1.6")],
            process_request=self._admit,
            close_timeout=0.2,
        )

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    # --- what a test does --------------------------------------------------------------------

    async def call(self, action: str, **payload: Any) -> Payload:
        await self.until(lambda: self._socket is not None)
        return await self.answer_to(self.send(action, payload))

    def expect_answer(self, action: str) -> str:
        """Return the id of a call to be sent."""
        unique_id = str(uuid.uuid4())
        self._pending[unique_id] = asyncio.get_running_loop().create_future()
        self._actions[unique_id] = action
        return unique_id

    def send(self, action: str, payload: Any) -> str:
        unique_id = self.expect_answer(action)
        assert self._socket is not None
        task = asyncio.ensure_future(self._socket.send(json.dumps([2, unique_id, action, payload])))
        task.add_done_callback(lambda done: done.exception())
        return unique_id

    async def answer_to(self, unique_id: str) -> Payload:
        async with asyncio.timeout(WITHIN):
            return await self._pending[unique_id]

    def answered(self, unique_id: str) -> bool:
        return self._pending[unique_id].done()

    async def send_raw(self, text: str) -> None:
        assert self._socket is not None
        await self._socket.send(text)

    async def hang_up(self) -> None:
        assert self._socket is not None
        await self._socket.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def seen(self, action: str, count: int = 1, **fields: Any) -> list[Payload]:
        """Wait until `count` calls of that action with those fields came; return them."""
        await self.until(lambda: len(self.found(action, **fields)) >= count)
        return self.found(action, **fields)

    def found(self, action: str, **fields: Any) -> list[Payload]:
        return [
            one.payload
            for one in self.calls
            if one.action == action and fields.items() <= one.payload.items()
        ]

    def actions(self) -> list[str]:
        return [one.action for one in self.calls]

    # --- the server --------------------------------------------------------------------------

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.headers.append(dict(request.headers.raw_items()))
        if self.refuse_with is not None:
            return connection.respond(self.refuse_with, "no")
        return None

    async def _handle(self, socket: ServerConnection) -> None:
        self.connections += 1
        connection = self.connections
        self._socket = socket
        self._news.set()
        with contextlib.suppress(ConnectionClosed):
            async for raw in socket:
                await self._take(socket, raw, connection)
                self._news.set()
        self.close_codes.append(socket.close_code)
        self._news.set()
        if self._socket is socket:
            self._socket = None

    async def _take(self, socket: ServerConnection, raw: str | bytes, connection: int) -> None:
        try:
            message = unpack(raw)
            if isinstance(message, CallResult):
                message.action = self._actions.get(message.unique_id)
            if isinstance(message, Call | CallResult):
                await validate_payload(message, "1.6")
        except OCPPError:
            self.invalid.append(str(raw))
            message = _leniently(raw)
        if isinstance(message, Call):
            self.calls.append(Seen(message.action, message.payload, connection))
            await self._reply(socket, message)
        elif isinstance(message, CallResult):
            self._pending[message.unique_id].set_result(
                json.loads(json.dumps(message.payload, default=float))
            )
        elif message is not None:
            self._pending[message.unique_id].set_exception(Refused(message.error_code))

    async def _reply(self, socket: ServerConnection, call: Any) -> None:
        if self.errors.get(call.action, 0):
            self.errors[call.action] -= 1
            await socket.send(json.dumps([4, call.unique_id, "InternalError", "", {}]))
            return
        if self.unanswered.get(call.action, 0):
            self.unanswered[call.action] -= 1
            return
        payload = self.replies.get(call.action, _confirm)(call.payload)
        await socket.send(json.dumps([3, call.unique_id, payload]))

    def _boot(self, _payload: Payload) -> Payload:
        status = self.boot_statuses.pop(0) if self.boot_statuses else "Accepted"
        return {"status": status, "interval": self.boot_interval, "currentTime": now()}

    def _start(self, _payload: Payload) -> Payload:
        self.next_transaction_id += 1
        return {
            "transactionId": self.next_transaction_id,
            "idTagInfo": {"status": "Accepted"},
        }


def _confirm(_payload: Payload) -> Payload:
    return {}


def _leniently(raw: str | bytes) -> Any:
    """Read a call that breaks its schema; None for what is no call at all."""
    try:
        _, unique_id, action, payload = json.loads(raw)
    except ValueError:
        return None
    return Call(unique_id, action, payload)


@contextlib.asynccontextmanager
async def central_system() -> AsyncIterator[CentralSystem]:
    system = CentralSystem()
    await system.start()
    try:
        yield system
    finally:
        await system.close()
