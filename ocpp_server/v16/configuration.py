"""Configuration keys (OCPP 1.6 §5.3): read, write what differs, read back."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Final

from domain import operations as op
from domain.parameters import shown
from domain.rules.connector import is_plausible
from domain.rules.sampling import CLOCK_ALIGNED_INTERVAL, SAMPLE_INTERVAL
from domain.states import ParameterState
from ocpp_server.calls import BadAnswerError, CallTimeoutError
from ocpp_server.protocol import Applied, Reading
from ocpp_server.restarts import AwaitedRestarts
from ocpp_server.session import Session
from ocpp_server.v16.configuration_messages import (
    ConfigurationReader,
    ConfigurationWriter,
    Inventory,
    outcome_of,
    read,
)

_NUMBER_OF_CONNECTORS: Final = "NumberOfConnectors"
_CONNECTION_TIMEOUT: Final = "ConnectionTimeOut"
_NOT_REPORTED: Final = "Accepted, and not reported back."
_READ_LATER: Final = "Accepted; it is read back after the restart."
_TOLD_LATER: Final = "It is told once the charge point has restarted."
_SHOWN: Final = 30
_BOOLEANS: Final = {"true": ("true", "1"), "false": ("false", "0")}
"""What is desired, and how charge points write it."""


async def apply_configuration(
    session: Session, request: op.ApplyConfiguration, restarts: AwaitedRestarts, reading: Reading
) -> Applied:
    """Bring the parameters to their values, as far as the charge point lets it.

    Those that it has restarted for should count by now, and are not written again.

    Raises:
        BadAnswerError: the configuration cannot be read.
        ChargePointGoneError: the socket closed.

    """
    if request.restart_follows and _only_waits(request.parameters, restarts):
        return Applied(outcome=_until_it_restarts(request.parameters, restarts))
    reader = ConfigurationReader(session, reading)
    unknown = {key.casefold() for key in request.not_supported}
    wanted = [one.key for one in request.parameters] + [_NUMBER_OF_CONNECTORS]
    try:
        inventory = await reader.read(
            [key for key in wanted if key.casefold() not in unknown], all_first=True
        )
    except BadAnswerError:
        if not restarts:
            raise
        # Some firmware refuses to say anything till it has restarted.
        return Applied(outcome=_until_it_restarts(request.parameters, restarts))
    restarted = {key.casefold() for key in request.restarted_for}
    writer = ConfigurationWriter(session, restarts)
    outcomes: list[op.ParameterOutcome] = []
    for parameter in request.parameters:
        reported = inventory.get(parameter.key)
        key = parameter.key.casefold()
        outcome = (
            outcome_of(parameter, reported, ParameterState.PENDING_REBOOT)
            if restarts.waits(parameter)
            else _compare(parameter, reported, inventory, restarts)
        )
        if outcome is None and (key in unknown or key in inventory.unknown):
            outcome = outcome_of(parameter, reported, ParameterState.NOT_SUPPORTED)
        if outcome is None and key in restarted | restarts.restarted:
            outcome = _after_restart(parameter, reported, certain=key in restarted)
        outcomes.append(outcome or await writer.write(parameter, reported))
    written = [
        one.key
        for one in outcomes
        if one.written and (one.state is ParameterState.APPLIED or one.key in writer.unclear)
    ]
    waits = any(one.state is ParameterState.PENDING_REBOOT for one in outcomes)
    if waits and request.restart_follows:
        read_back = [
            _believed(one, None, _READ_LATER) if one.key in written else one for one in outcomes
        ]
    else:
        now = await _read_back(session, reader, [] if writer.silent else written, once=waits)
        inventory.unread |= now.unread
        read_back = [
            _believed(one, now.get(one.key), _why_not_read(now, one.key))
            if one.key in written
            else one
            for one in outcomes
        ]
    connectors = inventory.number(_NUMBER_OF_CONNECTORS)
    if connectors is not None and not is_plausible(connectors):
        connectors = None
    return Applied(
        reported=inventory.reported,
        outcome=op.ConfigurationOutcome(
            parameters=tuple(read_back),
            number_of_connectors=connectors,
            connectors_said=None if connectors else _said(inventory),
            connection_timeout_s=inventory.number(_CONNECTION_TIMEOUT),
            sample_interval_s=inventory.number(SAMPLE_INTERVAL),
            clock_aligned_interval_s=inventory.number(CLOCK_ALIGNED_INTERVAL),
            keys_reported=len(inventory.keys),
            unanswered=_left_open(inventory, read_back),
            not_supported=tuple(
                sorted(
                    {*request.not_supported, *inventory.unknown.values()}
                    | {one.key for one in outcomes if one.state is ParameterState.NOT_SUPPORTED}
                )
            ),
        ),
    )


def _only_waits(desired: Sequence[op.DesiredParameter], restarts: AwaitedRestarts) -> bool:
    """Tell whether a restart is all that is left to be done."""
    must_be = any(one.is_binding and restarts.waits(one) for one in desired)
    return must_be and not any(map(restarts.waits_for_another, desired))


def _until_it_restarts(
    desired: Sequence[op.DesiredParameter], restarts: AwaitedRestarts
) -> op.ConfigurationOutcome:
    return op.ConfigurationOutcome(
        parameters=tuple(
            outcome_of(parameter, None, ParameterState.PENDING_REBOOT)
            if restarts.waits(parameter)
            else outcome_of(parameter, None, ParameterState.QUEUED, _TOLD_LATER)
            for parameter in desired
        )
    )


def _said(inventory: Inventory) -> str | None:
    found = inventory.get(_NUMBER_OF_CONNECTORS)
    if found is None or found.value is None:
        return None
    return found.value if len(found.value) <= _SHOWN else f"{found.value[:_SHOWN]}…"


def _compare(
    parameter: op.DesiredParameter,
    reported: op.ConfigurationKey | None,
    inventory: Inventory,
    restarts: AwaitedRestarts,
) -> op.ParameterOutcome | None:
    """Return the outcome of a value that needs no write; None when it has to be written."""
    same = reported is not None and same_value(parameter.value, reported.value)
    if same and not restarts.waits_for_another(parameter):
        return outcome_of(parameter, reported, ParameterState.APPLIED)
    if parameter.assertion:
        why = inventory.unread.get(parameter.key.casefold())
        if why is not None:
            said = f"It did not tell what it has ({why})."
            return outcome_of(parameter, reported, ParameterState.UNCONFIRMED, said)
        state = ParameterState.NOT_SUPPORTED if reported is None else ParameterState.MISMATCH
        return outcome_of(parameter, reported, state)
    if reported is not None and reported.readonly:
        return outcome_of(parameter, reported, ParameterState.READ_ONLY)
    return None


def _after_restart(
    parameter: op.DesiredParameter, reported: op.ConfigurationKey | None, *, certain: bool
) -> op.ParameterOutcome | None:
    """Return the outcome after a restart; None: there may have been none, and it is told anew."""
    if reported is None or reported.value is None:  # write-only keys, as AuthorizationKey is
        return outcome_of(parameter, reported, ParameterState.UNCONFIRMED, _NOT_REPORTED)
    if not certain:
        return None
    detail = f"The charge point restarted for the value and still reports {shown(reported.value)}."
    return outcome_of(parameter, reported, ParameterState.MISMATCH, detail)


def same_value(desired: str, reported: str | None) -> bool:
    """Compare as charge points write: any case of booleans, any form of a number, loose lists."""
    if reported is None:
        return False
    one, other = _plain(desired), _plain(reported)
    if one == other or other.casefold() in _BOOLEANS.get(one.casefold(), ()):
        return True
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False


def _plain(text: str) -> str:
    return ",".join(part.strip() for part in text.split(","))


async def _read_back(
    session: Session, reader: ConfigurationReader, written: Sequence[str], *, once: bool
) -> Inventory:
    """Read what was written, for a write is believed only when the charge point reports the value.

    ``once``: with one question. Some firmware refuses to say anything till it has restarted.
    """
    if not written:
        return Inventory()
    try:
        return await (read(session, written) if once else reader.read(written))
    except BadAnswerError as error:
        # It took the values, and does not say what it has.
        return Inventory(unread=dict.fromkeys(map(str.casefold, written), error))


def _left_open(inventory: Inventory, outcomes: Sequence[op.ParameterOutcome]) -> bool:
    """Tell whether something is unknown because no answer came."""
    return any(
        one.state is ParameterState.QUEUED
        or (
            one.state is ParameterState.UNCONFIRMED
            and isinstance(inventory.unread.get(one.key.casefold()), CallTimeoutError)
        )
        for one in outcomes
    )


def _why_not_read(inventory: Inventory, key: str) -> str:
    error = inventory.unread.get(key.casefold())
    return _NOT_REPORTED if error is None else f"Accepted, and not reported back ({error})."


def _believed(
    outcome: op.ParameterOutcome, reported: op.ConfigurationKey | None, otherwise: str
) -> op.ParameterOutcome:
    accepted = outcome.state is ParameterState.APPLIED
    if reported is None or reported.value is None:  # write-only keys, as AuthorizationKey is
        if not accepted:
            return outcome
        return replace(outcome, state=ParameterState.UNCONFIRMED, detail=otherwise)
    if same_value(outcome.desired, reported.value):
        return replace(outcome, reported=reported.value, state=ParameterState.APPLIED, detail=None)
    if not accepted:
        return replace(outcome, reported=reported.value)
    return replace(
        outcome,
        reported=reported.value,
        state=ParameterState.MISMATCH,
        detail=f"The charge point accepted the value and still reports {shown(reported.value)}.",
    )
