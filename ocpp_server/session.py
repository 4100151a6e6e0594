"""One charge point's link: answers its calls once their facts are committed, and makes calls.

No task of its own: the socket hands messages over, the writer reports commits. A charge point has
at most one call in work; what it sends meanwhile waits here, and then in TCP.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from websockets.exceptions import ConnectionClosed

from domain.ports import ChargePointGoneError
from domain.states import LogLevel
from ocpp_server import frames
from ocpp_server.calls import CallErrorReply, Calls, InvalidReplyError
from ocpp_server.dispatch import CallRefusedError, Payload, Reply, dispatch
from ocpp_server.frame_splitter import LARGE_MESSAGE, MAX_MESSAGE
from ocpp_server.framelog import frame_entry, oddities
from ocpp_server.frames import ErrorCode, MessageId
from ocpp_server.peer import Peer
from ocpp_server.protocol import Expected, OcppProtocol
from ocpp_server.socket import ChargerSocket, Hold
from ocpp_server.throttle import Allowance, Guesses
from ocpp_server.writer import NotStoredError, Writer
from storage.fact_records import Authorization, Record, Told, TransactionStart

_MAX_WAITING: Final = 16
_BYTES_A_TOKEN: Final = 4096
_UNSOLICITED: Final = "it answers something that was never asked, or was answered before"
_UNSOLICITED_TOKENS: Final = 4  # beside that of any frame
_UNSOLICITED_RATE: Final = 0.2
_UNSOLICITED_BURST: Final = 50.0
"""Some firmware answers with ids of its own, a few for each of our calls."""
_PONG_SECONDS: Final = 8.0
_PRESENTED: Final = (Authorization, TransactionStart)
"""What an id tag is presented in."""
_LARGE_ANSWERS: Final = asyncio.Semaphore(8)


@dataclass(kw_only=True, slots=True, eq=False)
class Session:
    """Talks OCPP-J on a socket until it closes. Bytes never make it raise."""

    socket: ChargerSocket
    peer: Peer
    protocol: OcppProtocol
    writer: Writer
    call_timeout: float
    allowance: Allowance | None
    guesses: Guesses | None
    drop: "Callable[[Session, str], None]"
    """Closes the link, with a reason for its log."""
    ended_at: float = 0.0
    """When the link was over, on the clock of the event loop; 0: it is not."""
    _calls: Calls | None = None
    _expected: Sequence[tuple[Expected, asyncio.Future[datetime]]] = ()
    _is_held: bool = False
    """A timer runs that lets the charge point go on."""
    _unsolicited: Allowance | None = None
    _in_work: tuple[frames.Call, Reply, bytes] | None = None
    _waiting: deque[bytes] | None = None

    async def run(self) -> None:
        """Serve until the socket is closed."""
        self.socket.deliver_to(self)
        try:
            await self.socket.wait_closed()
        finally:
            self.give_up()

    def give_up(self) -> None:
        """Tell those who wait for an answer that none will come."""
        self.ended_at = self.ended_at or asyncio.get_running_loop().time()
        if self._calls is not None:
            self._calls.lost()

    async def call(self, action: str, payload: Payload) -> Payload:
        """Send a CALL and return the payload of its answer; see :meth:`calls.Calls.call`."""
        if self._calls is None:
            self._calls = Calls(self.socket, self.call_timeout, self.protocol.answer_schema)
        answered = await self._calls.call(action, payload, self._record)
        if answered.repairs:
            excerpt = frames.call_result("", answered.payload)
            self._note_odd(f"The answer to {action}", answered.repairs, excerpt)
        return answered.payload

    async def ask_at_length(self, action: str, payload: Payload) -> Payload:
        """Send a CALL whose answer may be as long as a whole configuration.

        Few such questions are open at a time on a node, so that their answers fit its memory.

        Raises:
            InvalidReplyError: the answer is longer still, or as :meth:`call`.

        """
        async with _LARGE_ANSWERS:
            self.socket.take_up_to(LARGE_MESSAGE)
            try:
                return await self.call(action, payload)
            finally:
                self.socket.take_up_to(MAX_MESSAGE)

    def expect(self, expected: Expected) -> asyncio.Future[datetime]:
        """Give the moment when the next such message is stored and answered."""
        coming: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()
        self._expected = [*self._expected, (expected, coming)]
        return coming

    async def ping(self) -> float:
        """Measure a round trip on the socket, in milliseconds.

        Some firmware answers no ping while OCPP works well: there it is that of a call.

        Raises:
            CallTimeoutError: neither was answered.
            ChargePointGoneError: the socket closed.

        """
        if not self.socket.ignores_pings:
            try:
                async with asyncio.timeout(min(self.call_timeout, _PONG_SECONDS)):
                    return await self.socket.wait_for_pong() * 1000
            except ConnectionClosed:
                raise ChargePointGoneError(self.peer.charge_point_id) from None
            except TimeoutError:
                pass
        began = time.monotonic()
        with suppress(CallErrorReply, InvalidReplyError):  # a refusal takes as long
            await self.call(*self.protocol.question)
        return (time.monotonic() - began) * 1000

    def receive(self, data: bytes) -> None:
        """Take one message: a frame, and what follows it."""
        frame = frames.parse(data)
        self._take(frame, data)
        if type(frame) is not frames.Call or frame.oddities:
            for more in frames.behind(frame, data):
                self._take(frames.parse(more), more)

    def count_frame(self, size: int) -> None:
        """Count a frame of so many bytes against the rate, also one that is no message."""
        self._spend(1 + size // _BYTES_A_TOKEN)

    def _take(self, frame: frames.Frame, data: bytes) -> None:
        if type(frame) is frames.Other:
            frame = self._read_other(frame)
        self.count_frame(len(data))
        if isinstance(frame, frames.Call):
            if self._in_work is None and not self._waiting:
                self._begin(frame, data)
            else:
                self._line_up(data)
        elif isinstance(frame, frames.CallResult | frames.CallError):
            self._take_answer(frame, data)
        elif isinstance(frame, frames.Malformed):
            self._take_malformed(frame, data)
        elif isinstance(frame, frames.Unreadable):
            self._take_unreadable(frame, data)

    def _read_other(self, frame: frames.Other) -> frames.Frame:
        """Read a frame of a type that the version of this link may have."""
        read = self.protocol.frame_types.get(frame.message_type)
        if read is None:
            return frames.Unreadable(frames.UNKNOWN_TYPE)
        return read(frame.message)

    def _take_malformed(self, frame: frames.Malformed, data: bytes) -> None:
        self._record("in", frame.action, frame.message_id, data)
        self._note_odd(frame.action, (frame.description,), data, refused=True)
        self._refuse(frame, ErrorCode.FORMATION_VIOLATION, frame.description)

    def _take_unreadable(self, frame: frames.Unreadable, data: bytes) -> None:
        self._record("in", None, frame.answer_to, data)
        asked = None if self._calls is None else self._calls.action
        if self._calls is not None and self._calls.take(frame):
            self._note_odd(f"The answer to {asked}", (frame.reason,), data, refused=True)
        elif frame.answer_to is not None and not self._is_late(frame.answer_to):
            self._take_unsolicited(data, frame.reason)
        else:
            self._note_odd(None, (frame.reason,), data, refused=True)
            self.peer.tell("frame_dropped", reason=frame.reason)

    def stored(self, error: NotStoredError | None) -> None:
        """Hear from the writer what became of the facts in work; answer, and go on."""
        pause = 0.0 if error is not None else self._pause()
        if pause > 0:
            asyncio.get_running_loop().call_later(pause, self._answer, error)
        else:
            self._answer(error)

    def _pause(self) -> float:
        """Return the seconds that an answer waits where id tags are guessed or starts never end."""
        if self.guesses is None or self._in_work is None:
            return 0.0
        pause = 0.0
        for fact in self._in_work[1].facts:
            if not isinstance(fact, _PRESENTED):
                continue
            unknown = not fact.accepted
            pause = max(pause, self.guesses.pause(fact.charge_point_id, unknown=unknown))
            if isinstance(fact, TransactionStart):
                late = self.peer.budget.pause_of_a_start(datetime.now(UTC))
                if late:
                    self.peer.tell("charge_point_begins_too_much", level=LogLevel.WARNING)
                pause = max(pause, late)
        return pause

    def _answer(self, error: NotStoredError | None) -> None:
        in_work, self._in_work = self._in_work, None
        if in_work is not None:
            call, reply, data = in_work
            if error is None:
                what = None if reply.astray is None else reply.astray()
                if what is not None:
                    self._note_odd(call.action, (what,), data, astray=True)
                self._finish(call, reply)
            else:
                self._refuse(call, ErrorCode.INTERNAL_ERROR, f"Try again: {error}.")
        waiting = self._waiting
        while waiting and self._in_work is None:
            data = waiting.popleft()
            frame = frames.parse(data)
            if isinstance(frame, frames.Other):
                frame = self._read_other(frame)
            assert isinstance(frame, frames.Call)  # noqa: S101 - as it was before it waited
            self._begin(frame, data)
            if len(waiting) == _MAX_WAITING // 2:
                self.socket.release(Hold.UNANSWERED)

    def _begin(self, call: frames.Call, data: bytes) -> None:
        peer = self.peer
        if peer.watched_run is not None:
            self._record("in", call.action, call.message_id, data)
        now = datetime.now(UTC)
        try:
            reply = dispatch(self.protocol.routes, peer, call, now)
        except CallRefusedError as refusal:
            if refusal.code is not ErrorCode.NOT_IMPLEMENTED:
                self._note_odd(call.action, (refusal.description,), data, refused=True)
            self._refuse(call, refusal.code, refusal.description)
            return
        except Exception:  # noqa: BLE001 - logged with its trace
            self._failed(call)
            return
        if peer.contested:
            for fact in reply.facts:
                if isinstance(fact, Told):
                    fact.contested = peer.generation
        if reply.repairs:
            self._note_odd(call.action, reply.repairs, data)
        self.writer.touch(peer, now, heartbeat=reply.heartbeat)
        kept = reply.facts and self._kept(reply.facts, now)
        if kept:
            self._in_work = call, reply, data
            self.writer.put(kept, self)
        else:
            self._finish(call, reply)

    def _kept(self, facts: Sequence[Record], now: datetime) -> Sequence[Record]:
        """Drop from the facts what is beyond the budget; say so once a day."""
        budget, in_run = self.peer.budget, self.peer.watched_run is not None
        kept = facts
        for fact in facts:
            if not budget.thin(fact, now, in_run=in_run):
                kept = [one for one in kept if one is not fact]
        if budget.written.over_at is not None:
            self._tell_of_budget()
        return kept

    def _tell_of_budget(self) -> None:
        peer = self.peer
        alarm = peer.budget.take_alarm()
        if alarm is None:
            return
        peer.tell("charge_point_over_budget", level=LogLevel.WARNING)
        self.writer.note(peer.entry("budget", alarm, LogLevel.WARNING))

    def _finish(self, call: frames.Call, reply: Reply) -> None:
        try:
            data = frames.call_result(call.message_id, reply.payload())
        except Exception:  # noqa: BLE001 - logged with its trace
            self._failed(call)
            return
        if type(call) is not frames.Send:
            self._send(data, call.action, call.message_id)
        if self._expected:
            self._expected = [
                (one, coming)
                for one, coming in self._expected
                if not (coming.done() or _has_come(one, coming, call))
            ]

    def _failed(self, call: frames.Call) -> None:
        """Answer with an error: a bug of ours costs one reply, and not the connection."""
        self.peer.tell("handler_failed", level=LogLevel.ERROR, exc_info=True, action=call.action)
        self._refuse(call, ErrorCode.INTERNAL_ERROR, "Something went wrong.")

    def _refuse(
        self, what: frames.Call | frames.Malformed, code: ErrorCode, description: str
    ) -> None:
        if type(what) is not frames.Send:
            word, message_id = self.protocol.error_codes[code], what.message_id
            self._send(frames.call_error(message_id, word, description), None, message_id)

    def _send(self, data: bytes, action: str | None, message_id: MessageId) -> None:
        if self.peer.watched_run is not None:
            self._record("out", action, message_id, data)
        self.socket.reply(data)

    def _take_answer(self, frame: frames.CallResult | frames.CallError, data: bytes) -> None:
        calls = self._calls
        self._record("in", None if calls is None else calls.action, frame.message_id, data)
        if calls is not None and calls.take(frame):
            return
        if self._is_late(frame.message_id):
            self.peer.tell("late_reply_dropped")
        else:
            self._take_unsolicited(data, _UNSOLICITED)

    def _is_late(self, message_id: MessageId) -> bool:
        return self._calls is not None and self._calls.is_late(message_id)

    def _take_unsolicited(self, data: bytes, what: str) -> None:
        """Drop an unsolicited answer; a flood of them ends the link."""
        self._spend(_UNSOLICITED_TOKENS)
        self.peer.tell("unsolicited_reply_dropped")
        self._note_odd(None, (what,), data, refused=True)
        if self._unsolicited is None:
            self._unsolicited = Allowance(rate=_UNSOLICITED_RATE, burst=_UNSOLICITED_BURST)
        if self._unsolicited.spend() > 0 and self.socket.is_open:
            self.drop(self, "too many answers that nothing waits for")

    def _line_up(self, data: bytes) -> None:
        """Keep a call that came before the last one was answered, unread: that saves memory."""
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(data)
        if len(self._waiting) >= _MAX_WAITING:
            self.socket.hold(Hold.UNANSWERED)

    def _spend(self, tokens: int) -> None:
        """Hold a charge point back that sends more than its share."""
        if self.allowance is None:
            return
        pause = self.allowance.spend(tokens)
        if pause > 0 and not self._is_held:
            self._is_held = True
            self.socket.hold(Hold.RATE)
            asyncio.get_running_loop().call_later(pause, self._release, self.allowance)

    def _release(self, allowance: Allowance) -> None:
        pause = allowance.pause()
        if pause > 0:
            asyncio.get_running_loop().call_later(pause, self._release, allowance)
            return
        self._is_held = False
        self.socket.release(Hold.RATE)

    def _record(
        self, direction: str, action: str | None, message_id: MessageId | None, data: bytes
    ) -> None:
        if self.peer.watched_run is None:
            return
        again = action in self.protocol.repeated
        entry = frame_entry(self.peer, direction, action, message_id, data, repeated=again)
        if self.peer.budget.allows(entry, in_run=True):
            self.writer.note(entry)
        else:
            self._tell_of_budget()

    def _note_odd(
        self, action: str | None, whats: tuple[str, ...], data: bytes, **more: bool
    ) -> None:
        """Note what is odd in a frame; see :func:`framelog.oddities`."""
        for oddity in oddities(self.peer, action, whats, data, **more):
            self.writer.note(oddity)


def _has_come(expected: Expected, coming: asyncio.Future[datetime], call: frames.Call) -> bool:
    """Tell the waiter if this is its message, or that it could not be looked at."""
    if expected.action != call.action:
        return False
    try:
        if expected.is_it is not None and not expected.is_it(call.payload):
            return False
        coming.set_result(datetime.now(UTC))
    except Exception as error:  # noqa: BLE001 - theirs, and not the link's
        coming.set_exception(error)
    return True
