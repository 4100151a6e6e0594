"""The controller of a site: it knows who charges where, and the most that each may draw.

It is pure: the workflow tells it what happened and asks what to send, and gives it the time.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from domain.operations import Reply
from domain.power.facts import Draws, DrawsQuestion
from domain.power.operations import Running, StationLimited
from domain.power.servicing import Servicing
from domain.power.share import BayKey
from domain.power.standing import Part
from domain.power.state import Bay, Station, Terms
from domain.power.troubles import Trouble
from domain.states import FeatureState

_REFUSED: Final = {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}
_EXCESSES: Final = 2
"""This many looks in a row at what a session draws are no accident."""
_MARGIN: Final = 1.1
_MARGIN_AMPS: Final = 0.5
"""Meters err, and the voltage is not always the nominal one."""
_REFUSALS: Final = 3
"""A charge point is given up once a session's limit is refused this many times in a row."""


class SiteController(Servicing):
    """Keeps what is asked of charge points, and what their answers mean for the bounds."""

    def prepared(
        self,
        asked: Station,
        terms: Terms,
        limited: StationLimited,
        now: datetime,
        *,
        idle: Collection[int] = (),
        running: Collection[Running] = (),
    ) -> None:
        """Take a charge point's answer to its own limit and to the default of its transactions.

        ``asked`` is how it was when it was asked: it may have restarted since. ``idle`` and
        ``running`` are the connectors that had to report: a vehicle may have come or gone since.
        """
        station = self.stations.get(asked.charge_point_id)
        if station is None or asked.restarts != station.restarts:
            return  # it may have forgotten what it answered to
        if limited.reply is Reply.ACCEPTED:
            self._took(station, asked, terms, limited, now, idle=idle, running=running)
            return
        changed = not (
            set(idle) <= set(self.idle(station))
            and set(running) <= set(self.confirmed_sessions(station))
        )
        if limited.reply is Reply.ERROR and changed:
            # What it reports may be the limit of that vehicle, or the one that it had before.
            limited = replace(limited, reply=Reply.UNKNOWN, detail=None)
        if limited.reply in _REFUSED:
            self._refused(station, terms, limited, now)
            return
        self.stations[asked.charge_point_id] = replace(
            station,
            # A default without an answer may count or not.
            default_bound=max(station.default_bound, terms.default_amps),
            told=terms,
            cleared=False,
            prepared=None,
            retry_at=now + self._pace.unanswered,
        )

    def sends(self, limits: Mapping[BayKey, int]) -> None:
        """Note that limits are about to be sent."""
        for key, amps in limits.items():
            bay = self.bays[key]
            self.bays[key] = replace(bay, asked=max(bay.asked, amps))

    def limited(
        self,
        key: BayKey,
        transaction_id: str,
        amps: int,
        reply: Reply,
        now: datetime,
        *,
        restarts: int,
        detail: str | None = None,
    ) -> None:
        """Take a connector's answer. ``restarts`` is of its station when it was asked."""
        bay = self.bays.get(key)
        if bay is None or bay.transaction_id != transaction_id:
            return  # its transaction has ended meanwhile
        if restarts != self.stations[key[0]].restarts:
            self.bays[key] = replace(bay, bound=max(bay.bound, float(amps)))
            return  # it may have forgotten what it answered to
        if self.stations[key[0]].given_up:
            return  # it was sent before that: it counts at its cable, whatever it says
        if reply is Reply.ACCEPTED:
            self.bays[key] = replace(
                bay,
                bound=float(amps),
                asked=amps,
                granted=amps,
                confirmed_at=now,
                since=bay.since if bay.charges == (amps > 0) else now,
                unsure=False,
                refusals=0,
                retry_at=None,
                judge_at=now + self._pace.judged if self._is_judged(key, amps) else None,
            )
            return
        if reply in _REFUSED:
            self._session_refused(bay, amps, detail, now)
            return
        self.bays[key] = replace(
            bay,
            bound=max(bay.bound, float(amps)),
            # It may have taken it or not, so it is told again even where its bound is the target.
            unsure=True,
            retry_at=now + self._pace.unanswered,
        )

    def drew(self, asked: DrawsQuestion, draws: Draws, now: datetime) -> None:
        """Take what sessions drew: one that exceeds its limit twice in a row obeys none."""
        numbers = {one.number for one in asked.watched}
        for bay in [one for one in self.bays.values() if one.number in numbers]:
            station = self.stations[bay.key[0]]
            watts = draws.watts.get(bay.number)
            most = station.form.allowed_watts(bay.granted) * _MARGIN
            most += _MARGIN_AMPS * station.voltage * len(station.phases)
            over = watts is not None and watts > most
            excesses = bay.excesses + 1 if over else 0
            pause = self._pace.judged if over else self._pace.turn
            self.bays[bay.key] = replace(bay, excesses=excesses, judge_at=now + pause)
            if excesses >= _EXCESSES:
                self._draws_more(station, bay, watts or 0.0)

    def try_again(self) -> None:
        """Try those again that took their limits and drew more: somebody asked for it."""
        for station in list(self.stations.values()):
            if station.trouble is Trouble.DRAWS_MORE:
                self.stations[station.charge_point_id] = replace(
                    station,
                    state=FeatureState.ACTIVATING,
                    trouble=None,
                    detail=None,
                    obeys=None,
                    retry_at=None,
                )

    def leave_alone(self, node_id: str, now: datetime) -> None:
        """Let no round wait for a node that did not answer, for a while."""
        retry_at = now + self._pace.unanswered
        for key, bay in self.bays.items():
            link = self.stations[key[0]].connection
            if link is not None and link.node_id == node_id:
                self.bays[key] = replace(bay, retry_at=retry_at)

    def lifted(
        self, charge_point_id: str, reply: Reply, now: datetime, *, whole: bool = False
    ) -> None:
        """Take the answer to the lifting of limits, or its absence: they may be gone."""
        station = self.stations.get(charge_point_id)
        if station is None:
            return
        accepted = reply is Reply.ACCEPTED
        # Where nothing is to be limited, there is nothing that it could be given up for.
        free = accepted and whole and self.limit.amps is None and not station.declared
        self.count_at_cable(
            replace(
                station,
                told=None if accepted else station.told,
                cleared=accepted and whole,
                confirmed_at=now if accepted else station.confirmed_at,
                prepared=None,
                state=FeatureState.ACTIVE if free else station.state,
                trouble=None if free else station.trouble,
                detail=None if free else station.detail,
                clear_at=None if accepted else now + self._insistence(reply),
            )
        )
        for key, bay in self._bays_of(charge_point_id):
            granted = station.max_amps if accepted and whole else 0
            self.bays[key] = replace(bay, granted=granted, since=now)

    def closed(
        self,
        charge_point_id: str,
        connector_id: int,
        reply: Reply,
        now: datetime,
        *,
        operative: bool,
        restarts: int,
    ) -> None:
        """Take the answer to making a connector inoperative, or operative again."""
        station = self.stations.get(charge_point_id)
        if station is None or restarts != station.restarts:
            return
        if reply not in {Reply.ACCEPTED, Reply.SCHEDULED}:
            clear_at = now + self._insistence(reply)
            self.stations[charge_point_id] = replace(station, clear_at=clear_at)
            return
        station = station.opened(connector_id)
        if not operative:
            closed = tuple(sorted({*station.closed, connector_id}))
            station = replace(station, closed=closed)
        self.stations[charge_point_id] = station

    def stopped(self, key: BayKey, now: datetime) -> None:
        """Note that a transaction was told to end; that is told again if it goes on."""
        station = self.stations.get(key[0])
        if station is not None:
            clear_at = now + self._pace.unanswered
            self.stations[key[0]] = replace(station, clear_at=clear_at)

    def lose_trust(self, now: datetime) -> None:
        """Count those at their cable that have restarted and not confirmed their limits since."""
        for station in list(self.stations.values()):
            doubted = station.in_doubt_since
            if doubted is not None and now - doubted >= self._pace.doubt:
                self.count_at_cable(station)

    def _took(
        self,
        station: Station,
        asked: Station,
        terms: Terms,
        limited: StationLimited,
        now: datetime,
        *,
        idle: Collection[int],
        running: Collection[Running],
    ) -> None:
        raised = limited.default_amps is not None and limited.default_amps > terms.default_amps
        default = limited.default_amps if limited.default_amps is not None else terms.default_amps
        because = station.minimum_because or (Trouble.REFUSES_ZERO if raised else None)
        unproven = not limited.proven and not running
        standing = self.standings()[station.charge_point_id]
        held = asked.given_up and terms == standing.terms
        trouble = because
        if trouble is None and not limited.whole:
            trouble = Trouble.NO_STATION_LIMIT
        if trouble is None and not limited.confirmed:
            trouble = Trouble.CANNOT_REPORT
        if trouble is None and unproven and idle:  # else it was asked about no connector
            trouble = Trouble.REPORTS_IN_SESSIONS
        self.stations[station.charge_point_id] = replace(
            station,
            default_bound=default,
            told=replace(terms, default_amps=default),
            cleared=False,
            prepared=asked.generation,
            confirmed_at=now,
            in_doubt_since=None,
            state=station.state if held else FeatureState.ACTIVE,
            trouble=station.trouble if held else trouble,
            detail=station.detail if held else None,
            unit=limited.unit,
            stack_level=limited.stack_level,
            minimum_because=because,
            unproven=unproven,
            unconfirmed=not limited.confirmed,
            obeys=station.obeys if held else None,
            retry_at=station.retry_at if held else None,
            clear_at=None,
        )
        if held or standing.part is Part.TESTED:  # its sessions have no limit of their own
            for key, bay in self._bays_of(station.charge_point_id):
                self.bays[key] = replace(
                    bay, bound=default, granted=int(default), confirmed_at=now, unsure=False
                )

    def _refused(
        self, station: Station, terms: Terms, limited: StationLimited, now: datetime
    ) -> None:
        """Note that it exceeds its limits; the lowest that it reports may be one that it obeys."""
        reported, cable = limited.reported_amps, float(station.max_amps)
        if not station.given_up or station.may_be_asked(now):
            # It was asked for its share: it may obey a lower limit.
            obeys = reported if reported is not None and reported < station.max_amps else None
        else:
            none_lower = reported is None or reported <= (station.obeys or 0.0)
            obeys = cable if none_lower else reported
        if limited.reply is not Reply.ERROR:
            trouble = Trouble.REFUSES_LIMITS
            obeys = cable
        else:
            trouble = Trouble.REPORTS_MORE
        if station.direct_current:
            trouble = Trouble.DIRECT_CURRENT_IN_AMPERES
        self.count_at_cable(
            replace(
                station,
                told=terms,
                cleared=False,
                prepared=None,
                state=FeatureState.FAILED,
                trouble=trouble,
                detail=limited.detail,
                obeys=obeys,
                retry_at=now + self._pace.refused,
                clear_at=None,
            )
        )

    def _session_refused(self, bay: Bay, amps: int, detail: str | None, now: datetime) -> None:
        """It may be about to end. If not, it is left at nothing, or the others are beside it."""
        station = self.stations[bay.key[0]]
        learns = amps == 0 and not station.needs_minimum
        if learns:
            self.stations[bay.key[0]] = replace(station, minimum_because=Trouble.REFUSES_ZERO)
        harms = not learns and (amps < bay.bound or bay.bound < min(amps, station.least))
        refusals = bay.refusals + 1 if harms else 0
        pause = self._pace.session_refused if harms or amps == 0 else self._pace.refused
        self.bays[bay.key] = replace(
            bay, asked=bay.granted, refusals=refusals, retry_at=now + pause
        )
        if refusals < _REFUSALS:
            return
        self.count_at_cable(
            replace(
                station,
                prepared=None,
                state=FeatureState.FAILED,
                trouble=Trouble.REFUSES_SESSION_LIMITS,
                detail=detail,
                obeys=None,
                retry_at=now + self._pace.refused,
                clear_at=None,
            )
        )

    def _is_judged(self, key: BayKey, amps: int) -> bool:
        station = self.stations[key[0]]
        return station.unconfirmed and amps < station.max_amps

    def _draws_more(self, station: Station, bay: Bay, watts: float) -> None:
        detail = (
            f"{watts / 1000:.1f} kW on connector {bay.key[1]}, where it was limited to "
            f"{station.form.allowed_watts(bay.granted) / 1000:.1f} kW"
        )
        self.count_at_cable(
            replace(
                station,
                prepared=None,
                state=FeatureState.FAILED,
                trouble=Trouble.DRAWS_MORE,
                detail=detail,
                obeys=float(station.max_amps),
                clear_at=None,
            )
        )

    def _insistence(self, reply: Reply) -> timedelta:
        return self._pace.insisted if reply in _REFUSED else self._pace.unanswered
