"""Limiting one charge point: in which form it takes its limits, and what it reports of them."""

from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

from domain.operations import Outcome, Reply
from domain.power.operations import LimitForm, LimitStation, RateUnit, StationLimited
from ocpp_server.calls import CallErrorReply, CallTimeoutError, InvalidReplyError
from ocpp_server.replies import ask
from ocpp_server.session import Session
from ocpp_server.v16 import charging_profiles as profiles
from ocpp_server.v16.inventory import Inventory, read_if_told

_REFUSED: Final = {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}
_UNITS: Final = {
    "current": RateUnit.AMPERES,
    "a": RateUnit.AMPERES,
    "power": RateUnit.WATTS,
    "w": RateUnit.WATTS,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Taken:
    """What it took, in which form; ``whole``: with a limit of the whole."""

    form: LimitForm
    whole: bool
    default_amps: float | None


@dataclass(kw_only=True, slots=True)
class StationLimits:
    """Sets what is requested of one charge point, and reads back what it makes of it."""

    session: Session
    request: LimitStation
    _afresh: bool = field(init=False)

    def __post_init__(self) -> None:
        self._afresh = self.request.afresh

    async def limit(self) -> StationLimited:
        """Set the limits in the first form that it takes."""
        cleared = (profiles.Purpose.STATION, profiles.Purpose.DEFAULT) if self._afresh else ()
        for purpose in cleared:  # whatever else it answers, nothing of that purpose may be there
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
        return await self._proven(taken, limited)

    async def _proven(self, taken: _Taken, limited: StationLimited) -> StationLimited:
        assert taken.default_amps is not None  # noqa: S101 - there is something to prove
        for connector_id in self.request.idle:
            try:
                reported = await self._reported(connector_id, taken.form)
            except CallTimeoutError:
                return replace(limited, proven=False)
            if reported is not None and reported.agrees(taken.default_amps, taken.form):
                continue
            charging = set(self.request.connectors) - set(self.request.idle)
            if reported is None or self._afresh or charging:
                return replace(limited, proven=False)
            # It may be somebody else's that outranks it.
            self._afresh = True
            await ask(self.session, *profiles.clear_all(profiles.Purpose.DEFAULT))
            again = await self._set_default(taken.form)
            if isinstance(again, Outcome):
                return self._answered(again)
            return await self._proven(taken, replace(limited, default_amps=again))
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
