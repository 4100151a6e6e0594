"""Limits of the charge points whose sockets are here (:class:`domain.ports.PowerGateway`)."""

import asyncio
from typing import Final

from domain.operations import Outcome, Reply
from domain.ports import ChargePointGoneError
from domain.power import operations as power
from domain.power.operations import RateUnit
from ocpp_server.calls import CallErrorReply, CallTimeoutError, InvalidReplyError
from ocpp_server.registry import Registry
from ocpp_server.session import Session
from ocpp_server.v16 import charging_profiles as profiles
from ocpp_server.v16.commands import Command
from ocpp_server.v16.replies import ask

ANSWER_WITHIN: Final = 1.5  # seconds; one slow charge point must not hold up its site
_TOLERANCE: Final = 0.5  # amperes; some charge points report whole ones
_REFUSED: Final = {Reply.REJECTED, Reply.NOT_SUPPORTED, Reply.ERROR}
_CANNOT_TELL: Final = "It took the limits and cannot report them, so they are not confirmed."


class PowerOperations:
    """Sets charging profiles over OCPP 1.6."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def limit_station(self, request: power.LimitStation) -> power.StationLimited:
        """Limit the charge point, then read back what it makes of it."""
        session = self._registry.require(request.charge_point_id)
        unit, outcome = request.unit, Outcome(reply=Reply.REJECTED)
        for unit in _units(request.unit):
            outcome = await self._set_limits(session, request, unit)
            if outcome.reply not in _REFUSED:
                break
        if outcome.reply is not Reply.ACCEPTED:
            return power.StationLimited(reply=outcome.reply, unit=unit, detail=outcome.detail)
        return await self._confirmed(session, request, unit)

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
        self, session: Session, request: power.LimitStation, unit: RateUnit
    ) -> Outcome:
        outcome = await ask(
            session,
            *profiles.station_max(request.station_amps, phases=request.phases, unit=unit),
        )
        if outcome.reply is not Reply.ACCEPTED:
            return outcome
        if request.default_amps is None:
            await ask(session, *profiles.clear_default(profiles.WHOLE_STATION))
            return outcome
        amps = request.default_amps

        def default(connector_id: int) -> Command:
            return profiles.default(connector_id, amps, phases=request.phases, unit=unit)

        outcome = await ask(session, *default(profiles.WHOLE_STATION))
        if outcome.reply not in _REFUSED:
            return outcome
        for connector_id in request.connectors:
            outcome = await ask(session, *default(connector_id))
            if outcome.reply is not Reply.ACCEPTED:
                break
        return outcome

    async def _confirmed(
        self, session: Session, request: power.LimitStation, unit: RateUnit
    ) -> power.StationLimited:
        try:
            answer = await session.call(*profiles.composite(unit))
        except CallTimeoutError as error:
            return power.StationLimited(reply=Reply.TIMEOUT, unit=unit, detail=str(error))
        except (CallErrorReply, InvalidReplyError):
            return power.StationLimited(reply=Reply.ACCEPTED, unit=unit, detail=_CANNOT_TELL)
        amps = profiles.reported_amps(answer, phases=request.phases)
        if amps is None:
            return power.StationLimited(reply=Reply.ACCEPTED, unit=unit, detail=_CANNOT_TELL)
        if amps > request.station_amps + _TOLERANCE:
            return power.StationLimited(
                reply=Reply.ERROR,
                unit=unit,
                detail=f"It took a limit of {request.station_amps:g} A "
                f"and still reports {amps:.1f} A.",
            )
        return power.StationLimited(reply=Reply.ACCEPTED, unit=unit)


def _units(first: RateUnit) -> tuple[RateUnit, RateUnit]:
    other = RateUnit.WATTS if first is RateUnit.AMPERES else RateUnit.AMPERES
    return first, other
