"""Limits of power in OCPP 1.6: the functions of :class:`ocpp_server.protocol.PowerLimits`."""

from typing import Final

from domain.operations import Outcome, Reply
from domain.power.operations import ConnectorLimit, LiftLimits, LimitStation, StationLimited
from ocpp_server.replies import ask
from ocpp_server.session import Session
from ocpp_server.v16 import charging_profiles as profiles
from ocpp_server.v16.station_limits import StationLimits

_NOTHING_THERE: Final = "Unknown"
"""Status of ClearChargingProfile (§7.12) where no profile matches."""


async def limit_station(session: Session, request: LimitStation) -> StationLimited:
    """Limit the charge point, then read back what it makes of it."""
    return await StationLimits(session=session, request=request).limit()


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
