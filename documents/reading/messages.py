"""What is said to a process that reads pictures, and what it answers.

Four bytes of length, most significant first, then as many bytes, in both directions. Nothing is
pickled: whoever takes that process over by a picture can answer with bytes and with no more.
"""

import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final

from documents.photos import Photo, PhotoFault

LENGTH: Final = struct.Struct(">I")
MOST_ANSWERED: Final = 16 * 1024 * 1024
"""Bytes of an answer. A picture of 1600 pixels a side, written as JPEG, is far below."""
_SIZES: Final = struct.Struct(">III")
_JPEG: Final = b"\xff\xd8"


class Kind(Enum):
    """What the bytes are to be read as."""

    PHOTO = b"p"
    SIGNATURE = b"s"


class ReadingResult(Enum):
    """How the reading went, as the first byte of the answer says."""

    READ = b"r"
    REFUSED = b"f"
    TOO_COSTLY = b"m"
    """It takes more memory than there is for one."""


class AnswerError(ValueError):
    """The answer cannot be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A picture, and what it is to be read as."""

    kind: Kind
    data: bytes

    def pieces(self) -> tuple[bytes, bytes]:
        """As it is sent: what goes before the data, and the data itself."""
        return LENGTH.pack(len(self.data) + 1) + self.kind.value, self.data

    @classmethod
    def of(cls, frame: bytes) -> "Asked":
        """Read it from what came."""
        return cls(kind=Kind(frame[:1]), data=frame[1:])


def framed(content: bytes) -> bytes:
    """Put the length before a message."""
    return LENGTH.pack(len(content)) + content


def photo_packed(photo: Photo) -> bytes:
    """Write down a photo that was read."""
    sizes = _SIZES.pack(photo.width, photo.height, len(photo.picture))
    return sizes + photo.picture + photo.thumbnail


def photo_of(content: bytes) -> Photo:
    """Read back a photo that was packed.

    Raises:
        AnswerError: It cannot be read.

    """
    try:
        width, height, length = _SIZES.unpack_from(content)
    except struct.error as error:
        raise AnswerError("it is too short") from error
    rest = content[_SIZES.size :]
    picture, thumbnail = rest[:length], rest[length:]
    if not picture.startswith(_JPEG) or not thumbnail.startswith(_JPEG):
        raise AnswerError("it is no photo")
    return Photo(picture=picture, thumbnail=thumbnail, width=width, height=height)


def fault_of(content: bytes) -> PhotoFault:
    """Read why a photo was refused.

    Raises:
        AnswerError: There is no such reason.

    """
    try:
        return PhotoFault(content.decode())
    except ValueError as error:
        raise AnswerError("it is no reason") from error
