"""The pictures that people send: each read in another process, within bounds."""

import asyncio
from typing import Final

import structlog

from api.fair_queue import FairQueue, QueueTimeoutError, TooManyHereError
from api.pictures.process import CostlyError, EndedError, Reader, SlowError
from api.protocol.limits import TooManyAtOnceError
from documents.photos import Photo, PhotoRefusedError
from documents.reading.limits import Limits
from documents.reading.messages import AnswerError, Asked, Kind, ReadingResult, fault_of, photo_of
from documents.signature_picture import SignaturePictureError
from domain.errors import UnavailableError

PROCESSES: Final = 2
"""A picture that takes long holds nobody up while there is another; more would take memory."""
_OF_AN_ACCOUNT: Final = 20
_PATIENCE: Final = 30.0
_PICTURES: Final = 200
"""Of one process; then it ends, with whatever a library has kept."""
_IDLE_SECONDS: Final = 60.0
_TRIES: Final = 2
_SOON, _LATER = 3, 60
_MOST_SAID: Final = 200
_log = structlog.get_logger()


class TooCostlyError(Exception):
    """The picture takes more memory or time than there is for one."""


class Pictures:
    """Has pictures read by processes that start with the first one, and end when none come."""

    def __init__(self, *, limits: Limits | None = None, idle: float = _IDLE_SECONDS) -> None:
        self._limits = limits or Limits()
        self._queue = FairQueue(at_once=PROCESSES, of_an_account=_OF_AN_ACCOUNT, patience=_PATIENCE)
        self._idle = idle
        self._waiting: list[Reader] = []
        self._busy: set[Reader] = set()
        self._leaving: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[int]] = set()

    @property
    def processes(self) -> list[int]:
        """Return the ids of the processes."""
        return sorted(reader.pid for reader in (*self._waiting, *self._busy))

    @property
    def busy(self) -> int:
        """Return how many of them are reading."""
        return len(self._busy)

    async def photo(self, data: bytes, *, account_id: str) -> Photo:
        """Take the picture out of a file, as ``documents.photos`` does.

        Raises:
            PhotoRefusedError: It is no photo that can be taken.
            TooCostlyError: It takes more memory or time than there is for one.
            TooManyAtOnceError: ``too_many_pictures``.
            UnavailableError: ``pictures_busy``, ``pictures_away``.

        """
        answer, content = await self._read(Asked(kind=Kind.PHOTO, data=data), account_id)
        try:
            if answer is ReadingResult.REFUSED:
                raise PhotoRefusedError(fault_of(content))
            return photo_of(content)
        except AnswerError as error:
            raise _away() from error

    async def signature(self, text: str, *, account_id: str) -> str:
        """Take a signature out of a file in base64, as ``documents.signature_picture`` does.

        Raises:
            SignaturePictureError: It is none that can be taken.
            TooCostlyError: It takes more memory or time than there is for one.
            TooManyAtOnceError: ``too_many_pictures``.
            UnavailableError: ``pictures_busy``, ``pictures_away``.

        """
        asked = Asked(kind=Kind.SIGNATURE, data=text.encode(errors="replace"))
        answer, content = await self._read(asked, account_id)
        said = content.decode("ascii", errors="replace")
        if answer is ReadingResult.REFUSED:
            raise SignaturePictureError(said[:_MOST_SAID])
        return said

    async def close(self) -> None:
        """End the processes."""
        if self._leaving is not None:
            self._leaving.cancel()
        waiting, self._waiting = self._waiting, []
        await asyncio.gather(*(reader.end() for reader in (*waiting, *self._busy)), *self._ending)

    async def _read(self, asked: Asked, account_id: str) -> tuple[ReadingResult, bytes]:
        try:
            async with self._queue.of(account_id):
                answer = await self._ask(asked)
        except TooManyHereError as error:
            raise TooManyAtOnceError(
                "too_many_pictures",
                f"Your account has {_OF_AN_ACCOUNT} pictures waiting to be read. Send the next "
                "when one of them is done.",
                policy="pictures",
                quota=_OF_AN_ACCOUNT,
                retry_after=_SOON,
            ) from error
        except QueueTimeoutError as error:
            raise UnavailableError(
                "pictures_busy",
                "Too many pictures are being read. Send it again in a minute.",
                retry_after=_LATER,
            ) from error
        try:
            said = ReadingResult(answer[:1])
        except ValueError as error:
            raise _away() from error
        if said is ReadingResult.TOO_COSTLY:
            raise TooCostlyError
        return said, answer[1:]

    async def _ask(self, asked: Asked) -> bytes:
        for _ in range(_TRIES):
            reader = await self._take()
            self._busy.add(reader)
            try:
                answer = await reader.ask(asked)
            except CostlyError as error:
                raise TooCostlyError from error
            except EndedError:  # by the picture, or by somebody else: a second try tells which
                _log.warning("picture_process_ended", pictures=reader.asked)
            except SlowError as error:
                _log.warning("picture_process_slow")
                raise _away() from error
            else:
                await self._give_back(reader)
                return answer
            finally:
                self._busy.discard(reader)
        raise _away()

    async def _take(self) -> Reader:
        while self._waiting:
            reader = self._waiting.pop()
            if not reader.has_ended:
                return reader
            await reader.end()
        try:
            return await Reader.start(self._limits)
        except OSError as error:  # the system has no process, memory or file left
            _log.warning("picture_process_not_started", error=repr(error))
            raise _away() from error

    async def _give_back(self, reader: Reader) -> None:
        if reader.asked >= _PICTURES:
            await reader.end()
            return
        self._waiting.append(reader)
        if self._leaving is not None:
            self._leaving.cancel()
        self._leaving = asyncio.get_running_loop().call_later(self._idle, self._leave)

    def _leave(self) -> None:
        """Give the memory back: nobody has sent a picture for a while."""
        waiting, self._waiting = self._waiting, []
        for reader in waiting:
            ending = asyncio.create_task(reader.end())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)


def _away() -> UnavailableError:
    return UnavailableError(
        "pictures_away",
        "What reads pictures did not get through with this one. Send it again in a minute; if "
        "it stays so, send a smaller JPEG.",
        retry_after=_LATER,
    )
