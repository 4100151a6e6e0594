"""A daily budget for what one charge point has written: beyond it less is kept, and counted.

What a session is billed by is kept whatever it takes: its start and its stop, and of its readings
those of both ends, signed or not, and those of one moment a minute. A commissioning run has a
second budget of the same size, so that a charge point that has used up its day is still judged by
all that it sends.
"""

from collections.abc import Callable, Sized
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from domain import states
from domain.budget import WrittenToday, in_words, later
from domain.facts import ConnectorFact
from domain.reported import SIGNED, ReadingContext
from ocpp_server.throttle import LATEST, Allowance, keep_newest
from storage.fact_records import (
    Boot,
    ConnectorStatus,
    LogEntry,
    MeterEntry,
    MeterValues,
    Record,
    StatusReport,
    TransactionStart,
    TransactionStop,
)

DAILY_BYTES: Final = 10_000_000
"""A charge point with two connectors that sends eight values every ten seconds needs half."""
_READING: Final = 190  # bytes of a row and its indexes on PostgreSQL, without what varies
_ENTRY: Final = 350
_BOOT: Final = 530
_SUSPENSION: Final = 250
_MINUTE: Final = timedelta(minutes=1)
_MOMENT: Final = timedelta(seconds=1)  # what one message tells within it is of one moment
_A_MINUTE: Final = 10  # moments of all connectors
_ENDS: Final = frozenset({ReadingContext.BEGIN, ReadingContext.END})
_OF_A_SESSION: Final = 4  # readings of each kind of its ends, whatever else is left out
_OF_A_MOMENT: Final = 8  # readings that are known again
_OF_MINUTES: Final = 4  # times the budget: beyond it no reading is kept for its minute alone
_OF_ENDS: Final = 10  # times the budget, beyond which no honest session's ends come
_REMEMBERED: Final = 256
STARTS: Final = 2_000
"""Sessions of a day whose start is answered at once; of weeks without a network there are fewer."""


@dataclass(kw_only=True, slots=True)
class _Moment:
    """The moment that was kept last: as it is stamped, and when it came in which message."""

    at: datetime
    received_at: datetime
    message: int
    ones: set[int] = field(default_factory=set)
    """The first few of its readings: it may be told again, as the database was away."""


def _nothing_today() -> WrittenToday:
    return WrittenToday(day=datetime.now(UTC).date())


@dataclass(slots=True, eq=False)
class Budget:
    """The budget of one charge point; ``written`` is what it has had written before."""

    written: WrittenToday = field(default_factory=_nothing_today)
    limit: int = DAILY_BYTES
    _told: bool = False
    _known: dict[int, None] = field(default_factory=dict)
    """What is a count when it is said again, and costs nothing."""
    _suspended: set[int] = field(default_factory=set)
    _begun_at: dict[int, datetime] = field(default_factory=dict)
    _moments: dict[tuple[int, str | None], _Moment] = field(default_factory=dict)
    _messages: int = 0
    _ends: dict[tuple[tuple[int, str | None], str], tuple[int, ...]] = field(default_factory=dict)
    _minute: Allowance | None = None
    _starts: int = 0

    def __post_init__(self) -> None:
        self._told = self.written.over_at is not None

    def begin(self, now: datetime) -> None:
        """Begin anew when another day has begun."""
        today = now.astimezone(UTC).date()
        if self.written.day != today:
            self._begin(today)

    def _begin(self, day: date) -> None:
        self.written.day, self.written.bytes, self.written.left_out = day, 0, 0
        self.written.over_at, self._told = None, False
        self._known.clear()
        self._ends.clear()
        self._starts = 0

    def catch_up(self, written: WrittenToday) -> None:
        """Take over what other nodes have counted, where that is more."""
        own = self.written
        if written is own or later(own, written) is own:
            return
        if own.day != written.day:
            self._begin(written.day)
        own.bytes, own.left_out = written.bytes, max(own.left_out, written.left_out)
        if own.over_at is None and written.over_at is not None:
            own.over_at, self._told = written.over_at, True

    def take_alarm(self) -> str | None:
        """Return, once a day, the sentence that the budget is used up."""
        if self._told or self.written.over_at is None:
            return None
        self._told = True
        return in_words(self.limit)

    def is_over(self, *, in_run: bool) -> bool:
        """Whether its day is used up."""
        return self.written.bytes >= self.limit * (2 if in_run else 1)

    def thin(self, fact: Record, now: datetime, *, in_run: bool) -> bool:
        """Count a fact, and take out of it what is not kept; False: nothing is left to store."""
        self.begin(now)
        match fact:
            case MeterValues() | TransactionStop():
                of = fact.connector_id or 0, fact.transaction_id
                fact.entries = self._readings(fact.entries, of, now, in_run=in_run)
                return bool(fact.entries) or isinstance(fact, TransactionStop)
            case Boot():
                # All that makes it a row of its own: see storage.boots.
                boot = fact.fact
                said = (
                    *(boot.vendor, boot.model, boot.firmware_version, str(fact.payload)),
                    *(boot.warnings, fact.contested),
                )
                cost = _BOOT + sum(map(len, boot.warnings))
                fact.over_budget = not self._pays(cost, said, in_run=in_run)
            case StatusReport():
                fact.logged = self.allows(fact.entry, in_run=in_run)
            case TransactionStart():
                self._begun_at.pop(fact.connector_id, None)
            case ConnectorStatus():
                fact.goes_on = self._goes_on(fact.fact, now, in_run=in_run)
        return True

    def pause_of_a_start(self, now: datetime) -> float:
        """Count a session that begins; return how many seconds the answer has to wait.

        No session is refused, for its energy flows; nobody fills the database with them either.
        """
        self.begin(now)
        self._starts += 1
        return LATEST if self._starts > STARTS else 0.0

    def allows(self, entry: LogEntry, *, in_run: bool) -> bool:
        """Count an entry of the log; False: it is left out."""
        self.begin(entry.at)
        said = None if entry.same is None else (entry.direction, entry.action, entry.same)
        if self._pays(_ENTRY + len(entry.text), said, in_run=in_run):
            return True
        self._leave_out(1, entry.at)
        return False

    def _goes_on(self, status: ConnectorFact, now: datetime, *, in_run: bool) -> bool:
        """Count a suspension, which is a row; other statuses are one row of each connector.

        Beyond the budget one that begins within a minute of the one before, in the same session,
        is that one, which goes on: time without power is never billed as idle for it.
        """
        if status.status != states.ConnectorStatus.SUSPENDED_EVSE:
            self._suspended.discard(status.connector_id)
            return False
        if status.connector_id in self._suspended:
            return False
        self._suspended.add(status.connector_id)
        begun_at = self._begun_at.get(status.connector_id)
        if self.is_over(in_run=in_run) and begun_at is not None and now - begun_at < _MINUTE:
            self._leave_out(1, now)
            return True
        keep_newest(self._begun_at, status.connector_id, now, _REMEMBERED)
        self.written.bytes += _SUSPENSION
        return False

    def _pays(self, cost: int, said: tuple[Any, ...] | None, *, in_run: bool) -> bool:
        known = hash((said, in_run)) if said is not None else None
        if known is not None and known in self._known:
            return True
        if self.is_over(in_run=in_run):
            return False
        self.written.bytes += cost
        if known is not None:
            keep_newest(self._known, known, None, _REMEMBERED)
        return True

    def _readings(
        self,
        entries: list[MeterEntry],
        of: tuple[int, str | None],
        now: datetime,
        *,
        in_run: bool,
    ) -> list[MeterEntry]:
        kept: list[MeterEntry] = []
        self._messages += 1
        for entry in entries:
            if self.is_over(in_run=in_run) and not self._is_needed(entry, of, now):
                continue
            self.written.bytes += _READING + len(entry.packed)
            kept.append(entry)
        if len(kept) < len(entries):
            self._leave_out(len(entries) - len(kept), now)
        return kept

    def _is_needed(self, entry: MeterEntry, of: tuple[int, str | None], now: datetime) -> bool:
        """Tell whether a bill may need a reading, or a minute has passed by its stamps or ours.

        Its clock may stand still. What a message tells of one moment stays together.
        """
        spent = self.written.bytes / self.limit
        one = hash((entry.at, entry.packed))
        ends = _ends_of(entry)
        for kind in ends if spent < _OF_ENDS else ():
            kept = self._ends.get((of, kind), ())
            if one in kept:  # it is repeated: the database may have been away
                return True
            if len(kept) < _OF_A_SESSION:
                keep_newest(self._ends, (of, kind), (*kept, one), _REMEMBERED)
                return True
        if spent >= _OF_MINUTES:
            return False
        last = self._moments.get(of)
        if last is not None and abs(entry.at - last.at) < _MINUTE:
            its = last.message == self._messages and abs(entry.at - last.at) < _MOMENT
            if one in last.ones or (its and not ends):
                last.ones |= {one} if len(last.ones) < _OF_A_MOMENT else set()
                return True
            if now - last.received_at < _MINUTE:
                return False
        if self._minute is None:
            self._minute = Allowance(rate=_A_MINUTE / 60, burst=_A_MINUTE)
        if self._minute.would_pause() > 0:
            return False
        self._minute.spend()
        moment = _Moment(at=entry.at, received_at=now, message=self._messages, ones={one})
        keep_newest(self._moments, of, moment, _REMEMBERED)
        return True

    def _leave_out(self, number: int, now: datetime) -> None:
        self.written.left_out += number
        self.written.over_at = self.written.over_at or now


class Budgets:
    """The budgets of a node: a charge point keeps its own over all of its links."""

    def __init__(self, *, limit: int = DAILY_BYTES) -> None:
        self._limit = limit
        self._of: dict[str, Budget] = {}
        self._forgotten_on = datetime.now(UTC).date()

    def written(self, charge_point_id: str) -> WrittenToday | None:
        """Return what is counted here for a charge point; None where nothing is."""
        budget = self._of.get(charge_point_id)
        return None if budget is None else budget.written

    def take(self, charge_point_id: str, written: WrittenToday | None) -> Budget:
        """Return the budget of a charge point; ``written`` is what its row knows."""
        budget = self._of.get(charge_point_id)
        if budget is None:
            budget = self._of[charge_point_id] = Budget(
                written or _nothing_today(), limit=self._limit
            )
        elif written is not None:
            budget.catch_up(written)
        return budget

    def forget_idle(self, today: date, *, links: Callable[[str], Sized]) -> None:
        """Forget, once a day, older budgets whose charge points have no links here."""
        if self._forgotten_on == today:
            return
        self._forgotten_on = today
        self._of = {
            identity: budget
            for identity, budget in self._of.items()
            if budget.written.day == today or links(identity)
        }


def _ends_of(entry: MeterEntry) -> set[str]:
    """Return the ends of a session that a reading is of; signed ones in between use none up."""
    contexts = _ENDS & {sample.get("context") for sample in entry.samples}
    if contexts:
        return set(contexts)
    return {SIGNED} if any(sample.get("format") == SIGNED for sample in entry.samples) else set()
