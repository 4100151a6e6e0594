"""Why a charge point does not simply share the power of its site, and what to do about it.

Each is said to the owner and to the installer as a cause and an action, as failures of checks are.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Trouble(StrEnum):
    """What is the matter with how a charge point takes limits.

    The first ones have it given up; with the others it takes part as far as it can.
    """

    REFUSES_LIMITS = "refuses_limits"
    REPORTS_MORE = "reports_more"
    REFUSES_SESSION_LIMITS = "refuses_session_limits"
    DRAWS_MORE = "draws_more"
    DIRECT_CURRENT_IN_AMPERES = "direct_current_in_amperes"

    REFUSES_ZERO = "refuses_zero"
    ENDS_AT_ZERO = "ends_at_zero"
    NO_STATION_LIMIT = "no_station_limit"
    CANNOT_REPORT = "cannot_report"
    REPORTS_IN_SESSIONS = "reports_in_sessions"


class Consequence(StrEnum):
    """What became of a charge point that does not simply share."""

    FREE = "free"
    """Nothing limits it; it is counted at what its cable carries."""
    STAYS_FREE = "stays_free"
    """The same in the end; until it confirms that, it is told again and again."""
    HELD = "held"
    """It keeps the lowest limit that it obeys."""
    CLOSED = "closed"
    """Its connectors, or some of them, are inoperative."""
    STAYS_OPEN = "stays_open"
    """They shall be, and are not yet: it is told so again and again."""
    TAKES_PART = "takes_part"


class WaitingToShare(StrEnum):
    """Why nothing is the matter with how a charge point takes limits, and it does not share."""

    PAUSED = "paused"
    OFFLINE = "offline"
    NOT_TOLD = "not_told"
    UNANSWERED = "unanswered"


class Serviced(StrEnum):
    """Why no driver can charge at a charge point though the site is handed over."""

    RUNS = "runs"
    AWAITED = "awaited"
    LEAVES = "leaves"


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """One sentence or two why, and one or two what to do."""

    cause: str
    action: str


_CAUSES: Final = {
    Trouble.REFUSES_LIMITS: "It refuses its limits{words}.",
    Trouble.REPORTS_MORE: "It does not keep to its limits{words}.",
    Trouble.REFUSES_SESSION_LIMITS: "It refuses the limits of running sessions{words}.",
    Trouble.DRAWS_MORE: "It takes its limits, and draws more{words}.",
    Trouble.DIRECT_CURRENT_IN_AMPERES: (
        "It takes no limit in watts{words}. Its amperes are those of the direct current to the "
        "vehicle, and not of the supply, so it cannot be limited."
    ),
    Trouble.REFUSES_ZERO: "It refuses a limit of 0 A, so it cannot be paused.",
    Trouble.ENDS_AT_ZERO: "It ends a session that is limited to 0 A, so it is not paused.",
    Trouble.NO_STATION_LIMIT: (
        "It takes no limit for the charge point as a whole. Each session has its own."
    ),
    Trouble.CANNOT_REPORT: (
        "It took its limits and cannot report them (GetCompositeSchedule), so they are not "
        "confirmed."
    ),
    Trouble.REPORTS_IN_SESSIONS: (
        "It has taken its limits, and does not report what limits a connector while nobody "
        "charges there. That is confirmed with its next session."
    ),
}
_CONSEQUENCES: Final = {
    Consequence.FREE: (
        "Nothing limits it, and {amps:g} A a phase, what its cable carries, are kept for it."
    ),
    Consequence.STAYS_FREE: (
        "It is to draw what it can. It has not confirmed yet that nothing limits it, and is told "
        "again until it does. Until then {amps:g} A a phase are kept for it."
    ),
    Consequence.HELD: (
        "The supply does not carry its {cable:g} A beside the others, so it keeps the lowest "
        "limit that it obeys, {amps:g} A a phase for each connector."
    ),
    Consequence.CLOSED: (
        "The supply does not carry what it may draw beside the others, so {connectors} inoperative."
    ),
    Consequence.STAYS_OPEN: (
        "The supply does not carry what it may draw beside the others, so {connectors} to be "
        "inoperative. It has not confirmed that yet, and is told again until it does."
    ),
}
_KEPT: Final = "{amps:g} A a phase are kept for each of its connectors, in use or not."
_CHOICES: Final = (
    "Raise the limit of the supply, declare a smaller cable if its breaker is smaller, or accept "
    "it. It is asked again with its next connection."
)
_TRY_AGAIN: Final = (
    "Raise the limit of the supply, declare a smaller cable if its breaker is smaller, or accept "
    "it. To have it tried again, with a newer firmware for instance, pause smart charging and let "
    "it go on."
)
_NOTHING: Final = "Nothing has to be done."
_UPDATE: Final = "Nothing has to be done. A newer firmware may report them."

_WAITING: Final = {
    WaitingToShare.PAUSED: Explanation(
        cause="Smart charging is paused: nothing limits it but its own cable.",
        action="Let smart charging go on once the site is to keep the limit of its supply again.",
    ),
    WaitingToShare.OFFLINE: Explanation(
        cause="It is offline, and has not taken its limits yet. {amps:g} A a phase, what its cable "
        "carries, are kept for it.",
        action="Bring it online: check its power and its network. It gets its limits as soon as it "
        "is back.",
    ),
    WaitingToShare.NOT_TOLD: Explanation(
        cause="It is being told its limits. {amps:g} A a phase, what its cable carries, are kept "
        "for it until it has taken them.",
        action="Nothing has to be done.",
    ),
    WaitingToShare.UNANSWERED: Explanation(
        cause="It does not answer to its limits. {amps:g} A a phase, what its cable carries, are "
        "kept for it, and it is asked again every half minute.",
        action="Restart it. If it still does not answer, update its firmware, or declare a smaller "
        "cable if its breaker is smaller.",
    ),
}


_SERVICED: Final = {
    Serviced.RUNS: Explanation(
        cause="It is being serviced{until}: a run tests it, and no driver can charge there. "
        "{amps:g} A a phase are kept for it.",
        action="Nothing has to be done. It shares once the run has passed.",
    ),
    Serviced.AWAITED: Explanation(
        cause="It is not commissioned yet, so it is kept inoperative. {amps:g} A a phase are kept "
        "for it.",
        action="Have it commissioned in a service visit: it shares once its run has passed.",
    ),
    Serviced.LEAVES: Explanation(
        cause="It is being taken out of the site: its connectors are made inoperative, and then "
        "its limits are cleared. {amps:g} A a phase are kept for it until it cannot draw them.",
        action="Nothing has to be done while it is online. If it is not, cut it off from its "
        "supply, and have the installer withdraw it once more as isolated.",
    ),
}


def explain_service(serviced: Serviced, *, amps: float, until: datetime | None) -> Explanation:
    """Say why no driver can charge there, until when that may last, and what to do."""
    said = _SERVICED[serviced]
    end = f" until {until:%Y-%m-%d %H:%M} UTC" if until is not None else ""
    cause = said.cause.format(amps=amps, until=end)
    if serviced is Serviced.AWAITED and until is not None:
        cause = f"It is being serviced{end}. {cause}"
    return Explanation(cause=cause, action=said.action)


def explain_waiting(waiting: WaitingToShare, *, cable: float) -> Explanation:
    """Say why it does not share though nothing is the matter with it, and what to do."""
    said = _WAITING[waiting]
    return Explanation(cause=said.cause.format(amps=cable), action=said.action)


def explain(
    trouble: Trouble,
    consequence: Consequence,
    *,
    words: str | None,
    amps: float,
    cable: float,
    closed: tuple[int, ...] = (),
) -> Explanation:
    """Say why, and what to do. ``words`` are the charge point's own, ``amps`` what is kept."""
    cause = _CAUSES[trouble].format(words=f" ({words.rstrip('.')})" if words else "")
    if consequence is Consequence.TAKES_PART:
        if trouble in {Trouble.REFUSES_ZERO, Trouble.ENDS_AT_ZERO}:
            return Explanation(cause=f"{cause} {_KEPT.format(amps=amps)}", action=_NOTHING)
        action = _UPDATE if trouble is Trouble.CANNOT_REPORT else _NOTHING
        return Explanation(cause=cause, action=action)
    named = " and ".join(str(number) for number in closed)
    connectors = f"connector {named} is" if len(closed) == 1 else f"connectors {named} are"
    became = _CONSEQUENCES[consequence].format(amps=amps, cable=cable, connectors=connectors)
    action = _TRY_AGAIN if trouble is Trouble.DRAWS_MORE else _CHOICES
    return Explanation(cause=f"{cause} {became}", action=action)
