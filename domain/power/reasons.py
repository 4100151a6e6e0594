"""Why a session, or an idle charge point, has what it has."""

from enum import StrEnum
from typing import Final

from domain.power.standing import Part, Standing
from domain.power.state import Bay, Station


class Reason(StrEnum):
    """Why, in a word."""

    NOTHING_LIMITS_IT = "nothing_limits_it"
    PAUSED = "paused"
    REFUSED_LIMITS = "refused_limits"
    LOWEST_IT_OBEYS = "lowest_it_obeys"
    INOPERATIVE = "inoperative"
    IN_SERVICE = "in_service"
    NOT_COMMISSIONED = "not_commissioned"
    LEAVING = "leaving"
    OFFLINE = "offline"
    RESTARTED = "restarted"
    NOT_TOLD_YET = "not_told_yet"
    NOT_ANSWERED = "not_answered"
    WAITS = "waits"
    VEHICLE_RESTS = "vehicle_rests"
    OWN_MINIMUM = "own_minimum"
    SHARE = "share"
    ALL_OF_ITS_CABLE = "all_of_its_cable"
    STARTS_AT_ZERO = "starts_at_zero"

    @property
    def sentence(self) -> str:
        """The same for people."""
        return _SENTENCES[self]


_SENTENCES: Final = {
    Reason.NOTHING_LIMITS_IT: "Nothing limits it: there is no limit that it would have to keep.",
    Reason.PAUSED: "Smart charging is paused: nothing limits it but its own cable.",
    Reason.REFUSED_LIMITS: "It is counted at its cable, because it does not keep to limits.",
    Reason.LOWEST_IT_OBEYS: "It has the lowest limit that it obeys.",
    Reason.INOPERATIVE: "It is inoperative, or is to be: the supply does not carry it.",
    Reason.IN_SERVICE: "It is being serviced: a run has it, and no driver can charge there.",
    Reason.NOT_COMMISSIONED: "It is not commissioned yet, so it is kept inoperative.",
    Reason.LEAVING: "It is being taken out of the site, and counted until it cannot draw.",
    Reason.OFFLINE: "It is offline, and counted at the last limit that it may have.",
    Reason.RESTARTED: "It has restarted, and has not confirmed its limits since.",
    Reason.NOT_TOLD_YET: "It has not confirmed its limits yet, and is counted at its cable.",
    Reason.NOT_ANSWERED: "It has not answered to a limit, or refused it, and is asked again.",
    Reason.WAITS: "It waits for its turn: the supply does not carry all that want to charge.",
    Reason.VEHICLE_RESTS: "The vehicle draws nothing by itself, and keeps what lets it resume.",
    Reason.OWN_MINIMUM: "The charge point cannot be paused, so it keeps its minimum.",
    Reason.SHARE: "It has its share of what there is.",
    Reason.ALL_OF_ITS_CABLE: "It has all that its cable carries.",
    Reason.STARTS_AT_ZERO: "Where nobody charges, a session starts at 0 A, then has its share.",
}


def reason_of(station: Station, standing: Standing, bay: Bay | None, *, paused: bool) -> Reason:
    """Why a connector has what it has; ``bay`` None: nobody charges there."""
    of_station = _of_station(station, standing, paused=paused)
    if of_station is not None:
        return of_station
    if bay is None:
        if station.needs_minimum:
            return Reason.OWN_MINIMUM
        return Reason.ALL_OF_ITS_CABLE if station.unlimited else Reason.STARTS_AT_ZERO
    if bay.retry_at is not None or bay.bound > bay.granted:
        return Reason.NOT_ANSWERED
    if bay.granted == 0:
        return Reason.WAITS
    if bay.idle:
        return Reason.VEHICLE_RESTS
    if bay.granted >= station.max_amps:
        return Reason.ALL_OF_ITS_CABLE
    own = station.needs_minimum and bay.granted <= station.least
    return Reason.OWN_MINIMUM if own else Reason.SHARE


def _of_station(station: Station, standing: Standing, *, paused: bool) -> Reason | None:
    """What is so for all of its connectors, whoever charges there."""
    if station.leaving:
        return Reason.LEAVING
    if station.service is not None:
        return Reason.IN_SERVICE
    if not station.commissioned:
        return Reason.NOT_COMMISSIONED
    if paused:
        return Reason.PAUSED
    if standing.part is Part.CLOSED:
        return Reason.INOPERATIVE
    if station.given_up:
        held = standing.part is Part.HELD and station.told == standing.terms
        return Reason.LOWEST_IT_OBEYS if held else Reason.REFUSED_LIMITS
    if not station.connected:
        return Reason.OFFLINE
    if station.in_doubt_since is not None:
        return Reason.RESTARTED
    if standing.part is Part.FREE:
        return Reason.NOTHING_LIMITS_IT
    return Reason.NOT_TOLD_YET if station.told is None else None
