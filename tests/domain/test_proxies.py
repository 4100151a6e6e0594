"""The right-most address that is no trusted proxy's, whatever else the caller has written."""

import pytest

from domain.proxies import read_networks, source_address, source_network

TRUSTED = read_networks("10.0.0.5, 192.0.2.0/24, 2001:db8:ffff::/48")
PROXY = "10.0.0.5"


def source(
    peer: str | None = PROXY,
    *,
    forwarded: str | list[str] | None = None,
    xff: str | list[str] | None = None,
) -> str | None:
    return source_address(
        peer,
        forwarded=[forwarded] if isinstance(forwarded, str) else forwarded or [],
        x_forwarded_for=[xff] if isinstance(xff, str) else xff or [],
        trusted=TRUSTED,
    )


@pytest.mark.parametrize(
    ("xff", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 192.0.2.9", "203.0.113.7"),
        (["6.6.6.6", "203.0.113.7,192.0.2.9"], "203.0.113.7"),
        ("192.0.2.8, 192.0.2.9", "192.0.2.8"),  # a call of a proxy's own
        ("203.0.113.7:41234", "203.0.113.7"),
        ("[2001:db8::7]:41234", "2001:db8::7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, unknown", PROXY),
        ("6.6.6.6, unknown, 192.0.2.9", "192.0.2.9"),
        ("6.6.6.6, 999.0.0.1", PROXY),
        (" , ", PROXY),
        ("", PROXY),
    ],
)
def test_x_forwarded_for(xff: str | list[str], address: str) -> None:
    assert source(xff=xff) == address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("for=203.0.113.7", "203.0.113.7"),
        ("For=203.0.113.7;proto=https;by=10.0.0.5", "203.0.113.7"),
        ("for=6.6.6.6, for=203.0.113.7;proto=https, by=10.0.0.5;for=192.0.2.9", "203.0.113.7"),
        ('for="203.0.113.7:41234"', "203.0.113.7"),
        ('for="[2001:db8::7]:41234"', "2001:db8::7"),
        (["for=6.6.6.6", "for=203.0.113.7"], "203.0.113.7"),
        ("for=6.6.6.6, for=_hidden", PROXY),
        ("for=6.6.6.6, proto=https", PROXY),
        # What the caller left open swallows nothing that a proxy has added.
        ('for="6.6.6.6, for=203.0.113.7', "203.0.113.7"),
        ('for=6.6.6.6;x=", for=203.0.113.7', "203.0.113.7"),
        ('for=6.6.6.6;x=", for="[2001:db8::7]:1"', PROXY),
        (['for="6.6.6.6', 'for="[2001:db8::7]:1"'], "2001:db8::7"),
        ("for=6.6.6.6,", PROXY),
    ],
)
def test_forwarded(forwarded: str | list[str], address: str) -> None:
    assert source(forwarded=forwarded) == address


def test_two_headers_that_differ_are_not_believed() -> None:
    assert source(forwarded="for=6.6.6.6", xff="203.0.113.7") == PROXY
    assert source(forwarded="for=203.0.113.7", xff="203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.6", "::1", "testclient", None])
def test_whoever_is_not_named_is_not_believed(peer: str | None) -> None:
    assert source(peer, xff="6.6.6.6", forwarded="for=6.6.6.6") == peer


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.5", "2001:db8:ffff::1%eth0"])
def test_a_proxy_is_known_however_its_address_is_written(peer: str) -> None:
    assert source(peer, xff="203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_what_one_customer_may_have(address: str, network: str) -> None:
    assert source_network(address) == network


def test_bits_beyond_the_mask_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="host bits"):
        read_networks("10.0.0.5/24")
