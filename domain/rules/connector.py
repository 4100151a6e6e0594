"""Is the connector ready to charge?"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.checks import CheckRecord, Failure
from domain.facts import ConnectorFact
from domain.failures import FailureCode, failure
from domain.reported import ConnectorError
from domain.states import ConnectorStatus

_UNSAFE = frozenset(
    {
        ConnectorError.CONNECTOR_LOCK,
        ConnectorError.GROUND,
        ConnectorError.HIGH_TEMPERATURE,
        ConnectorError.OVER_CURRENT,
        ConnectorError.OVER_VOLTAGE,
        ConnectorError.POWER_SWITCH,
    }
)
"""What concerns safety, whatever status stands beside it."""
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SAYS_UNSAFE: Final = "|".join(_WORDS.sub(r"[\\s_-]*", code) for code in sorted(_UNSAFE))
_SAYS_FAULT: Final = re.compile(
    rf'"status"\s*:\s*"\s*{ConnectorStatus.FAULTED}\s*"'
    rf'|"errorCode"\s*:\s*"\s*({_SAYS_UNSAFE})\s*"',
    re.IGNORECASE,
)
_NO_ERROR: Final = frozenset({"", ConnectorError.NONE})
_HARMLESS: Final = frozenset(
    {
        ConnectorError.LOCAL_LIST,
        ConnectorError.READER,
        ConnectorError.RESET,
        ConnectorError.WEAK_SIGNAL,
    }
)
"""What says nothing of a charge."""

_KNOWN = frozenset(ConnectorStatus)
MOST_CONNECTORS = 64
"""Of one charge point; what says more sizes nothing."""
CONNECTOR_STEP = "connector."
"""Steps about a connector begin with it; its number follows."""
MOST_NAMED = 8


class ConnectorAdvice(StrEnum):
    """What a connector's status asks for."""

    PASS = "pass"  # noqa: S105 - a verdict
    ASK = "ask"  # nothing was reported yet
    UNPLUG = "unplug"
    MAKE_AVAILABLE = "make_available"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectorVerdict:
    """What to do about a connector, with a note for the record or the failure."""

    advice: ConnectorAdvice
    detail: str
    failure: Failure | None = None


def judge_connector(
    connector_id: int,
    fact: ConnectorFact | None,
    *,
    test_follows: bool,
    own_charge: bool = False,
) -> ConnectorVerdict:
    """Judge the last status of a connector. Connector 0 is the station: faulted, off, or well.

    A plugged-in cable is welcome where a test transaction follows, else it is to be unplugged.
    ``own_charge``: the test charge of this very run goes on there, begun before the run was anew.
    """
    if fact is None:
        return ConnectorVerdict(advice=ConnectorAdvice.ASK, detail="No status was reported.")
    place = name_of(connector_id)
    said = f"{place} reports {fact.status}."
    match fact.status:
        case _ if is_fault(fact):
            return ConnectorVerdict(
                advice=ConnectorAdvice.FAIL,
                detail=said,
                failure=failure(
                    FailureCode.CONNECTOR_FAULTED,
                    place=place,
                    error=describe_fault(fact),
                ),
            )
        case status if status not in _KNOWN:
            return ConnectorVerdict(
                advice=ConnectorAdvice.FAIL,
                detail=f"{place} reports {status!r}, which is no status of the standard.",
                failure=failure(
                    FailureCode.CONNECTOR_STATUS_UNKNOWN,
                    place=place,
                    status=status,
                    error=describe_fault(fact),
                ),
            )
        case status if connector_id == 0 and status != ConnectorStatus.UNAVAILABLE:
            return ConnectorVerdict(advice=ConnectorAdvice.PASS, detail=said)
        case ConnectorStatus.AVAILABLE:
            return ConnectorVerdict(advice=ConnectorAdvice.PASS, detail=said)
        case ConnectorStatus.PREPARING | ConnectorStatus.OCCUPIED if test_follows:
            return ConnectorVerdict(
                advice=ConnectorAdvice.PASS, detail=f"{said} A cable is plugged in."
            )
        case status if own_charge and status != ConnectorStatus.UNAVAILABLE:
            return ConnectorVerdict(
                advice=ConnectorAdvice.PASS, detail=f"{said} The test charge of this run goes on."
            )
        case ConnectorStatus.RESERVED | ConnectorStatus.UNAVAILABLE:
            return ConnectorVerdict(advice=ConnectorAdvice.MAKE_AVAILABLE, detail=said)
        case _:
            return ConnectorVerdict(advice=ConnectorAdvice.UNPLUG, detail=said)


def is_plausible(connectors: int) -> bool:
    """Whether one charge point can have so many; one in the field says 1850027108."""
    return 1 <= connectors <= MOST_CONNECTORS


def connectors_of(expected: int | None, reported: Collection[int]) -> list[int]:
    """Return the numbers to look at: as many as it says, if that is plausible, else as it reported.

    Numbers that it left out below the highest that it reported count, too. There is always one,
    and never more than :data:`MOST_CONNECTORS`.
    """
    highest = max(reported, default=0)
    if expected is not None and is_plausible(expected):
        return list(range(1, expected + 1))
    if highest > MOST_CONNECTORS:
        return sorted(number for number in reported if number >= 1)[:MOST_CONNECTORS]
    return list(range(1, max(highest, 1) + 1))


def which_report(connector_ids: Collection[int]) -> str:
    """Say which report a status, in place of one that does not: perhaps it counts otherwise."""
    numbers = sorted(number for number in connector_ids if number >= 1)
    if not numbers:
        return "None did."
    others = ", ".join(str(number) for number in numbers[:MOST_NAMED])
    more = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
    return f"Those with these numbers did: {others}{more}."


def is_fault(fact: ConnectorFact) -> bool:
    """Whether it is a fault, or an error that must not be while somebody charges."""
    return fact.status == ConnectorStatus.FAULTED or fact.error_code in _UNSAFE


def is_error(fact: ConnectorFact) -> bool:
    """Whether it tells of an error that is no fault: somebody may go on to charge."""
    return not is_fault(fact) and fact.error_code not in _NO_ERROR


def is_harmless(fact: ConnectorFact) -> bool:
    """Whether its error is none of the charge."""
    return fact.error_code in _HARMLESS


def says_fault(frame: str) -> bool:
    """Whether the frame of a status, as it was sent, tells of what :func:`is_fault` is."""
    return _SAYS_FAULT.search(frame) is not None


def name_of(connector_id: int) -> str:
    """Name a connector for a person; connector 0 is the station itself."""
    return f"Connector {connector_id}" if connector_id else "The charge point itself"


def names_of(numbers: Sequence[int]) -> str:
    """Name connectors for a person: connector 1; connectors 1, 2 and 3."""
    texts = [str(number) for number in numbers]
    if len(texts) == 1:
        return f"connector {texts[0]}"
    return f"connectors {', '.join(texts[:-1])} and {texts[-1]}"


def describe_fault(fact: ConnectorFact) -> str:
    """Its error, the vendor's code and what it says of it, each where the charge point gave it."""
    parts = ["no error code" if fact.error_code in _NO_ERROR else fact.error_code]
    if fact.vendor_error_code:
        parts.append(f"vendor code {fact.vendor_error_code}")
    if fact.info:
        parts.append(fact.info.rstrip(". "))
    return ", ".join(parts)


def covers(check: CheckRecord, declared: int | None) -> bool:
    """Tell whether a check looked at all the connectors that are declared by now."""
    seen = {step.name for step in check.steps}
    return all(f"{CONNECTOR_STEP}{number}" in seen for number in range(1, (declared or 0) + 1))
