"""What an attacker is, what it knows of its target, and the list of all of them.

A kind of attack is one small file in ``tests/attack/attackers/`` with an ``ATTACKER``; the list is
found there. Each runs in a process of its own, on one core, until it is killed.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from tests.attack import attackers

if TYPE_CHECKING:
    from tests.attack.stage import Stage

MEBIBYTE: Final = 1 << 20


class Count(Protocol):
    """A number in memory that two processes share."""

    value: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where an attacker goes, and what it has; the same at the engine and at the unrelated one."""

    api_url: str
    ocpp_port: int
    identities: Sequence[str]
    """Charge points of its own project: it is somebody's neighbour, with an account like any.

    No other attacker has these."""
    project_id: str
    token: str
    """Its login, as an installer."""
    victims: Sequence[str]
    """Charge points of others, without a key, whose ids it has found out."""

    @property
    def api_port(self) -> int:
        """Where the API listens."""
        port = urlsplit(self.api_url).port
        assert port is not None, self.api_url
        return port


class Tally:
    """What an attacker has done, counted in memory that the harness sees."""

    def __init__(self, done: Count, lost: Count) -> None:
        """``done``: frames, handshakes, requests; ``lost``: links of its own that were ended."""
        self._done, self._lost = done, lost

    def did(self, times: int = 1) -> None:
        """Count what it has done."""
        self._done.value += times

    def lost(self) -> None:
        """Count a link of its own that was ended."""
        self._lost.value += 1


Attack = Callable[[Target, Tally], Awaitable[None]]
Judge = Callable[["Stage"], AbstractAsyncContextManager[list[str]]]


@dataclass(frozen=True, kw_only=True)
class Attacker:
    """A kind of attack. ``attack`` is a function of the module that has it as ``ATTACKER``."""

    name: str
    """For the command line: ``half-open``."""
    about: str
    """What it does, for the table: ``3,000 sockets that never finish their request``."""
    unit: str
    """What it counts: ``frames``."""
    attack: Attack
    node_budget: float = 48 * MEBIBYTE
    """Bytes by which the memory of the OCPP server may grow beside it."""
    api_budget: float = 48 * MEBIBYTE
    """The same of the API's process."""
    enough: int = 1
    """What it has to have done at least, or what held may have held for want of an attack."""
    most: Callable[[float], int] | None = None
    """What it may reach at most in so many seconds, where its speed is what is promised."""
    judge: Judge | None = None
    """What is done and seen beside it in the engine; it fills the list with what was broken."""


def all_attackers() -> dict[str, Attacker]:
    """Return every kind there is, by its name, in the order of the files."""
    found: dict[str, Attacker] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(attackers.__path__)):
        attacker: Attacker = importlib.import_module(f"{attackers.__name__}.{module}").ATTACKER
        assert attacker.name not in found, attacker.name
        found[attacker.name] = attacker
    return found
