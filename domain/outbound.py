"""Which addresses the engine may call on somebody's behalf: the one guard of outbound URLs.

A URL that a customer gives (webhook, firmware file, log upload) must not reach what only the
engine's own network reaches. A name is resolved once; every address that it has must be public, and
who connects does so to one of the addresses that were looked at, so that a second answer of the
name server (DNS rebinding) changes nothing.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from domain.errors import FieldError, InvalidError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives all addresses of a host name; raises OSError when there are none."""

MAX_URL: Final = 1000
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\.?")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_FIRST_UNPRIVILEGED_PORT: Final = 1024
# Protocol assignments and site-local addresses; and what carries an IPv4 address that a gateway
# would call: NAT64, 6to4, Teredo. The standard library takes some of them for global.
_NOT_PUBLIC: Final = tuple(
    ip_network(network)
    for network in (
        *("192.0.0.0/24", "fec0::/10"),
        *("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """A URL that may be called, and the addresses that it may be called at, in their order.

    ``host`` is for the Host header, SNI and the certificate; ``target`` is path and query.
    """

    scheme: str
    host: str
    port: int
    target: str
    addresses: tuple[str, ...]

    @property
    def authority(self) -> str:
        """Host, and the port where it is not the usual one; the value of a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == _DEFAULT_PORTS[self.scheme]
        return host if usual else f"{host}:{self.port}"

    def url_at(self, address: str) -> str:
        """Give the URL of the destination at one of its addresses."""
        host = f"[{address}]" if ":" in address else address
        return f"{self.scheme}://{host}:{self.port}{self.target}"


class Outbound:
    """Decides where a URL may lead. ``private_allowed`` lifts all but the form of a URL."""

    def __init__(self, resolve: Resolver, *, private_allowed: bool) -> None:
        self._resolve = resolve
        self._private_allowed = private_allowed

    async def destination(self, url: str, *, field: str = "url") -> Destination:
        """Look where a URL leads, now. ``field`` names it in the error.

        Raises:
            InvalidError: ``url_refused``, with the reason.

        """
        try:
            scheme, host, port, target = self._parts(url)
            addresses = await self._addresses(host, port)
        except _RefusedError as refused:
            reason = str(refused)
            raise InvalidError(
                "url_refused", f"{field}: {reason}", (FieldError(field=field, detail=reason),)
            ) from refused
        return Destination(scheme=scheme, host=host, port=port, target=target, addresses=addresses)

    def _parts(self, url: str) -> tuple[str, str, int, str]:
        if len(url) > MAX_URL or not _PRINTABLE.fullmatch(url) or "\\" in url:
            raise _RefusedError(
                f"give at most {MAX_URL} printable ASCII characters; encode others as %XX or xn--"
            )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise _RefusedError("this is no URL") from None
        schemes = ("https", "http") if self._private_allowed else ("https",)
        if parts.scheme not in schemes:
            raise _RefusedError(f"it has to begin with {' or '.join(f'{s}://' for s in schemes)}")
        if parts.username is not None or parts.password is not None:
            raise _RefusedError("a URL with a user name or a password is not taken")
        if parts.fragment:
            raise _RefusedError("leave the #fragment away")
        host = (parts.hostname or "").lower()
        if not (_HOST.fullmatch(host) or _literal(host)):
            raise _RefusedError("the host name is not valid")
        port = _DEFAULT_PORTS[parts.scheme] if port is None else port
        if not self._private_allowed and port != _DEFAULT_PORTS["https"]:
            self._check_port(port)
        path = parts.path or "/"
        return parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path

    @staticmethod
    def _check_port(port: int) -> None:
        if port < _FIRST_UNPRIVILEGED_PORT:
            raise _RefusedError(
                f"use port {_DEFAULT_PORTS['https']} or one from {_FIRST_UNPRIVILEGED_PORT} upwards"
            )

    async def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        literal = _literal(host)
        if literal is not None:
            found: Sequence[str] = [host]
        else:
            try:
                found = await self._resolve(host, port)
            except (OSError, UnicodeError):
                found = []
        refused = not self._private_allowed and not all(map(is_public, found))
        if refused or not found:
            # Not whether it has another: that would tell a stranger the names of the inside.
            raise _RefusedError("it leads to no public address")
        return tuple(dict.fromkeys(found))


class _RefusedError(Exception):
    """Why a URL is refused, in words."""


def is_public(address: str) -> bool:
    """Tell whether anybody on the internet may be reached at that address."""
    found = _literal(address)
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            return False
        found = found.ipv4_mapped or found
    if found is None or any(found in network for network in _NOT_PUBLIC):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved)


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
