"""Whose address a request came from, behind proxies that are trusted to say so.

A proxy adds the address that it was called from at the right end of a header: X-Forwarded-For, or
Forwarded (RFC 7239 §4). Whoever calls can write what he likes to the left of that. So it is read
from the right, as far as trusted proxies reach.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Network = IPv4Network | IPv6Network
_Address = IPv4Address | IPv6Address

# One pair of an element (RFC 7239 §4); a value with a colon stands in quotes.
_PAIR: Final = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[^",;\s]+)\s*')
_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
_CUSTOMER_V6: Final = 64
"""Whoever has one IPv6 address has all those of its network of this size."""


def read_networks(text: str) -> tuple[Network, ...]:
    """Read addresses and networks with commas between them.

    Raises:
        ValueError: one is neither, or has bits beyond its mask.

    """
    return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())


def source_address(
    peer: str | None,
    *,
    forwarded: Sequence[str],
    x_forwarded_for: Sequence[str],
    trusted: Sequence[Network],
) -> str | None:
    """Return the address that a request came from: the right-most that is no trusted proxy's.

    ``peer`` is whoever holds the connection. What it says is believed if it is trusted; an address
    that cannot be read ends the way there, at the proxy that told it. Where both headers are and
    name different addresses, one of them is the caller's own invention: neither is believed.
    """
    here = _read(peer or "")
    if here is None:
        return peer
    if not _is_trusted(here, trusted):
        return str(here)
    found = {
        _right_most(here, hops, trusted)
        for hops in (_hops_of_forwarded(forwarded), _hops(x_forwarded_for))
        if hops
    }
    return str(found.pop() if len(found) == 1 else here)


def source_network(address: str) -> str:
    """Return what stands for everybody who may have this address: of IPv6, its /64 (RFC 6177)."""
    read = _read(address)
    if read is None:
        return address
    if isinstance(read, IPv4Address):
        return str(read)
    return str(IPv6Network((read.packed, _CUSTOMER_V6), strict=False))


def _right_most(here: _Address, hops: Sequence[str], trusted: Sequence[Network]) -> _Address:
    for hop in reversed(hops):
        address = _read(hop)
        if address is None:
            break
        here = address
        if not _is_trusted(here, trusted):
            break
    return here


def _hops(headers: Sequence[str]) -> list[str]:
    return [hop.strip() for header in headers for hop in header.split(",") if hop.strip()]


def _hops_of_forwarded(headers: Sequence[str]) -> list[str]:
    """Give the ``for`` of each element; an empty one where it has none, or cannot be read."""
    return [hop for header in headers if header.strip() for hop in _elements(header)]


def _elements(header: str) -> Iterator[str]:
    hop, place = "", 0
    while place < len(header):
        pair = _PAIR.match(header, place)
        place = place if pair is None else pair.end()
        if pair is None or header[place : place + 1] not in {"", ",", ";"}:
            # A quote that the caller left open must not swallow what proxies have added.
            comma = header.find(",", place)
            hop, place = "", len(header) if comma < 0 else comma
        elif pair[1].casefold() == "for":
            hop = pair[2].strip('"')
        if header[place : place + 1] == ",":
            yield hop
            hop = ""
        place += 1
    yield hop


def _read(text: str) -> _Address | None:
    with_port = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address(with_port[1] or with_port[2] if with_port else text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        return IPv6Address(address.packed)  # without the zone
    return address


def _is_trusted(address: _Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)
