"""One WebSocket connection that speaks OCPP-J: the thin I/O shell of a charge point.

LinkError             a call got no usable answer
├── CallTimeout       none came in time
└── CallRefused       a CALLERROR came
"""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection

from simulator import frames
from simulator.frames import Call, CallError, CallRejected, CallResult, FrameError, Payload


class LinkError(Exception):
    """A call got no usable answer."""


class CallTimeout(LinkError):  # noqa: N818 - named after the event
    """No answer came in time."""


class CallRefused(LinkError):  # noqa: N818 - named after the event
    """A CALLERROR came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The payload that answers a call, and what the charge point does once it is sent."""

    payload: Payload
    then: Callable[[], None] | None = None


Answerer = Callable[[Call], Answer | None]
"""Answers a call; None leaves it unanswered; CallRejected answers with a CALLERROR."""


class Link:
    """Frames in and out of one socket, with one call of ours in flight."""

    def __init__(self, socket: ClientConnection, answer: Answerer, *, latency: float) -> None:
        self.socket = socket
        self._answer = answer
        self._latency = latency
        self._pending: tuple[str, asyncio.Future[Payload]] | None = None

    async def read(self) -> None:
        """Read frames until the connection ends, however it ends."""
        async for raw in self.socket:
            if self._latency:
                await asyncio.sleep(self._latency)
            try:
                frame = frames.parse(raw)
            except FrameError:
                continue  # hardware has nobody to answer, and goes on
            if isinstance(frame, Call):
                await self._serve(frame)
            else:
                self._resolve(frame)

    async def call(self, action: str, payload: Payload, *, within: float) -> Payload:
        """Make a call and return the payload of its answer; raise LinkError without one."""
        unique_id = str(uuid.uuid4())
        future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._pending = (unique_id, future)
        try:
            await self.socket.send(frames.render_call(unique_id, action, payload))
            async with asyncio.timeout(within):
                return await future
        except TimeoutError as error:
            raise CallTimeout(f"no answer to {action} within {within} s") from error
        finally:
            # A late answer finds nothing pending and is dropped, never matched to the next call.
            self._pending = None

    async def _serve(self, call: Call) -> None:
        try:
            answer = self._answer(call)
        except CallRejected as rejected:
            await self.socket.send(
                frames.render_error(call.unique_id, rejected.code, rejected.description)
            )
            return
        if answer is None:
            return
        await self.socket.send(frames.render_result(call.unique_id, answer.payload))
        if answer.then is not None:
            answer.then()

    def _resolve(self, frame: CallResult | CallError) -> None:
        if self._pending is None or self._pending[0] != frame.unique_id:
            return
        future = self._pending[1]
        if future.done():
            return
        if isinstance(frame, CallError):
            future.set_exception(CallRefused(f"{frame.code}: {frame.description}"))
        elif isinstance(frame.payload, dict):
            future.set_result(frame.payload)
        else:
            future.set_exception(CallRefused("the answer is no object"))
