"""The messages of a configuration: GetConfiguration and ChangeConfiguration (OCPP 1.6 §5.8, §5.3).

The widest question first: all keys; then the wanted ones in pages; then each by itself. Firmware is
known that drops its link on the first, cuts the second off, and answers the third.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from domain.habits import ConfigurationReading
from domain.operations import (
    Configuration,
    ConfigurationKey,
    DesiredParameter,
    ParameterOutcome,
    Reply,
)
from domain.ports import ChargePointGoneError
from domain.rules.numbers import read_number
from domain.states import ParameterState
from ocpp_server.calls import BadAnswerError, CallErrorReply, CallTimeoutError, InvalidReplyError
from ocpp_server.dispatch import Payload
from ocpp_server.protocol import Reading
from ocpp_server.restarts import AwaitedRestarts
from ocpp_server.session import Session

_MAX_KEYS: Final = "GetConfigurationMaxKeys"
_DEFAULT_PAGE: Final = 10
_MAX_PAGE: Final = 100
_MOST_TIMEOUTS: Final = 2
_DIGITS: Final = 9
_STOPPED: Final = "The charge point had stopped answering."
_SHOWN: Final = 40


@dataclass(kw_only=True, slots=True)
class Inventory:
    """Reported keys by their name in lower case: names are case-insensitive (§9)."""

    keys: dict[str, ConfigurationKey] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    unread: dict[str, Exception] = field(default_factory=dict)
    """Keys whose question was not answered well, and why."""

    def get(self, key: str) -> ConfigurationKey | None:
        """Return a key as reported."""
        return self.keys.get(key.casefold())

    def knows_of(self, key: str) -> bool:
        """Whether its question is settled: it is reported, or said to be unknown."""
        return key.casefold() in self.keys or key.casefold() in self.unknown

    def number(self, key: str) -> int | None:
        """Return the value of a key that holds a whole number of sane length."""
        found = self.get(key)
        number = None if found is None else read_number(found.value)
        if number is None or not number.is_integer() or not 0 <= number < 10**_DIGITS:
            return None
        return int(number)

    @property
    def reported(self) -> Configuration:
        """What it says of its configuration."""
        return Configuration(keys=tuple(self.keys.values()), unknown=tuple(self.unknown.values()))

    def take(self, answer: Payload) -> None:
        """Add what an answer says."""
        for item in answer.get("configurationKey") or []:
            key = item.get("key")
            if key:  # an entry without a name costs itself; whether one can be written shows then
                self.keys[key.casefold()] = ConfigurationKey(
                    key=key, value=item.get("value"), readonly=item.get("readonly", False)
                )
        self.unknown |= {key.casefold(): key for key in answer.get("unknownKey") or []}


async def read(session: Session, keys: Sequence[str] = ()) -> Inventory:
    """Ask one question: for these keys, or for all of them.

    Raises:
        BadAnswerError: it was not answered, or not well.
        ChargePointGoneError: the socket closed.

    """
    inventory = Inventory()
    inventory.take(
        await session.call("GetConfiguration", {"key": list(keys)})
        if keys
        else await session.ask_at_length("GetConfiguration", {})
    )
    return inventory


async def read_if_told(session: Session, keys: Sequence[str]) -> Inventory:
    """Ask for these keys; nothing is known of what is not answered, or not well."""
    try:
        return await read(session, keys)
    except BadAnswerError:
        return Inventory()


class ConfigurationReader:
    """Reads a configuration, beginning where an earlier reading got through."""

    def __init__(self, session: Session, reading: Reading) -> None:
        self._session = session
        self._reading = reading
        self._timeouts = 0

    async def read(self, wanted: Sequence[str], *, all_first: bool = False) -> Inventory:
        """Read what is wanted; ``all_first``: and all else that one question may bring.

        Raises:
            BadAnswerError: it answers no question, or none well.
            ChargePointGoneError: the socket closed; its reading is narrower then.

        """
        inventory = Inventory()
        if self._reading.widest is ConfigurationReading.ALL and all_first:
            await self._ask(inventory, ())
        missing = [key for key in wanted if not inventory.knows_of(key)]
        page = min(max(inventory.number(_MAX_KEYS) or _DEFAULT_PAGE, 1), _MAX_PAGE)
        last: Exception | None = None
        if self._reading.widest is not ConfigurationReading.KEYS:
            for start in range(0, len(missing), page):
                last = await self._ask(inventory, missing[start : start + page]) or last
            missing = [key for key in missing if key.casefold() in inventory.unread]
        for key in missing:
            last = await self._ask(inventory, [key]) or last
            if inventory.get(key) is not None:
                self._reading.widest = ConfigurationReading.KEYS
        if last is not None and not inventory.keys and not inventory.unknown:
            raise last
        return inventory

    async def _ask(self, inventory: Inventory, keys: Sequence[str]) -> Exception | None:
        """Ask for these, or for all; what has no good answer costs these keys alone."""
        part = Inventory()
        payload: Payload = {"key": list(keys)} if keys else {}
        try:
            part.take(await self._session.ask_at_length("GetConfiguration", payload))
        except BadAnswerError as error:
            inventory.unread |= dict.fromkeys(map(str.casefold, keys), error)
            self._count(error)
            if not keys:
                self._reading.widest = ConfigurationReading.PAGES
            return error
        except ChargePointGoneError:
            if len(keys) != 1:
                narrower = ConfigurationReading.KEYS if keys else ConfigurationReading.PAGES
                self._reading.widest = narrower
            raise
        inventory.keys |= part.keys
        inventory.unknown |= part.unknown
        for key in keys:
            inventory.unread.pop(key.casefold(), None)
        return None

    def _count(self, error: Exception) -> None:
        """One that answers nothing is not asked for each of its keys."""
        if isinstance(error, CallTimeoutError):
            self._timeouts += 1
            if self._timeouts > _MOST_TIMEOUTS:
                raise error


class ConfigurationWriter:
    """Tells values one by one, and stops when the charge point answers nothing any more."""

    def __init__(self, session: Session, restarts: AwaitedRestarts) -> None:
        self._session = session
        self._restarts = restarts
        self._timeouts = 0
        self._lacks_it: str | None = None
        self.unclear: set[str] = set()
        """Keys that it answered about, and did not say whether it took the value."""

    @property
    def silent(self) -> bool:
        """Whether it has stopped answering."""
        return self._timeouts >= _MOST_TIMEOUTS

    async def write(
        self, parameter: DesiredParameter, reported: ConfigurationKey | None
    ) -> ParameterOutcome:
        """Tell a value; whether it counts shows when it is read back."""
        if self._lacks_it is not None:
            return outcome_of(parameter, reported, ParameterState.NOT_SUPPORTED, self._lacks_it)
        if self.silent:
            return outcome_of(parameter, reported, ParameterState.QUEUED, _STOPPED)
        state, detail = await self._told(parameter)
        return replace(outcome_of(parameter, reported, state, detail), written=True)

    async def _told(self, parameter: DesiredParameter) -> tuple[ParameterState, str | None]:
        key, value = parameter.key, parameter.value
        try:
            answer = await self._session.call("ChangeConfiguration", {"key": key, "value": value})
        except CallTimeoutError as error:
            self._timeouts += 1
            return ParameterState.QUEUED, f"{error}."
        except InvalidReplyError as error:
            self.unclear.add(key)
            return ParameterState.REJECTED, f"{error}."
        except CallErrorReply as error:
            said = f"ChangeConfiguration was answered with the error {error}."
            if error.code == "NotImplemented":
                self._lacks_it = said
            is_lacking = error.reply is Reply.NOT_SUPPORTED
            return ParameterState.NOT_SUPPORTED if is_lacking else ParameterState.REJECTED, said
        match answer.get("status"):
            case "Accepted":
                await self._restarts.applied(key)
                return ParameterState.APPLIED, None
            case "RebootRequired":
                await self._restarts.took(key, value)
                return ParameterState.PENDING_REBOOT, None
            case "Rejected":
                return ParameterState.REJECTED, None
            case "NotSupported":
                return ParameterState.NOT_SUPPORTED, None
            case status:
                self.unclear.add(key)
                said = "nothing" if status is None else repr(str(status)[:_SHOWN])
                return ParameterState.REJECTED, (
                    f"The charge point answered {said}, which does not say whether it took it."
                )


def outcome_of(
    parameter: DesiredParameter,
    reported: ConfigurationKey | None,
    state: ParameterState,
    detail: str | None = None,
) -> ParameterOutcome:
    """Say where a parameter stands."""
    return ParameterOutcome(
        key=parameter.key,
        desired=parameter.value,
        reported=None if reported is None else reported.value,
        state=state,
        detail=detail,
    )
