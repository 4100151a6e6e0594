"""One charge point's socket: reads frames, answers calls after their commit, makes calls."""

import asyncio
import itertools
import secrets
from datetime import UTC, datetime
from typing import Final

import structlog
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed

from domain.ports import ChargePointGoneError
from ocpp_server import frames
from ocpp_server.dispatch import CallRefusedError, Payload, Reply, Routes, dispatch
from ocpp_server.framelog import frame_entry
from ocpp_server.frames import ErrorCode
from ocpp_server.peer import Peer
from ocpp_server.schemas import response_schema
from ocpp_server.throttle import Allowance
from ocpp_server.writer import NotStoredError, Writer

_FULL_BUFFER: Final = 16 * 1024
_log = structlog.get_logger(__name__)
_message_ids: Final = (f"{secrets.token_hex(6)}-{number}" for number in itertools.count(1))


class CallTimeoutError(Exception):
    """The charge point did not answer in time."""


class CallErrorReply(Exception):  # noqa: N818 - named after the frame
    """The charge point answered with a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code


class InvalidReplyError(Exception):
    """The charge point's answer breaks its schema."""


class Session:
    """Talks OCPP-J on a socket until it closes. One CALL of ours is in flight at a time."""

    __slots__ = (
        "_allowance",
        "_call_timeout",
        "_lock",
        "_pending",
        "_pending_action",
        "_routes",
        "_writer",
        "peer",
        "socket",
    )

    def __init__(
        self,
        socket: ServerConnection,
        peer: Peer,
        *,
        routes: Routes,
        writer: Writer,
        call_timeout: float,
        allowance: Allowance | None,
    ) -> None:
        self.socket = socket
        self.peer = peer
        self._routes = routes
        self._writer = writer
        self._call_timeout = call_timeout
        self._allowance = allowance
        self._lock: asyncio.Lock | None = None
        self._pending: tuple[str, asyncio.Future[frames.CallResult | frames.CallError]] | None
        self._pending = None
        self._pending_action: str | None = None

    async def run(self) -> None:
        """Serve the socket until it closes; no frame makes it end with an exception."""
        try:
            while True:
                data = await self.socket.recv(decode=False)
                if self._allowance is not None:
                    pause = self._allowance.pause()
                    if pause > 0:  # TCP holds the rest back
                        await asyncio.sleep(pause)
                await self._receive(data)
        except ConnectionClosed:
            pass
        finally:
            if self._pending is not None and not self._pending[1].done():
                self._pending[1].set_exception(ChargePointGoneError(self.peer.charge_point_id))

    async def call(self, action: str, payload: Payload) -> Payload:
        """Send a CALL and return the payload of its CALLRESULT, validated.

        Raises:
            CallTimeoutError: no answer within the call timeout; a late one is dropped.
            CallErrorReply: the answer is a CALLERROR.
            InvalidReplyError: the answer breaks its schema.
            ChargePointGoneError: the socket closed. ``sent`` tells whether the CALL had left.

        """
        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:
            answer = await self._exchange(action, payload)
        if isinstance(answer, frames.CallError):
            raise CallErrorReply(answer.code, answer.description)
        violation = response_schema(action).check(answer.payload)
        if violation is not None:
            raise InvalidReplyError(violation.description)
        return answer.payload

    async def _exchange(
        self, action: str, payload: Payload
    ) -> frames.CallResult | frames.CallError:
        message_id = next(_message_ids)
        answered: asyncio.Future[frames.CallResult | frames.CallError] = (
            asyncio.get_running_loop().create_future()
        )
        data = frames.call(message_id, action, payload)
        self._pending, self._pending_action = (message_id, answered), action
        try:
            try:
                self._record("out", action, message_id, data)
                await self.socket.send(data, text=True)
            except ConnectionClosed:
                raise NeverSentError(self.peer.charge_point_id) from None
            async with asyncio.timeout(self._call_timeout):
                return await answered
        except TimeoutError:
            raise CallTimeoutError(
                f"{action} was not answered within {self._call_timeout:g} s"
            ) from None
        finally:
            answered.cancel()
            self._pending = self._pending_action = None

    async def ping(self) -> float:
        """Measure a round trip on the socket, in milliseconds."""
        try:
            async with asyncio.timeout(self._call_timeout):
                return await (await self.socket.ping()) * 1000
        except ConnectionClosed:
            raise ChargePointGoneError(self.peer.charge_point_id) from None
        except TimeoutError:
            raise CallTimeoutError("the WebSocket ping was not answered") from None

    async def _receive(self, data: bytes) -> None:
        frame = frames.parse(data)
        if isinstance(frame, frames.Call):
            await self._answer(frame, data)
        elif isinstance(frame, frames.CallResult | frames.CallError):
            self._take_answer(frame, data)
        elif isinstance(frame, frames.Malformed):
            self._record("in", None, frame.message_id, data)
            await self._refuse(frame.message_id, ErrorCode.FORMATION_VIOLATION, frame.description)
        else:
            self._record("in", None, None, data)
            _log.info(
                "frame_dropped", charge_point_id=self.peer.charge_point_id, reason=frame.reason
            )

    async def _answer(self, call: frames.Call, data: bytes) -> None:
        peer = self.peer
        if peer.watched_run is not None:
            self._record("in", call.action, call.message_id, data)
        now = datetime.now(UTC)
        try:
            reply = dispatch(self._routes, peer, call, now)
            await self._keep(reply, now)
            answer = frames.call_result(call.message_id, reply.payload())
        except CallRefusedError as refusal:
            await self._refuse(call.message_id, refusal.code, refusal.description)
        except NotStoredError as error:
            await self._refuse(call.message_id, ErrorCode.INTERNAL_ERROR, f"Try again: {error}.")
        except ConnectionClosed:
            raise
        except Exception:  # noqa: BLE001 - logged with its trace
            # A bug of ours must cost this one reply, not the charge point's connection.
            _log.exception(
                "handler_failed", charge_point_id=peer.charge_point_id, action=call.action
            )
            await self._refuse(call.message_id, ErrorCode.INTERNAL_ERROR, "Something went wrong.")
        else:
            await self._reply(answer, call.action, call.message_id)

    async def _keep(self, reply: Reply, now: datetime) -> None:
        self._writer.touch(self.peer, now, heartbeat=reply.heartbeat)
        if reply.fact is not None:
            await self._writer.store(reply.fact)

    def _take_answer(self, frame: frames.CallResult | frames.CallError, data: bytes) -> None:
        self._record("in", self._pending_action, frame.message_id, data)
        pending = self._pending
        if pending is None or pending[0] != frame.message_id or pending[1].done():
            _log.info("late_reply_dropped", charge_point_id=self.peer.charge_point_id)
            return
        pending[1].set_result(frame)

    async def _refuse(self, message_id: str, code: ErrorCode, description: str) -> None:
        data = frames.call_error(message_id, code, description)
        await self._reply(data, None, message_id)

    async def _reply(self, data: bytes, action: str | None, message_id: str) -> None:
        if self.peer.watched_run is not None:
            self._record("out", action, message_id, data)
        if self.socket.transport.get_write_buffer_size() > _FULL_BUFFER:
            await self.socket.send(data, text=True)  # waits until the charge point has read
        else:
            broadcast((self.socket,), data, text=True)  # the same, without a wait's overhead

    def _record(
        self, direction: str, action: str | None, message_id: str | None, data: bytes
    ) -> None:
        if self.peer.watched_run is not None:
            self._writer.note(frame_entry(self.peer, direction, action, message_id, data))


class NeverSentError(ChargePointGoneError):
    """The socket closed before the CALL left: it had no effect."""
