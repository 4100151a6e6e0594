"""Configuration keys (OCPP 1.6 §5.3): read, write what differs, read back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Final

from domain.operations import (
    ConfigurationKey,
    ConfigurationOutcome,
    DesiredParameter,
    Outcome,
    ParameterOutcome,
    Reply,
)
from domain.rules.connector import is_plausible
from domain.rules.sampling import CLOCK_ALIGNED_INTERVAL, SAMPLE_INTERVAL
from domain.states import ParameterState
from ocpp_server.calls import CallErrorReply, CallTimeoutError, InvalidReplyError
from ocpp_server.session import Session
from ocpp_server.v16.inventory import Inventory, Reader
from ocpp_server.v16.replies import failed

_NUMBER_OF_CONNECTORS: Final = "NumberOfConnectors"
_CONNECTION_TIMEOUT: Final = "ConnectionTimeOut"
_NOT_REPORTED: Final = "Accepted, and not reported back."
_SHOWN: Final = 30
_BOOLEANS: Final = ("true", "false")


async def apply(
    session: Session,
    reader: Reader,
    desired: Sequence[DesiredParameter],
    restarted_for: Collection[str] = (),
) -> ConfigurationOutcome:
    """Bring the parameters to their values, as far as the charge point lets it.

    Those that it has restarted for should count by now, and are not written again.

    Raises:
        CallErrorReply, CallTimeoutError, InvalidReplyError: the configuration cannot be read.
        ChargePointGoneError: the socket closed.

    """
    wanted = [parameter.key for parameter in desired]
    inventory = await reader.read([*wanted, _NUMBER_OF_CONNECTORS], all_first=True)
    outcomes: list[ParameterOutcome] = []
    silent = False
    for parameter in desired:
        reported = inventory.get(parameter.key)
        outcome = compare(parameter, reported)
        if outcome is None and parameter.key in restarted_for:
            outcome = _after_restart(parameter, reported)
        if outcome is None and silent:
            outcome = _outcome(
                parameter,
                reported,
                ParameterState.QUEUED,
                "The charge point had stopped answering.",
            )
        elif outcome is None:
            answer = await _change(session, parameter)
            silent = answer.reply is Reply.TIMEOUT
            outcome = _written(parameter, reported, answer)
        outcomes.append(outcome)
    connectors = inventory.number(_NUMBER_OF_CONNECTORS)
    if connectors is not None and not is_plausible(connectors):
        connectors = None
    return ConfigurationOutcome(
        parameters=tuple(await _read_back(reader, outcomes, silent=silent)),
        number_of_connectors=connectors,
        connectors_said=None if connectors else _said(inventory),
        connection_timeout_s=inventory.number(_CONNECTION_TIMEOUT),
        sample_interval_s=inventory.number(SAMPLE_INTERVAL),
        clock_aligned_interval_s=inventory.number(CLOCK_ALIGNED_INTERVAL),
        keys_reported=len(inventory.keys),
    )


def _said(inventory: Inventory) -> str | None:
    found = inventory.get(_NUMBER_OF_CONNECTORS)
    if found is None or found.value is None:
        return None
    return found.value if len(found.value) <= _SHOWN else f"{found.value[:_SHOWN]}…"


def compare(
    parameter: DesiredParameter, reported: ConfigurationKey | None
) -> ParameterOutcome | None:
    """Settle what needs no write; None when the value has to be written."""
    if reported is not None and same_value(parameter.value, reported.value):
        return _outcome(parameter, reported, ParameterState.APPLIED)
    if parameter.assertion:
        state = ParameterState.NOT_SUPPORTED if reported is None else ParameterState.MISMATCH
        return _outcome(parameter, reported, state)
    if reported is not None and reported.readonly:
        return _outcome(parameter, reported, ParameterState.READ_ONLY)
    return None


def _after_restart(
    parameter: DesiredParameter, reported: ConfigurationKey | None
) -> ParameterOutcome:
    if reported is None or reported.value is None:  # write-only keys, as AuthorizationKey is
        return _outcome(parameter, reported, ParameterState.UNCONFIRMED, _NOT_REPORTED)
    detail = f"The charge point restarted for the value and still reports {reported.value}."
    return _outcome(parameter, reported, ParameterState.MISMATCH, detail)


def same_value(desired: str, reported: str | None) -> bool:
    """Compare as charge points write: any case of booleans, any form of a number, loose lists."""
    if reported is None:
        return False
    one, other = _plain(desired), _plain(reported)
    if one == other or (one.casefold() in _BOOLEANS and one.casefold() == other.casefold()):
        return True
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False


def _plain(text: str) -> str:
    return ",".join(part.strip() for part in text.split(","))


async def _change(session: Session, parameter: DesiredParameter) -> Outcome:
    try:
        answer = await session.call(
            "ChangeConfiguration", {"key": parameter.key, "value": parameter.value}
        )
    except (CallErrorReply, CallTimeoutError, InvalidReplyError) as error:
        return failed(error)
    return Outcome(reply=Reply.ACCEPTED, detail=answer.get("status"))


_STATES: Final[Mapping[str, ParameterState]] = {
    "Accepted": ParameterState.APPLIED,
    "RebootRequired": ParameterState.PENDING_REBOOT,
    "Rejected": ParameterState.REJECTED,
    "NotSupported": ParameterState.NOT_SUPPORTED,
}


def _written(
    parameter: DesiredParameter, reported: ConfigurationKey | None, answer: Outcome
) -> ParameterOutcome:
    detail = answer.detail
    if answer.reply is Reply.ACCEPTED:
        state = _STATES.get(detail or "", ParameterState.REJECTED)
        if detail in _STATES:
            detail = None  # the state says it
        elif detail is None:
            detail = "The charge point answered, and did not say whether it took the value."
    elif answer.reply is Reply.NOT_SUPPORTED:
        state = ParameterState.NOT_SUPPORTED
    else:
        state = ParameterState.REJECTED
    return replace(_outcome(parameter, reported, state, detail), written=True)


async def _read_back(
    reader: Reader, outcomes: list[ParameterOutcome], *, silent: bool
) -> list[ParameterOutcome]:
    """Believe an accepted write only when the charge point reports the value.

    What waits for a restart is not read before it: some firmware refuses to say anything till then.
    """
    written = [
        outcome.key
        for outcome in outcomes
        if outcome.written and outcome.state is ParameterState.APPLIED
    ]
    if not written or silent:
        return [
            _unconfirmed(outcome) if outcome.key in written else outcome for outcome in outcomes
        ]
    try:
        now = await reader.read(written)
    except (CallErrorReply, CallTimeoutError, InvalidReplyError):
        now = Inventory()  # it took the values, and does not say what it has
    return [
        _believed(outcome, now.get(outcome.key)) if outcome.key in written else outcome
        for outcome in outcomes
    ]


def _unconfirmed(outcome: ParameterOutcome) -> ParameterOutcome:
    return replace(outcome, state=ParameterState.UNCONFIRMED, detail=_NOT_REPORTED)


def _believed(outcome: ParameterOutcome, reported: ConfigurationKey | None) -> ParameterOutcome:
    if reported is None or reported.value is None:  # write-only keys, as AuthorizationKey is
        return _unconfirmed(outcome)
    if same_value(outcome.desired, reported.value):
        return replace(outcome, reported=reported.value, state=ParameterState.APPLIED, detail=None)
    return replace(
        outcome,
        reported=reported.value,
        state=ParameterState.MISMATCH,
        detail=f"The charge point accepted the value and still reports {reported.value}.",
    )


def _outcome(
    parameter: DesiredParameter,
    reported: ConfigurationKey | None,
    state: ParameterState,
    detail: str | None = None,
) -> ParameterOutcome:
    return ParameterOutcome(
        key=parameter.key,
        desired=parameter.value,
        reported=None if reported is None else reported.value,
        state=state,
        detail=detail,
    )
