"""Calls to a charge point: one in flight at a time, each answered, timed out or lost.

:func:`ask` reads an answer as the outcome of a command.
"""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from websockets.exceptions import ConnectionClosed

from domain.operations import Outcome, Reply
from domain.ports import ChargePointGoneError
from ocpp_server import frames
from ocpp_server.dispatch import Payload
from ocpp_server.repair import Repaired
from ocpp_server.schemas import Schema
from ocpp_server.socket import ChargerSocket

if TYPE_CHECKING:
    from ocpp_server.session import Session

_message_ids: Final = (f"{secrets.token_hex(6)}-{number}" for number in itertools.count(1))
AnswerFrame = frames.CallResult | frames.CallError | frames.Unreadable
Observer = Callable[[str, str | None, str | None, bytes], None]

_REMEMBERED: Final = 16
_LATE: Final = 3
"""Answers to one call that came too late, or once more, and are taken for no flood."""
_SHOWN: Final = 40


def _compared(message_id: frames.MessageId | None) -> str:
    return str(message_id).strip().casefold()


class BadAnswerError(Exception):
    """The charge point did not answer, or not well."""

    reply = Reply.ERROR

    @property
    def outcome(self) -> Outcome:
        """What became of the command."""
        return Outcome(reply=self.reply, detail=str(self))


class CallTimeoutError(BadAnswerError):
    """The charge point did not answer in time."""

    reply = Reply.TIMEOUT


class CallErrorReply(BadAnswerError):  # noqa: N818 - named after the frame
    """The charge point answered with a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        if code in {"NotImplemented", "NotSupported"}:
            self.reply = Reply.NOT_SUPPORTED


class InvalidReplyError(BadAnswerError):
    """The charge point's answer cannot be read."""


class NeverSentError(ChargePointGoneError):
    """The socket closed before the CALL left: it had no effect."""


@dataclass(slots=True, eq=False)
class Calls:
    """The calls of one session; made when the first one is."""

    socket: ChargerSocket
    timeout: float
    answer_schema: Callable[[str], Schema]
    action: str | None = None
    """The action that waits for its answer."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _message_id: str | None = None
    _asked: dict[str, int] = field(default_factory=dict)
    """How often each of the newest calls was answered in vain, by their message ids in the form in
    which they are compared."""
    _other_id: str | None = None
    """The id of an answer that came meanwhile, to a call that was never made."""
    _answered: asyncio.Future[AnswerFrame] | None = None

    async def call(self, action: str, payload: Payload, observe: Observer) -> Repaired:
        """Send a CALL and return its CALLRESULT, as far as it is understood.

        ``observe`` sees the frame (direction, action, message id, bytes).

        Raises:
            CallTimeoutError: no answer within the call timeout; a late one is dropped.
            CallErrorReply: the answer is a CALLERROR.
            InvalidReplyError: the answer cannot be read.
            ChargePointGoneError: the socket closed; NeverSentError when the CALL had not left.

        """
        async with self._lock:
            answer = await self._exchange(action, payload, observe)
        if isinstance(answer, frames.CallError):
            raise CallErrorReply(answer.code, answer.description)
        if isinstance(answer, frames.Unreadable):
            raise InvalidReplyError(f"{action} was answered, but {answer.reason}")
        schema = self.answer_schema(action)
        if schema.is_valid(answer.payload):
            return Repaired(answer.payload, answer.oddities)
        repaired = schema.repair(answer.payload)
        return Repaired(repaired.payload, (*answer.oddities, *repaired.repairs))

    def take(self, answer: AnswerFrame) -> bool:
        """Take an answer; False when nothing waits for it (any more)."""
        answered = self._answered
        about = answer.answer_to if isinstance(answer, frames.Unreadable) else answer.message_id
        if answered is None or answered.done():
            return False
        # Some write it back in capitals, or with spaces around it.
        if about != self._message_id and _compared(about) != _compared(self._message_id):
            if about is not None and _compared(about) not in self._asked:
                self._other_id = str(about)
            return False
        answered.set_result(answer)
        return True

    def is_late(self, message_id: frames.MessageId) -> bool:
        """Count an answer that nothing waits for; False where it was never asked, or too often."""
        asked = _compared(message_id)
        if asked not in self._asked:
            return False
        self._asked[asked] += 1
        return self._asked[asked] <= _LATE

    def lost(self) -> None:
        """End the waits for answers: the socket is gone."""
        if self._answered is None or self._answered.done():
            return
        if self.socket.was_too_large:
            limit = self.socket.protocol.max_message_size
            self._answered.set_exception(
                InvalidReplyError(f"{self.action} was answered with more than {limit:,} bytes")
            )
            return
        self._answered.set_exception(ChargePointGoneError(self.socket.identity))

    async def _exchange(self, action: str, payload: Payload, observe: Observer) -> AnswerFrame:
        answered: asyncio.Future[AnswerFrame] = asyncio.get_running_loop().create_future()
        message_id = next(_message_ids)
        data = frames.call(message_id, action, payload)
        self._message_id, self.action, self._answered = message_id, action, answered
        self._other_id = None
        self._asked[_compared(message_id)] = 0
        if len(self._asked) > _REMEMBERED:
            del self._asked[next(iter(self._asked))]
        try:
            if not self.socket.is_open:
                raise NeverSentError(self.socket.identity)
            observe("out", action, message_id, data)
            try:
                await self.socket.send(data, text=True)
            except ConnectionClosed:
                # It was handed to the network first, so it may have arrived.
                raise ChargePointGoneError(self.socket.identity) from None
            async with asyncio.timeout(self.timeout):
                return await answered
        except TimeoutError:
            said = f"{action} was not answered within {self.timeout:g} s"
            if self._other_id is not None:
                said += (
                    "; an answer to something that was never asked came, with the message id "
                    f"{self._other_id[:_SHOWN]!r}"
                )
            raise CallTimeoutError(said) from None
        finally:
            answered.cancel()
            self._message_id = self.action = self._answered = None


async def ask(session: "Session", action: str, payload: Payload) -> Outcome:
    """Send a command whose answer is a ``status``, or nothing at all (then it is accepted).

    Raises:
        ChargePointGoneError: the socket closed before the answer.

    """
    try:
        answer = await session.call(action, payload)
    except BadAnswerError as error:
        return error.outcome
    status = answer.get("status")
    if status is not None:
        return Outcome(reply=session.protocol.replies.get(status, Reply.ERROR), detail=status)
    if session.protocol.answer_schema(action).requires("status"):
        return Outcome(reply=Reply.ERROR, detail=f"{action} was answered without a status.")
    return Outcome(reply=Reply.ACCEPTED)
