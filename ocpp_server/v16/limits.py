"""Limits of power in OCPP 1.6: the functions of :class:`ocpp_server.protocol.PowerLimits`.

A charge point is limited in the first form that it takes; then it is asked what it makes of it.
"""

from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from domain.operations import Outcome, Reply
from domain.power.operations import (
    ConnectorLimit,
    LiftLimits,
    LimitForm,
    LimitStation,
    RateUnit,
    StationLimited,
)
from ocpp_server.calls import CallErrorReply, CallTimeoutError, InvalidReplyError, ask
from ocpp_server.session import Session
from ocpp_server.v16 import charging_profiles as profiles
from ocpp_server.v16.configuration_messages import Inventory, read_if_told

_REFUSED: Final = {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}
_UNITS: Final = {
    "current": RateUnit.AMPERES,
    "a": RateUnit.AMPERES,
    "power": RateUnit.WATTS,
    "w": RateUnit.WATTS,
}
_NOTHING_THERE: Final = "Unknown"
"""Status of ClearChargingProfile (§7.12) where no profile matches."""


async def limit_station(session: Session, request: LimitStation) -> StationLimited:
    """Limit the charge point, then read back what it makes of it."""
    return await _StationLimits(session=session, request=request).limit()


async def limit_transaction(session: Session, limit: ConnectorLimit) -> Outcome:
    """Limit one transaction."""
    return await ask(session, *profiles.transaction(limit))


async def lift_limits(session: Session, request: LiftLimits) -> Outcome:
    """Clear what limits transactions, and ``whole`` the charge point, too.

    Accepted once nothing of it is there any more. What is not cleared is set to what the cable
    carries. One that knows no charging profiles has none.
    """
    purposes = [profiles.Purpose.TRANSACTION, profiles.Purpose.DEFAULT]
    purposes += [profiles.Purpose.STATION] if request.whole else []
    for purpose in purposes:
        outcome = await ask(session, *profiles.clear_all(purpose))
        if outcome.reply is Reply.NOT_SUPPORTED:
            return Outcome(reply=Reply.ACCEPTED)
        if outcome.reply is not Reply.ACCEPTED:
            # Some find a profile by its number alone.
            for number in (profiles.WHOLE_STATION, *request.connectors):
                outcome = await ask(session, *profiles.clear_one(purpose, number))
                if not _gone(outcome):
                    break
        if not _gone(outcome):
            outcome = await _opened(session, request, purpose)
        if not _gone(outcome):
            return outcome
    return Outcome(reply=Reply.ACCEPTED)


async def _opened(session: Session, request: LiftLimits, purpose: profiles.Purpose) -> Outcome:
    amps, form = request.form.max_amps, request.form
    match purpose:
        case profiles.Purpose.STATION:
            return await ask(session, *profiles.station_max(amps, form))
        case profiles.Purpose.DEFAULT:
            return await ask(session, *profiles.default(profiles.WHOLE_STATION, amps, form))
        case _:
            detail = "It does not clear the limits of sessions."
            return Outcome(reply=Reply.REJECTED, detail=detail)


def _gone(outcome: Outcome) -> bool:
    return outcome.reply is Reply.ACCEPTED or (
        outcome.reply is Reply.ERROR and outcome.detail == _NOTHING_THERE
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Taken:
    """What it took, in which form; ``whole``: with a limit of the whole."""

    form: LimitForm
    whole: bool
    default_amps: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _StationLimits:
    """Sets what is requested of one charge point, and reads back what it makes of it."""

    session: Session
    request: LimitStation

    async def limit(self) -> StationLimited:
        """Set the limits in the first form that it takes."""
        purposes = (profiles.Purpose.STATION, profiles.Purpose.DEFAULT)
        for purpose in purposes if self.request.afresh else ():
            # Whatever else it answers, nothing of that purpose may be there.
            outcome = await ask(self.session, *profiles.clear_all(purpose))
            if outcome.reply is Reply.TIMEOUT:
                return self._answered(outcome)
        taken = await self._find()
        if isinstance(taken, Outcome):
            return self._answered(taken)
        return await self._confirmed(taken)

    def _answered(self, outcome: Outcome) -> StationLimited:
        return StationLimited(
            reply=outcome.reply, unit=self.request.form.unit, detail=outcome.detail
        )

    async def _find(self) -> _Taken | Outcome:
        """Try with a limit of the whole first; without one each session still has its own."""
        keys = [profiles.MAX_STACK_LEVEL, profiles.RATE_UNITS]
        forms = _forms(self.request.form, await read_if_told(self.session, keys))
        tried: set[LimitForm] = set()
        outcome = Outcome(reply=Reply.REJECTED)
        for whole, form in product((True, False), forms):
            if whole:
                amps = self.request.station_amps
                outcome = await ask(self.session, *profiles.station_max(amps, form))
                if outcome.reply in _REFUSED:
                    continue
                if outcome.reply is not Reply.ACCEPTED:
                    return outcome
            elif form in tried:
                continue
            tried.add(form)
            if whole and self.request.default_amps is None:
                await ask(self.session, *profiles.clear_all(profiles.Purpose.DEFAULT))
                return _Taken(form=form, whole=True, default_amps=None)
            taken = await self._set_default(form)
            if not isinstance(taken, Outcome):
                return _Taken(form=form, whole=whole, default_amps=taken)
            if taken.reply not in _REFUSED:
                return taken
            if whole and self.request.whole_suffices:
                return _Taken(form=form, whole=True, default_amps=None)
            outcome = taken
        return outcome

    async def _set_default(self, form: LimitForm) -> float | Outcome:
        """Set it for all connectors at once or for each; 0, or the least that is of use."""
        request = self.request
        wanted = request.default_amps
        wanted = request.station_amps if wanted is None else wanted
        outcome = Outcome(reply=Reply.REJECTED)
        for amps in (wanted, float(form.least)) if request.raises else (wanted,):
            for numbers in ((profiles.WHOLE_STATION,), request.connectors):
                for number in numbers:
                    outcome = await ask(self.session, *profiles.default(number, amps, form))
                    if outcome.reply is not Reply.ACCEPTED:
                        break
                if numbers and outcome.reply is Reply.ACCEPTED:
                    return amps
                if outcome.reply not in _REFUSED:
                    return outcome
        return outcome

    async def _confirmed(self, taken: _Taken) -> StationLimited:
        """Compare what it reports with what it was told.

        What it reports of a connector in which nobody charges is no proof against it: some leave
        the default out there.
        """
        request, form = self.request, taken.form
        limited = StationLimited(
            reply=Reply.ACCEPTED,
            unit=form.unit,
            stack_level=form.stack_level,
            default_amps=taken.default_amps,
            whole=taken.whole,
        )
        comparable = [(one.connector_id, float(one.amps)) for one in request.running]
        if taken.whole:
            comparable.insert(0, (profiles.WHOLE_STATION, request.station_amps))
        for connector_id, amps in comparable:
            try:
                reported = await self._reported(connector_id, form)
            except CallTimeoutError:
                # Some never answer to this. It has taken its limits.
                return replace(limited, confirmed=False, proven=False)
            if reported is None:
                limited = replace(limited, confirmed=False, proven=False)
            elif not reported.agrees(amps, form):
                where = f" on connector {connector_id}" if connector_id else ""
                detail = f"it took {amps:g} A and still reports {reported}{where}"
                return replace(
                    limited,
                    reply=Reply.ERROR,
                    reported_amps=reported.amps(form),
                    detail=detail,
                )
        if taken.default_amps is None or not limited.confirmed:
            return limited
        if not (request.idle or request.running):
            # Its connectors are not known yet, or busy with what has no limit of its own.
            return replace(limited, proven=False)
        return await self._proven(taken, limited, afresh=request.afresh)

    async def _proven(
        self, taken: _Taken, limited: StationLimited, *, afresh: bool
    ) -> StationLimited:
        assert taken.default_amps is not None  # noqa: S101 - there is something to prove
        for connector_id in self.request.idle:
            try:
                reported = await self._reported(connector_id, taken.form)
            except CallTimeoutError:
                return replace(limited, proven=False)
            if reported is not None and reported.agrees(taken.default_amps, taken.form):
                continue
            charging = set(self.request.connectors) - set(self.request.idle)
            if reported is None or afresh or charging:
                return replace(limited, proven=False)
            # It may be somebody else's that outranks it.
            await ask(self.session, *profiles.clear_all(profiles.Purpose.DEFAULT))
            again = await self._set_default(taken.form)
            if isinstance(again, Outcome):
                return self._answered(again)
            return await self._proven(taken, replace(limited, default_amps=again), afresh=True)
        return limited

    async def _reported(self, connector_id: int, form: LimitForm) -> profiles.Reported | None:
        """What it reports, None when it does not, or what cannot be compared."""
        try:
            answer = await self.session.call(*profiles.composite(connector_id, form.unit))
        except (CallErrorReply, InvalidReplyError):
            return None
        reported = profiles.reported(answer)
        if reported is None or (form.direct_current and reported.unit is RateUnit.AMPERES):
            return None
        return reported


def _forms(first: LimitForm, inventory: Inventory) -> list[LimitForm]:
    """In which forms to try: in the units that it says, or took before; then in the other.

    The highest level outranks whatever else was set (§9.4.1), and some take none as high as they
    say. The amperes of a direct current are not those of the supply.
    """
    said = inventory.get(profiles.RATE_UNITS)
    words = "" if said is None or said.value is None else said.value
    known = (_UNITS.get(one.strip().casefold()) for one in words.split(","))
    allowed = [unit for unit in known if unit is not None]
    units = [first.unit, *RateUnit]
    if first.unit is RateUnit.AMPERES and allowed and first.unit not in allowed:
        units = list(allowed) + units
    if first.direct_current:
        units = [RateUnit.WATTS]
    levels = dict.fromkeys((inventory.number(profiles.MAX_STACK_LEVEL) or 0, 0))
    return [
        replace(first, unit=unit, stack_level=level)
        for level, unit in product(levels, dict.fromkeys(units))
    ]
