"""What came in place of what a verdict misses: refused, for something else, or to another endpoint.

A sentence of the kind "no X came" is untrue, and sends people the wrong way, where an X came that
nothing could be made of, that named another transaction, connector or tag, or that came under
another identity. ``LOOKS`` says for every verdict of absence at what it looks, in which order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.checks import Failure
from domain.facts import Astray, Irregularity, TransactionFact
from domain.failures import FailureCode, failure, how_to_swap
from domain.messages import ACTIONS, MessageKind
from domain.rules.numbers import counted

_EXCERPT: Final = 80
_NAMED: Final = 2
_CLOCKS: Final = timedelta(seconds=5)
"""By so much the clocks of two processes may differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """What a verdict misses, as far as it can be told: where, of which transaction, since when."""

    connector_id: int = 0
    transaction_id: str | None = None
    since: datetime | None = None

    def is_older(self, moment: datetime | None) -> bool:
        """Whether that is from before what is missed was to come."""
        if moment is None or self.since is None:
            return False
        return moment < self.since - _CLOCKS


@dataclass(frozen=True, kw_only=True, slots=True)
class Came:
    """What did come during the run. ``strangers`` are transactions that are none of its tests."""

    irregularities: Sequence[Irregularity] = ()
    astray: Sequence[Astray] = ()
    strangers: Sequence[TransactionFact] = ()


Look = Callable[[Failure, Missed, Came], Failure | None]


def instead(problem: Failure, missed: Missed, came: Came) -> Failure | None:
    """Make the failure that says what came in place of what is missed; None where nothing did."""
    found = (look(problem, missed, came) for look in LOOKS.get(FailureCode(problem.code), ()))
    return next((one for one in found if one is not None), None)


def refused(kind: MessageKind, consequence: str) -> Look:
    """Look for messages of that kind of which nothing could be made.

    A frame whose action cannot be told may be any message.
    """

    def look(_problem: Failure, _missed: Missed, came: Came) -> Failure | None:
        found = [
            one
            for one in came.irregularities
            if one.refused and (not one.action or ACTIONS.get(one.action) is kind)
        ]
        if not found:
            return None
        first = max(found, key=lambda one: (bool(one.action), one.count))
        return failure(
            FailureCode.MESSAGES_UNREADABLE,
            messages=_named(sum(one.count for one in found), first.action),
            consequence=consequence,
            what=first.what.rstrip("."),
            excerpt=first.excerpt[:_EXCERPT],
        )

    return look


def _named(count: int, action: str) -> str:
    if not action:
        return f"{counted(count, 'message')} of an unknown kind"
    return counted(count, f"{action} message")


def _stop_of_another(problem: Failure, missed: Missed, came: Came) -> Failure | None:
    """Look for a stop that ended nothing, as it named another transaction, or none."""
    stops = [
        one
        for one in came.irregularities
        if one.astray
        and ACTIONS.get(one.action) is MessageKind.TRANSACTION_STOPPED
        and not missed.is_older(one.last_at)
    ]
    if not stops:
        return None
    return replace(
        problem,
        cause=f"The charge point did say that a transaction ended, but {stops[-1].what}. So the "
        f"test charge on connector {missed.connector_id} is not known to have ended.",
        action="See that it has ended at the charge point, or unplug the cable, and restart the "
        "charge point, so that it forgets what it still counts as running; the engine keeps "
        "trying. Then retry.",
    )


def _values_of_another(problem: Failure, missed: Missed, came: Came) -> Failure | None:
    """Look for meter values that were of another transaction, or for another connector."""
    values = [
        one
        for one in came.astray
        if one.action is MessageKind.METER_VALUES and not missed.is_older(one.at)
        if one.transaction_id is None or one.transaction_id != missed.transaction_id
    ]
    if not values:
        return None
    named = " and ".join(_whose(one, missed) for one in values[:_NAMED])
    return replace(
        problem,
        cause="Meter values came during the test charge on connector "
        f"{missed.connector_id}, but none of them was of it: they were {named}.",
        action="Restart the charge point, so that it forgets old transactions, check in its menu "
        "how its connectors are numbered, then retry; if it happens again, its firmware needs an "
        "update.",
    )


def _whose(values: Astray, missed: Missed) -> str:
    if values.transaction_id is not None:
        return f"of transaction {values.transaction_id} on connector {values.connector_id}"
    if values.connector_id == 0:
        return "those of the whole charge point (connector 0)"
    if values.connector_id == missed.connector_id:
        return "of this connector at a time when it did not run, by their stamps"
    return f"for connector {values.connector_id}, without a transaction"


def _start_elsewhere(problem: Failure, missed: Missed, came: Came) -> Failure | None:
    """Look for a transaction on another connector, which began with another tag."""
    if not came.strangers:
        return None
    one = came.strangers[-1]
    tag = f"with the tag {one.id_tag!r}" if one.id_tag else "without an id tag"
    said = f"another transaction began, on connector {one.connector_id} {tag}."
    return _not_of_the_test(problem, missed, said, _NUMBERS.format(missed.connector_id))


_NUMBERS: Final = (
    "If the vehicle is at connector {0}, check in the charge point's menu how its connectors are "
    "numbered and whether it charges without asking; else plug it into connector {0}. Then retry."
)


def _start_under_another_identity(problem: Failure, missed: Missed, came: Came) -> Failure | None:
    """Look for a transaction with the tag of the test that came to the endpoint of another."""
    starts = [one for one in came.astray if one.action is MessageKind.TRANSACTION_STARTED]
    if not starts:
        return None
    said = f"a transaction with its tag began at the endpoint of the one {_where(starts[-1])}."
    return _not_of_the_test(problem, missed, said, _URLS)


_URLS: Final = (
    "Correct the OCPP URLs of both on site: each is to have its own ocpp_endpoint (GET "
    "…/charge-points/{id}). Then retry."
)


def _not_of_the_test(problem: Failure, missed: Missed, said: str, action: str) -> Failure:
    if problem.code == FailureCode.TRANSACTION_REJECTED:
        cause = f"{problem.cause.rstrip('.')}; {said}"
    else:
        cause = f"The test charge was asked for on connector {missed.connector_id}, and {said}"
    return replace(problem, cause=cause, action=action)


def _under_another_identity(problem: Failure, missed: Missed, came: Came) -> Failure | None:
    """Look for the one with its serial number at the endpoint of another charge point."""
    boots = [
        one for one in came.astray if one.action is MessageKind.BOOT and not missed.is_older(one.at)
    ]
    if not boots:
        return None
    one = boots[-1]
    return replace(
        problem,
        cause=f"{problem.cause.rstrip('.')}. But one with its serial number came to the endpoint "
        f"of the one {_where(one)}.",
        action=how_to_swap(one.charge_point_id),
    )


def _where(one: Astray) -> str:
    return f"in {one.place}" if one.place else f"with the id {one.charge_point_id}"


_IDENTITY: Final = refused(MessageKind.BOOT, "it is not known what it is")
_ACCEPTED: Final = refused(MessageKind.BOOT, "it could not be accepted")
_RESTART: Final = refused(MessageKind.BOOT, "its restart was not seen")
_HEARTBEAT: Final = refused(MessageKind.HEARTBEAT, "no heartbeat is known")
_FIRMWARE: Final = refused(MessageKind.BOOT, "no other firmware is known")
_UPDATE: Final = refused(MessageKind.FIRMWARE_STATUS, "how its update went is not known")
_STATUS: Final = refused(MessageKind.CONNECTOR_STATUS, "its newest status is not known")
_START: Final = refused(MessageKind.TRANSACTION_STARTED, "no transaction is known")

LOOKS: Final[Mapping[FailureCode, tuple[Look, ...]]] = {
    FailureCode.NEVER_CONNECTED: (_under_another_identity,),
    FailureCode.CONNECTION_LOST: (_under_another_identity,),
    FailureCode.IDENTITY_UNKNOWN: (_IDENTITY, _under_another_identity),
    FailureCode.BOOT_NOT_ACCEPTED: (_ACCEPTED, _under_another_identity),
    FailureCode.REBOOT_NOT_SEEN: (_RESTART, _under_another_identity),
    FailureCode.NO_HEARTBEAT: (_HEARTBEAT,),
    FailureCode.HEARTBEAT_MISSING: (_HEARTBEAT,),
    FailureCode.FIRMWARE_NOT_UPDATED: (_FIRMWARE, _under_another_identity),
    FailureCode.FIRMWARE_UPDATE_NOT_SEEN: (_FIRMWARE, _UPDATE, _under_another_identity),
    FailureCode.FIRMWARE_UPDATE_NOT_CONFIRMED: (_FIRMWARE, _under_another_identity),
    FailureCode.CONNECTOR_SILENT: (
        refused(MessageKind.CONNECTOR_STATUS, "the status of a connector is not known"),
    ),
    FailureCode.CONNECTOR_UNAVAILABLE: (_STATUS,),
    FailureCode.CONNECTOR_IN_USE: (_STATUS,),
    FailureCode.TRANSACTION_NOT_STARTED: (
        _START,
        _start_elsewhere,
        _start_under_another_identity,
    ),
    FailureCode.TRANSACTION_REJECTED: (_start_elsewhere, _start_under_another_identity),
    FailureCode.TRANSACTION_NOT_STOPPED: (
        refused(MessageKind.TRANSACTION_STOPPED, "no end of the charge is known"),
        _stop_of_another,
    ),
    FailureCode.NO_METER_VALUES: (
        refused(MessageKind.METER_VALUES, "no energy reading is known"),
        _values_of_another,
    ),
}
"""By the code that says what is missed: at what is looked, in which order."""

_OF_ONE_THAT_IS_THERE: Final = frozenset(
    {
        FailureCode.IDENTITY_UNKNOWN,
        FailureCode.BOOT_NOT_ACCEPTED,
        FailureCode.NO_HEARTBEAT,
        FailureCode.HEARTBEAT_MISSING,
        FailureCode.CONNECTOR_SILENT,
        FailureCode.CONNECTOR_UNAVAILABLE,
        FailureCode.CONNECTOR_IN_USE,
        FailureCode.TRANSACTION_NOT_STARTED,
        FailureCode.TRANSACTION_REJECTED,
    }
)


def takes_it_for_online(code: FailureCode) -> bool:
    """Whether its sentence is untrue, or its advice in vain, of one that is not connected."""
    return code in _OF_ONE_THAT_IS_THERE
