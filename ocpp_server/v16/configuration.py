"""Configuration keys (OCPP 1.6 §5.3, §5.8): read all, write what differs, read back."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from domain.states import ParameterState
from ocpp_server.calls import CallErrorReply, CallTimeoutError, InvalidReplyError
from ocpp_server.session import Session
from ocpp_server.v16.replies import failed

_NUMBER_OF_CONNECTORS: Final = "NumberOfConnectors"
_CONNECTION_TIMEOUT: Final = "ConnectionTimeOut"
_MAX_KEYS: Final = "GetConfigurationMaxKeys"
_DEFAULT_PAGE: Final = 10
_MAX_PAGE: Final = 100
_NOT_REPORTED: Final = "Accepted, and not reported back."
_BOOLEANS: Final = ("true", "false")


@dataclass(kw_only=True, slots=True)
class Inventory:
    """Reported keys by their name in lower case: names are case-insensitive (§9)."""

    keys: dict[str, ConfigurationKey] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)

    def get(self, key: str) -> ConfigurationKey | None:
        """Return a key as reported."""
        return self.keys.get(key.casefold())

    def number(self, key: str) -> int | None:
        """Return the value of a key that holds a whole number."""
        found = self.get(key)
        text = "" if found is None or found.value is None else found.value.strip()
        return int(text) if text.isascii() and text.isdecimal() else None


async def read(session: Session, keys: Sequence[str] = ()) -> Inventory:
    """Read these keys, or all of them.

    Raises:
        CallErrorReply, CallTimeoutError, InvalidReplyError: it was not answered, or not well.
        ChargePointGoneError: the socket closed.

    """
    answer = await session.call("GetConfiguration", {"key": list(keys)} if keys else {})
    inventory = Inventory()
    for item in answer.get("configurationKey") or []:
        key = item.get("key")
        if key:  # an entry without a name costs itself; whether one can be written shows then
            inventory.keys[key.casefold()] = ConfigurationKey(
                key=key, value=item.get("value"), readonly=item.get("readonly", False)
            )
    inventory.unknown = {key.casefold(): key for key in answer.get("unknownKey") or []}
    return inventory


async def read_all(session: Session, wanted: Iterable[str]) -> Inventory:
    """Read everything; what is wanted and did not come is asked for page by page.

    Some charge points reject the question for all keys, some cut the answer off.
    """
    try:
        inventory = await read(session)
    except (CallErrorReply, InvalidReplyError):
        inventory = Inventory()
    missing = [key for key in wanted if inventory.get(key) is None]
    page = min(max(inventory.number(_MAX_KEYS) or _DEFAULT_PAGE, 1), _MAX_PAGE)
    for start in range(0, len(missing), page):
        part = await read(session, missing[start : start + page])
        inventory.keys |= part.keys
        inventory.unknown |= part.unknown
    return inventory


async def apply(
    session: Session, desired: Sequence[DesiredParameter], restarted_for: Collection[str] = ()
) -> ConfigurationOutcome:
    """Bring the parameters to their values, as far as the charge point lets it.

    Those that it has restarted for should count by now, and are not written again.

    Raises:
        CallErrorReply, CallTimeoutError, InvalidReplyError: the configuration cannot be read.
        ChargePointGoneError: the socket closed.

    """
    wanted = [parameter.key for parameter in desired]
    inventory = await read_all(session, [*wanted, _NUMBER_OF_CONNECTORS])
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
    return ConfigurationOutcome(
        parameters=tuple(await _read_back(session, outcomes, silent=silent)),
        number_of_connectors=inventory.number(_NUMBER_OF_CONNECTORS),
        connection_timeout_s=inventory.number(_CONNECTION_TIMEOUT),
        keys_reported=len(inventory.keys),
    )


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
        return _outcome(parameter, reported, ParameterState.APPLIED, _NOT_REPORTED)
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
    if answer.reply is Reply.ACCEPTED:
        state = _STATES.get(answer.detail or "", ParameterState.REJECTED)
    elif answer.reply is Reply.NOT_SUPPORTED:
        state = ParameterState.NOT_SUPPORTED
    else:
        state = ParameterState.REJECTED
    return replace(_outcome(parameter, reported, state, answer.detail), written=True)


async def _read_back(
    session: Session, outcomes: list[ParameterOutcome], *, silent: bool
) -> list[ParameterOutcome]:
    """Believe an accepted write only when the charge point reports the value."""
    written = [
        outcome.key
        for outcome in outcomes
        if outcome.written and outcome.state is ParameterState.APPLIED
    ]
    if not written or silent:
        return outcomes
    now = Inventory()
    for start in range(0, len(written), _DEFAULT_PAGE):
        now.keys |= (await read(session, written[start : start + _DEFAULT_PAGE])).keys
    return [
        _believed(outcome, now.get(outcome.key)) if outcome.key in written else outcome
        for outcome in outcomes
    ]


def _believed(outcome: ParameterOutcome, reported: ConfigurationKey | None) -> ParameterOutcome:
    if reported is None or reported.value is None:  # write-only keys, as AuthorizationKey is
        return replace(outcome, detail=_NOT_REPORTED)
    state = (
        ParameterState.APPLIED
        if same_value(outcome.desired, reported.value)
        else ParameterState.MISMATCH
    )
    return replace(outcome, reported=reported.value, state=state)


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
