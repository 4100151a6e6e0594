"""Cuts a client's bytes into whole WebSocket frames (RFC 6455 §5.2), without I/O.

The plain case, one whole masked text or binary frame, is unmasked here. Every other whole frame
(ping, pong, close, fragments, reserved bits) and everything that is no proper frame goes to the
library as it came; since the library is only ever given whole frames before that, it always stands
at the beginning of one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the compiled extension
    from websockets.utils import apply_mask

MAX_MESSAGE: Final = 64 * 1024
LARGE_MESSAGE: Final = 1024 * 1024
"""What the answer to our one open question about the configuration may have."""
_FINAL_TEXT: Final = 0x81
_PLAIN: Final = (_FINAL_TEXT, 0x82)  # or final binary
_MASKED: Final = 0x80
_LENGTH_16: Final = 126
_LENGTH_64: Final = 127


@dataclass(slots=True, eq=False)
class FrameSplitter:
    """One client's stream. ``plain`` gets payloads, ``other`` bytes for the library.

    Nothing is handed over but by :meth:`cut`, one frame at a time: whoever asks may stop anywhere.
    """

    plain: Callable[[bytes], None]
    other: Callable[[bytes], None]
    takes_plain: Callable[[], bool]
    """False while a message is in fragments, or the connection is not open."""
    limit: int = MAX_MESSAGE
    too_large: bool = False
    """A frame was longer than the limit; the library closes the connection (1009)."""
    _data: bytes | bytearray = b""
    _start: int = 0
    _broken: bool = False

    def __len__(self) -> int:
        """How many bytes are kept."""
        return len(self._data) - self._start

    def feed(self, data: bytes) -> None:
        """Keep bytes as they come."""
        if not self._data:
            self._data = data
            return
        if not isinstance(self._data, bytearray):  # which grows without being copied each time
            self._data = bytearray(self._data)
        del self._data[: self._start]
        self._start = 0
        self._data += data

    def cut(self) -> int:
        """Hand the next whole frame over, and return its size; 0: there is none yet."""
        data, start, size = self._data, self._start, len(self._data)
        if self._broken:
            end = size
        elif size - start < 2:  # noqa: PLR2004 - the shortest header
            end = size + 1
        elif (whole := self._end(data, start)) is not None:
            end = whole
        else:  # the library says what is wrong, and closes with the right code
            self._broken = True
            end = size
        if end > size or end == start:
            self._data, self._start = data[start:] if start else data, 0
            return 0
        self._data, self._start = (data, end) if end < size else (b"", 0)
        if self._broken:
            self.other(bytes(data[start:end]))
        else:
            self._hand_over(data, start, end)
        return end - start

    def _end(self, data: bytes | bytearray, start: int) -> int | None:
        """Where the frame ends, or would; None for one that must not be."""
        second = data[start + 1]
        length = second & ~_MASKED
        if not second & _MASKED:
            return None
        if length == _LENGTH_64:
            return self._end_of_long(data, start)
        if length < _LENGTH_16:
            return start + 6 + length
        if len(data) < start + 4:
            return len(data) + 1
        length = data[start + 2] << 8 | data[start + 3]
        return start + 8 + length

    def _end_of_long(self, data: bytes | bytearray, start: int) -> int | None:
        if len(data) < start + 10:
            return len(data) + 1
        length = int.from_bytes(data[start + 2 : start + 10])
        if length > self.limit:
            self.too_large = True
            return None
        return start + 14 + length

    def _hand_over(self, data: bytes | bytearray, start: int, end: int) -> None:
        if data[start] not in _PLAIN or not self.takes_plain():
            self.other(bytes(data[start:end]))
            return
        length = data[start + 1] & ~_MASKED
        body = start + (6 if length < _LENGTH_16 else 8 if length == _LENGTH_16 else 14)
        self.plain(apply_mask(data[body:end], data[body - 4 : body]))


def text_header(length: int) -> bytes:
    """Write what stands before the payload of a whole text message of ours."""
    if length < _LENGTH_16:
        return bytes((_FINAL_TEXT, length))
    if length < 1 << 16:
        return bytes((_FINAL_TEXT, _LENGTH_16)) + length.to_bytes(2, "big")
    return bytes((_FINAL_TEXT, _LENGTH_64)) + length.to_bytes(8, "big")
