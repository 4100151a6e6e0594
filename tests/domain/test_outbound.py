"""Where a customer's URL may lead, and where not."""

from collections.abc import Sequence

import pytest

from domain.errors import InvalidError
from domain.outbound import Outbound, is_public

PUBLIC = "93.184.216.34"


class Names:
    """A name server that gives one answer after the other."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers) or [[PUBLIC]]
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not answer:
            raise OSError("unknown")
        return answer


def guard(*answers: Sequence[str], private_allowed: bool = False) -> Outbound:
    return Outbound(Names(*answers).resolve, private_allowed=private_allowed)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "0.0.0.0", "0.1.2.3"),
        *("169.254.169.254", "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "224.0.0.1"),
        *("239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1"),
        *("fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1", "fe80::1%eth0", "not an address"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "::ffff:0:0"),
        "2606:2800:220:1::1%eth0",
    ],
)
def test_an_address_that_is_not_for_everybody(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8"]
)
def test_a_public_address(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "https://"),
        ("ftp://example.com/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("example.com", "https://"),
        ("https://", "host name"),
        ("https://user:secret@example.com/", "password"),
        ("https://user@example.com/", "password"),
        ("https://example.com/#here", "fragment"),
        ("https://example.com:22/", "port"),
        ("https://example.com:0/", "port"),
        ("https://example.com:99999/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://exa mple.com/", "printable"),
        ("https://example.com/\r\nX: y", "printable"),
        ("https://example.com\\@evil.example/", "printable"),
        ("https://ex%61mple.com/", "host name"),
        ("https://exämple.com/", "printable"),
        ("https://-x-/", "host name"),
        (f"https://example.com/{'x' * 1000}", "printable"),
        ("https://127.0.0.1/", "public"),
        ("https://[::1]/", "public"),
        ("https://[::ffff:127.0.0.1]/", "public"),
        ("https://169.254.169.254/latest/meta-data", "public"),
    ],
)
async def test_a_url_that_is_refused(url: str, why: str) -> None:
    with pytest.raises(InvalidError, match=why) as refused:
        await guard().destination(url, field="firmware_url")
    assert refused.value.code == "url_refused"
    assert refused.value.fields[0].field == "firmware_url"
    assert "secret" not in refused.value.detail


async def test_a_destination_keeps_name_and_addresses() -> None:
    there = await guard([PUBLIC, "2606:2800:220:1::1", PUBLIC]).destination(
        "https://Example.com:8443/hook?x=1"
    )
    assert (there.host, there.port, there.target) == ("example.com", 8443, "/hook?x=1")
    assert there.addresses == (PUBLIC, "2606:2800:220:1::1")
    assert there.authority == "example.com:8443"
    assert there.url_at(PUBLIC) == f"https://{PUBLIC}:8443/hook?x=1"
    assert there.url_at("2606:2800:220:1::1") == "https://[2606:2800:220:1::1]:8443/hook?x=1"
    plain = await guard().destination("https://example.com")
    assert (plain.authority, plain.target) == ("example.com", "/")


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1", "intranet"])
async def test_a_name_of_something_inside(host: str) -> None:
    """However a resolver reads it, the address decides."""
    with pytest.raises(InvalidError, match="public"):
        await guard(["127.0.0.1"]).destination(f"https://{host}/")


async def test_one_inner_address_among_public_ones_is_too_many() -> None:
    with pytest.raises(InvalidError, match="public"):
        await guard([PUBLIC, "10.0.0.1"]).destination("https://example.com/")


async def test_a_name_without_an_address() -> None:
    with pytest.raises(InvalidError, match="public"):
        await guard([]).destination("https://nowhere.example/")


async def test_a_name_is_asked_for_once() -> None:
    names = Names([PUBLIC], ["127.0.0.1"])
    there = await Outbound(names.resolve, private_allowed=False).destination("https://example.com/")
    assert there.addresses == (PUBLIC,)
    assert names.asked == ["example.com"]


async def test_the_setting_lets_everything_through_that_is_a_url() -> None:
    there = await guard(private_allowed=True).destination("http://127.0.0.1:8080/hook")
    assert there.url_at(there.addresses[0]) == "http://127.0.0.1:8080/hook"
    with pytest.raises(InvalidError):
        await guard(private_allowed=True).destination("file:///etc/passwd")
