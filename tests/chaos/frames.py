"""Cuts the bytes of a WebSocket connection into its handshake and its frames (RFC 6455 §5.2)."""

from typing import Final

_END_OF_HANDSHAKE: Final = b"\r\n\r\n"
_MASKED: Final = 0x80
_MASK_BYTES: Final = 4
_EXTENDED: Final = {126: 2, 127: 8}


class Unsplit:
    """Gives the bytes of any other protocol as they come; it knows no frames that could be lost."""

    frames = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Give them all."""
        return [data]


class FrameSplitter:
    """Takes bytes as they come, gives whole pieces: first the handshake, then frame by frame."""

    def __init__(self) -> None:
        self._held = b""
        self.frames = 0
        """How many frames it has given."""
        self._shaken = False

    def feed(self, data: bytes) -> list[bytes]:
        """Give the pieces that are whole by now."""
        self._held += data
        pieces = []
        while (length := self._length()) is not None:
            pieces.append(self._held[:length])
            self._held = self._held[length:]
            self.frames += self._shaken
            self._shaken = True
        return pieces

    def _length(self) -> int | None:
        """Length of the piece that the held bytes begin with; None when it is not whole."""
        if not self._shaken:
            end = self._held.find(_END_OF_HANDSHAKE)
            return None if end < 0 else end + len(_END_OF_HANDSHAKE)
        if len(self._held) < 2:
            return None
        size = self._held[1] & ~_MASKED
        extended = _EXTENDED.get(size, 0)
        head = 2 + extended + (_MASK_BYTES if self._held[1] & _MASKED else 0)
        if extended:
            size = int.from_bytes(self._held[2 : 2 + extended])
        return head + size if len(self._held) >= max(head, head + size) else None
