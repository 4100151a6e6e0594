"""A server socket that hands whole messages over at once, without the library's queue and tasks.

The library's parser, its ``recv()`` with a queue, a future and a task switch for each message, and
its keepalive with a task for each connection are, on a node with thousands of charge points, most
of the time and of the memory. What stays the library's: the handshake, control frames, fragments,
every violation of the protocol, closing.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from websockets.asyncio.server import Server, ServerConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State
from websockets.server import ServerProtocol

from ocpp_server.cutter import Cutter
from ocpp_server.requests import hand_on_every_request

_FULL_BUFFER: Final = 64 * 1024
_FINAL_TEXT: Final = 0x81
_LENGTH_16: Final = 126
_LENGTH_64: Final = 127
_END_OF_REQUEST: Final = b"\r\n\r\n"
_MAX_EARLY: Final = 16
_TOO_BIG: Final = 1009
_PONG_GRACE: Final = 2.0  # what it sends meanwhile may overtake its pong
_MESSAGE: Final = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class ChargerSocket(ServerConnection):
    """A charge point's socket. ``identity`` is set by admission, before the upgrade."""

    identity: str = ""
    heard_at: float = 0.0
    """When bytes last came, on the clock of the event loop."""
    _receive: Callable[[bytes], None] | None = None
    _parts: bytearray | None = None
    _early: list[bytes] | None = None
    _cutter: Cutter | None = None
    _is_pipelined: bool = False
    _has_ponged: bool = False
    _pong: asyncio.Future[None] | None = None
    _probed_at: float = 0.0
    """When it was first pinged."""

    def __init__(self, protocol: ServerProtocol, server: Server, **options: Any) -> None:
        super().__init__(protocol, server, **options)
        hand_on_every_request(protocol)

    def deliver_to(self, receive: Callable[[bytes], None]) -> None:
        """Hand each message over from now on; ``receive`` never raises."""
        early, self._early = self._early, None
        self._receive = receive
        for data in early or ():
            receive(data)
        self.hold(paused=False)

    def hold(self, *, paused: bool) -> None:
        """Stop reading from the network, or go on: TCP holds the charge point back."""
        if self.transport.is_closing():
            return
        if paused:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def reply(self, data: bytes) -> None:
        """Send a text message without waiting; a peer that does not read loses its connection."""
        if not self.is_open or self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size() > _FULL_BUFFER:
            self.transport.abort()
        else:
            # What the library's send would write: one unmasked, uncompressed text frame
            # (RFC 6455 §5.2), without its generators and context managers.
            self.transport.write(_header(len(data)) + data)

    def take_up_to(self, size: int) -> None:
        """Take messages of so many bytes from now on."""
        self.protocol.max_message_size = size
        if self._cutter is not None:
            self._cutter.limit = size

    @property
    def was_too_large(self) -> bool:
        """Whether it is being closed for a message that was larger than that."""
        return (self._cutter is not None and self._cutter.too_large) or (
            self.protocol.close_sent is not None and self.protocol.close_sent.code == _TOO_BIG
        )

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
        sent_at = self.loop.time()
        closed = self.connection_lost_waiter
        if self._pong is None or self._pong.done():
            self._pong = self.loop.create_future()
        self.probe()
        await asyncio.wait({self._pong, closed}, return_when=asyncio.FIRST_COMPLETED)
        if not self._pong.done():
            raise self.protocol.close_exc
        return self.loop.time() - sent_at

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
        if self._cutter is not None:
            self._cutter.feed(data)
            return
        super().data_received(data)
        if self.request is None or self._is_pipelined:
            return
        # From here on whole frames, unless some came with the request, before it was answered.
        self._is_pipelined = not data.endswith(_END_OF_REQUEST)
        if not self._is_pipelined:
            self._cutter = Cutter(self._take, super().data_received, self._takes_plain)

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
        if self._receive is not None:
            self._receive(data)
        else:  # before the session began
            self._early = [*(self._early or ()), data]
            if len(self._early) >= _MAX_EARLY:
                self.hold(paused=True)

    def _takes_plain(self) -> bool:
        return self._parts is None and self.protocol.state is State.OPEN


def _header(length: int) -> bytes:
    if length < _LENGTH_16:
        return bytes((_FINAL_TEXT, length))
    if length < 1 << 16:
        return bytes((_FINAL_TEXT, _LENGTH_16)) + length.to_bytes(2, "big")
    return bytes((_FINAL_TEXT, _LENGTH_64)) + length.to_bytes(8, "big")
