"""The process, ``python -I -m documents.reading MEMORY SECONDS``: pictures in, answers out.

It is started by the API and lives until its input ends. It knows no setting, no secret and no
database. A picture that takes more processor time than there is for one ends it (SIGPROF).
"""

import contextlib
import os
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from PIL import Image
from PIL import WebPImagePlugin as _  # noqa: F401 - so that no picture has to load it

from documents.photos import PhotoRefusedError, read_photo
from documents.reading.limits import Limits
from documents.reading.messages import LENGTH, Asked, Kind, ReadingResult, framed, photo_packed
from documents.signature_picture import SignaturePictureError, read_signature

_NICE = 5
_FIRST_TO_GO = "1000"


def main(limits: Limits) -> None:
    """Read pictures until there are no more."""
    _bound(limits)
    Image.preinit()  # the same for the other formats
    while (asked := _next(sys.stdin.buffer)) is not None:
        signal.setitimer(signal.ITIMER_PROF, limits.processor_seconds)
        answer = _answer(asked)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(framed(answer))
        sys.stdout.buffer.flush()


def _answer(asked: Asked) -> bytes:
    try:
        if asked.kind is Kind.PHOTO:
            return ReadingResult.READ.value + photo_packed(read_photo(asked.data))
        return ReadingResult.READ.value + read_signature(asked.data.decode()).encode()
    except PhotoRefusedError as error:
        return ReadingResult.REFUSED.value + error.fault.value.encode()
    except SignaturePictureError as error:
        return ReadingResult.REFUSED.value + str(error).encode()
    except MemoryError:
        return ReadingResult.TOO_COSTLY.value


def _next(stream: BinaryIO) -> Asked | None:
    length = stream.read(LENGTH.size)
    if len(length) < LENGTH.size:
        return None
    frame = stream.read(LENGTH.unpack(length)[0])
    return Asked.of(frame) if frame else None


def _bound(limits: Limits) -> None:
    """Give up what reading a picture does not take."""
    os.nice(_NICE)  # requests and charge points go first
    with contextlib.suppress(OSError):  # where memory runs out in spite of all, we are first to go
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would be what somebody has sent
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    with contextlib.suppress(OSError, ValueError):  # macOS has the name of it alone
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))


if __name__ == "__main__":
    main(Limits.of(sys.argv[1:]))
