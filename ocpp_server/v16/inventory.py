"""What a charge point says of its configuration (OCPP 1.6 §5.8), and how it is brought to say it.

The widest question first: all keys; then the wanted ones in pages; then each by itself. Firmware is
known that drops its link on the first, cuts the second off, and answers the third.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.habits import ConfigurationReading
from domain.operations import Configuration, ConfigurationKey
from domain.ports import ChargePointGoneError
from domain.rules.numbers import read_number
from ocpp_server.calls import BadAnswerError, CallTimeoutError
from ocpp_server.dispatch import Payload
from ocpp_server.protocol import Reading
from ocpp_server.session import Session

_MAX_KEYS: Final = "GetConfigurationMaxKeys"
_DEFAULT_PAGE: Final = 10
_MAX_PAGE: Final = 100
_MOST_TIMEOUTS: Final = 2
_DIGITS: Final = 9


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
            await self._read_all(inventory)
        missing = [key for key in wanted if not inventory.knows_of(key)]
        page = min(max(inventory.number(_MAX_KEYS) or _DEFAULT_PAGE, 1), _MAX_PAGE)
        last: Exception | None = None
        if self._reading.widest is not ConfigurationReading.KEYS:
            for part in _pages(missing, page):
                last = await self._ask(inventory, part) or last
            missing = [key for key in missing if key.casefold() in inventory.unread]
        for key in missing:
            last = await self._ask(inventory, [key]) or last
            if inventory.get(key) is not None:
                self._reading.widest = ConfigurationReading.KEYS
        if last is not None and not inventory.keys and not inventory.unknown:
            raise last
        return inventory

    async def _read_all(self, inventory: Inventory) -> None:
        try:
            inventory.take(await self._session.ask_at_length("GetConfiguration", {}))
        except BadAnswerError as error:
            self._count(error)
            self._reading.widest = ConfigurationReading.PAGES
        except ChargePointGoneError:
            self._reading.widest = ConfigurationReading.PAGES
            raise

    async def _ask(self, inventory: Inventory, keys: Sequence[str]) -> Exception | None:
        """Ask for these; what has no good answer costs these keys alone."""
        part = Inventory()
        try:
            part.take(await self._session.ask_at_length("GetConfiguration", {"key": list(keys)}))
        except BadAnswerError as error:
            inventory.unread |= dict.fromkeys(map(str.casefold, keys), error)
            self._count(error)
            return error
        except ChargePointGoneError:
            if len(keys) > 1:
                self._reading.widest = ConfigurationReading.KEYS
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


def _pages(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
