"""A server socket that hands whole messages over at once, without the library's queue and tasks.

The library's parser, its ``recv()`` with a queue, a future and a task switch for each message, and
its keepalive with a task for each connection are, on a node with thousands of charge points, most
of the time and of the memory. What stays the library's: the handshake, control frames, fragments,
every violation of the protocol, closing.
"""

import asyncio
import time
from collections.abc import Callable
from enum import IntFlag
from typing import Any, Final, Protocol

from websockets.asyncio.server import Server, ServerConnection
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Event, State
from websockets.server import ServerProtocol

from ocpp_server.frame_splitter import FrameSplitter, text_header
from ocpp_server.handshake import UnreadableRequest, hand_on_every_request

_FULL_BUFFER: Final = 64 * 1024
_END_OF_REQUEST: Final = b"\r\n\r\n"
_SLICE_FRAMES: Final = 16
_SLICE_BYTES: Final = 64 * 1024
_PONG_GRACE: Final = 2.0  # what it sends meanwhile may overtake its pong
_MESSAGE: Final = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class Hold(IntFlag):
    """Why a charge point's bytes have to wait."""

    HANDSHAKE = 1
    """They came before its request was answered."""
    TURN = 2
    """Others have their turn."""
    RATE = 4
    """It has sent more than its share."""
    UNANSWERED = 8
    """Its calls wait to be answered."""


class Receiver(Protocol):
    """Takes what a charge point sends. Neither method raises."""

    def receive(self, data: bytes) -> None:
        """Take a message."""

    def count_frame(self, size: int) -> None:
        """Count a frame of so many bytes that is no message: a ping, a fragment."""


class ChargerSocket(ServerConnection):
    """A charge point's socket. Admission sets the first three before the upgrade."""

    identity: str = ""
    source: str | None = None
    """The address that the charge point connects from, without its port."""
    has_key: bool = False
    """Whether it has shown the charge point's key."""
    heard_at: float = 0.0
    """When bytes last came, on the clock of the event loop."""
    is_read: bool = True
    """Whether its bytes are read; one that is held back is not silent."""
    _heard: asyncio.Future[None] | None = None
    _receiver: Receiver | None = None
    _parts: bytearray | None = None
    _head: bytes = b""
    """The last bytes of a request that is not all here."""
    _splitter: FrameSplitter | None = None
    _holds: int = 0
    """The :class:`Hold` that are on, as bits."""
    _is_cutting: bool = False
    _is_closing: bool = False
    _has_ponged: bool = False
    _pong: asyncio.Future[None] | None = None
    _unread_since: float = 0.0
    _probed_at: float = 0.0
    """When it was first pinged."""

    def __init__(
        self,
        protocol: ServerProtocol,
        server: Server,
        said: bytes,
        answered: Callable[[], None],
        **options: Any,
    ) -> None:
        """``said`` has come already; ``answered`` hears when its place there is free."""
        super().__init__(protocol, server, **options)
        self._said = said
        self._answered: Callable[[], None] | None = answered
        hand_on_every_request(protocol)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with what came before."""
        super().connection_made(transport)
        # Not now: the transport begins to read after this, whatever it is told meanwhile.
        self.loop.call_soon(self._begin)

    def _begin(self) -> None:
        if self._said:
            self.data_received(b"")

    async def handshake(self, *judges: Any) -> None:
        """Answer the request."""
        try:
            await super().handshake(*judges)
        finally:
            self.make_room()

    def make_room(self) -> None:
        """Give back its place with the acceptor, even before the answer if that has to wait."""
        answered, self._answered = self._answered, None
        if answered is not None:
            answered()

    def deliver_to(self, receiver: Receiver) -> None:
        """Hand each message over from now on, those first that came before.

        The handshake is dropped: nobody needs it, it holds a password, and it was a seventh of what
        an idle connection takes.
        """
        for handshake in (self.request, self.response):
            if handshake is not None:
                handshake.headers.clear()
        self._receiver = receiver
        self.release(Hold.HANDSHAKE)

    def hold(self, why: Hold) -> None:
        """Take no more frames, and read no more than once: TCP holds the charge point back.

        One that is being closed is held only for the turns of others: its close is waited for.
        """
        if self._is_closing and why is not Hold.TURN:
            return
        self._holds = int(self._holds | why)  # a plain number is looked at with every frame

    def release(self, why: Hold) -> None:
        """Go on, unless there is another reason to hold."""
        self._holds = int(self._holds & ~why)
        self._cut()

    async def close(
        self, code: CloseCode | int = CloseCode.NORMAL_CLOSURE, reason: str = ""
    ) -> None:
        """Close in order; the library reads what still comes, and looks for the close frame."""
        self._is_closing = True
        self.release(~Hold.TURN)
        await super().close(code, reason)

    def reply(self, data: bytes) -> None:
        """Send a text message without waiting; a peer that does not read loses its connection."""
        if not self.is_open or self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size() > _FULL_BUFFER:
            self.transport.abort()
        else:
            # What the library's send would write: one unmasked, uncompressed text frame
            # (RFC 6455 §5.2), without its generators and context managers.
            self.transport.write(text_header(len(data)) + data)

    def unread_for(self, now: float) -> float:
        """Return for how many seconds the peer has left something unread, since first asked."""
        if not self.transport.get_write_buffer_size():
            self._unread_since = now
        self._unread_since = self._unread_since or now
        return now - self._unread_since

    def take_up_to(self, size: int) -> None:
        """Take messages of so many bytes from now on."""
        self.protocol.max_message_size = size
        if self._splitter is not None:
            self._splitter.limit = size

    @property
    def was_too_large(self) -> bool:
        """Whether it is being closed for a message that was larger than that."""
        if self._splitter is not None and self._splitter.too_large:
            return True
        sent = self.protocol.close_sent
        return sent is not None and sent.code == CloseCode.MESSAGE_TOO_BIG

    def probe(self) -> None:
        """Send a ping without waiting for its pong, which counts as being heard."""
        if self.is_open:
            self._probed_at = self._probed_at or self.loop.time()
            self.protocol.send_ping(b"")
            self.send_data()

    async def wait_for_pong(self) -> float:
        """Send a ping, and return after how many seconds a pong came, whatever it carries.

        Raises:
            ConnectionClosed: none can come any more.

        """
        sent_at = time.monotonic()  # the loop counts whole milliseconds
        closed = self.connection_lost_waiter
        if self._pong is None or self._pong.done():
            self._pong = self.loop.create_future()
        self.probe()
        await asyncio.wait({self._pong, closed}, return_when=asyncio.FIRST_COMPLETED)
        if not self._pong.done():
            raise self.protocol.close_exc
        return time.monotonic() - sent_at

    async def wait_to_be_heard(self) -> None:
        """Return when anything comes, or nothing can come any more."""
        if self._heard is None or self._heard.done():
            self._heard = self.loop.create_future()
        closed = self.connection_lost_waiter
        await asyncio.wait({self._heard, closed}, return_when=asyncio.FIRST_COMPLETED)

    @property
    def ignores_pings(self) -> bool:
        """Whether it has answered no ping on this link although it was heard after one."""
        if self._has_ponged or not self._probed_at:
            return False
        return self.heard_at > self._probed_at + _PONG_GRACE

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self.protocol.state is State.OPEN

    def data_received(self, data: bytes) -> None:
        """Note that the charge point lives, and cut what it sends into messages."""
        self.heard_at = self.loop.time()
        if self._heard is not None and not self._heard.done():
            self._heard.set_result(None)
        if self._said:
            data, self._said = self._said + data, b""
        if self._splitter is None:
            data = self._take_request(data)
        if self._splitter is not None:
            self._splitter.feed(data)
            self._cut()

    def eof_received(self) -> None:
        """Begin now at the latest."""
        self._begin()
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take no more: nobody is there to hear the answers to what waits."""
        self._splitter, self._said = None, b""
        if self.request is None or isinstance(self.request, UnreadableRequest):
            self.protocol.state = State.CLOSED  # which the library's own parser says by itself
        super().connection_lost(exc)

    def _take_request(self, data: bytes) -> bytes:
        """Give the request to the library; return what came behind it, which waits."""
        head = self._head + data
        end = head.find(_END_OF_REQUEST)
        size = len(data) if end < 0 else end + len(_END_OF_REQUEST) - len(self._head)
        self._head = head[-len(_END_OF_REQUEST) + 1 :]
        super().data_received(data[:size])
        if self.request is None or isinstance(self.request, UnreadableRequest):
            if data[size:]:
                super().data_received(data[size:])
            return b""
        self.hold(Hold.HANDSHAKE)
        self._splitter = FrameSplitter(self._take, self._take_other, self._takes_plain)
        return data[size:]

    def _cut(self) -> None:
        """Take the frames that are here, a slice at a time: other sockets have their turn between.

        Whole frames stay here only while it is held, and nothing is read meanwhile. So no more than
        one read waits, and the end of the stream is not seen before what came ahead of it.
        """
        splitter = self._splitter
        if splitter is None or self._is_cutting:
            return
        self._is_cutting = True
        frames, size = _SLICE_FRAMES, _SLICE_BYTES
        while not self._holds and (taken := splitter.cut()):
            frames, size = frames - 1, size - taken
            if (frames <= 0 or size <= 0) and len(splitter):
                self.hold(Hold.TURN)
                self.loop.call_soon(self.release, Hold.TURN)
        self._is_cutting = False
        self._read(on=not (self._holds and len(splitter)))

    def _read(self, *, on: bool) -> None:
        if on is self.is_read or self.transport.is_closing():
            return
        self.is_read = on
        if on:
            self.heard_at = self.loop.time()
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def _take_other(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.count_frame(len(data))
        super().data_received(data)

    def process_event(self, event: Event) -> None:
        """Take messages; everything else is the library's."""
        if isinstance(event, Frame) and event.opcode is Opcode.PONG:
            # Some answer with an empty one, which the library knows nothing of.
            self._has_ponged = True
            if self._pong is not None and not self._pong.done():
                self._pong.set_result(None)
        if not isinstance(event, Frame) or event.opcode not in _MESSAGE:
            super().process_event(event)
            return
        data = bytes(event.data)
        if self._parts is not None or not event.fin:
            # The library bounds the sum of the fragments (close code 1009).
            self._parts = (self._parts or bytearray()) + data
            if not event.fin:
                return
            data, self._parts = bytes(self._parts), None
        self._take(data)

    def _take(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.receive(data)

    def _takes_plain(self) -> bool:
        return self._parts is None and self.protocol.state is State.OPEN
