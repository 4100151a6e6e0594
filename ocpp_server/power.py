"""Limits of the charge points whose sockets are here (:class:`domain.ports.PowerGateway`)."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from domain.operations import Outcome, Reply
from domain.ports import ChargePointGoneError
from domain.power import operations as power
from domain.power.operations import LimitForm, RateUnit
from ocpp_server.calls import CallErrorReply, CallTimeoutError, InvalidReplyError
from ocpp_server.registry import Registry
from ocpp_server.session import Session
from ocpp_server.v16 import charging_profiles as profiles
from ocpp_server.v16.inventory import read
from ocpp_server.v16.replies import ask

ANSWER_WITHIN: Final = 1.5  # seconds; one slow charge point must not hold up its site
_REFUSED: Final = {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}
_CANNOT_TELL: Final = (
    "It took its limits and cannot report them (GetCompositeSchedule), so they are not confirmed."
)


class PowerOperations:
    """Sets charging profiles over OCPP 1.6."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def limit_station(self, request: power.LimitStation) -> power.StationLimited:
        """Limit the charge point, then read back what it makes of it."""
        session = self._registry.require(request.charge_point_id)
        form, outcome = request.form, Outcome(reply=Reply.REJECTED)
        cleared = (profiles.Purpose.STATION, profiles.Purpose.DEFAULT) if request.afresh else ()
        for purpose in cleared:  # whatever else it answers, nothing of that purpose may be there
            outcome = await ask(session, *profiles.clear_all(purpose))
            if outcome.reply is Reply.TIMEOUT:
                return power.StationLimited(
                    reply=outcome.reply, unit=form.unit, detail=outcome.detail
                )
        for form in _forms(request.form, await _max_stack_level(session)):
            outcome = await self._set_limits(session, request, form)
            if outcome.reply not in _REFUSED:
                break
        limited = power.StationLimited(
            reply=outcome.reply,
            unit=form.unit,
            stack_level=form.stack_level,
            detail=None if outcome.reply is Reply.ACCEPTED else outcome.detail,
        )
        if outcome.reply is not Reply.ACCEPTED:
            return limited
        return await self._confirmed(session, request, form, limited)

    async def limit_connectors(self, request: power.LimitConnectors) -> power.ConnectorsLimited:
        """Limit transactions, those of different charge points at the same time."""
        outcomes = await asyncio.gather(*(self._limit(limit) for limit in request.limits))
        return power.ConnectorsLimited(outcomes=tuple(outcomes))

    async def lift_limits(self, request: power.LiftLimits) -> Outcome:
        """Clear what was set for transactions; what is not there counts as cleared."""
        session = self._registry.require(request.charge_point_id)
        for connector_id in (profiles.WHOLE_STATION, *request.connectors):
            for command in (
                profiles.clear_transaction(connector_id),
                profiles.clear_default(connector_id),
            ):
                outcome = await ask(session, *command)
                if outcome.reply is Reply.TIMEOUT:
                    return outcome
        return Outcome(reply=Reply.ACCEPTED)

    async def _limit(self, limit: power.ConnectorLimit) -> Outcome:
        session = self._registry.get(limit.charge_point_id)
        if session is None:
            return Outcome(reply=Reply.UNKNOWN, detail="It is not connected to this node.")
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await ask(session, *profiles.transaction(limit))
        except TimeoutError:
            return Outcome(reply=Reply.TIMEOUT, detail=f"No answer within {ANSWER_WITHIN:g} s.")
        except ChargePointGoneError:
            return Outcome(reply=Reply.UNKNOWN, detail="The connection broke before the answer.")

    async def _set_limits(
        self, session: Session, request: power.LimitStation, form: LimitForm
    ) -> Outcome:
        outcome = await ask(session, *profiles.station_max(request.station_amps, form))
        if outcome.reply is not Reply.ACCEPTED:
            return outcome
        amps = request.default_amps
        if amps is None:
            await ask(session, *profiles.clear_all(profiles.Purpose.DEFAULT))
            return outcome
        outcome = await ask(session, *profiles.default(profiles.WHOLE_STATION, amps, form))
        if outcome.reply not in _REFUSED:
            return outcome
        for connector_id in request.connectors:
            outcome = await ask(session, *profiles.default(connector_id, amps, form))
            if outcome.reply is not Reply.ACCEPTED:
                break
        return outcome

    async def _confirmed(
        self,
        session: Session,
        request: power.LimitStation,
        form: LimitForm,
        limited: power.StationLimited,
    ) -> power.StationLimited:
        """Compare what it reports, of itself and of its idle connectors, with what it was told."""
        told = [(profiles.WHOLE_STATION, request.station_amps)]
        if request.default_amps is not None:
            told += [(connector_id, request.default_amps) for connector_id in request.idle]
        for connector_id, amps in told:
            try:
                answer = await session.call(*profiles.composite(connector_id, form.unit))
            except CallTimeoutError as error:
                return replace(limited, reply=Reply.TIMEOUT, detail=str(error))
            except (CallErrorReply, InvalidReplyError):
                answer = {}
            reported = profiles.reported(answer)
            if reported is None:
                limited = replace(limited, confirmed=False, detail=_CANNOT_TELL)
            elif not reported.agrees(amps, form):
                where = f" on connector {connector_id}" if connector_id else ""
                detail = f"It took a limit of {amps:g} A and still reports {reported}{where}."
                return replace(limited, reply=Reply.ERROR, detail=detail)
        return limited


async def _max_stack_level(session: Session) -> int:
    """The level that outranks whatever else was set (§9.4.1); 0 when it does not tell."""
    try:
        inventory = await read(session, [profiles.MAX_STACK_LEVEL])
    except (CallErrorReply, CallTimeoutError, InvalidReplyError):
        return 0
    return inventory.number(profiles.MAX_STACK_LEVEL) or 0


def _forms(first: LimitForm, max_stack_level: int) -> Iterable[LimitForm]:
    """In which forms to try: some take one unit alone, some no level as high as they say."""
    other = RateUnit.WATTS if first.unit is RateUnit.AMPERES else RateUnit.AMPERES
    for stack_level in dict.fromkeys((max_stack_level, 0)):
        for unit in (first.unit, other):
            yield replace(first, unit=unit, stack_level=stack_level)
