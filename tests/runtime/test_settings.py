"""Durations are ISO 8601 or seconds; keys are random."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from runtime.settings import Settings


@pytest.mark.parametrize(
    ("text", "seconds"), [("5", 5), ("0.5", 0.5), ("PT5S", 5), ("PT1M30S", 90), ("P1D", 86_400)]
)
def test_a_duration(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    monkeypatch.setenv("DYNAMO_CALL_TIMEOUT", text)
    assert Settings().call_timeout == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["soon", "", "nan", "inf"])
def test_what_is_no_duration(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("DYNAMO_CALL_TIMEOUT", text)
    with pytest.raises(ValidationError, match="call_timeout"):
        Settings()


@pytest.mark.parametrize("text", ["0" * 64, "deadbeef", "k" * 64, "0123456789abcdef" * 3])
def test_a_certificate_key_that_nobody_should_use(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("DYNAMO_CERTIFICATE_KEY", text)
    with pytest.raises(ValidationError, match="64 random hexadecimal digits") as refused:
        Settings()
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        ("*", ("*",)),
        (
            "https://app.example.com/, http://localhost:5173",
            ("https://app.example.com", "http://localhost:5173"),
        ),
    ],
)
def test_origins(monkeypatch: pytest.MonkeyPatch, text: str, origins: tuple[str, ...]) -> None:
    monkeypatch.setenv("DYNAMO_CORS_ORIGINS", text)
    assert Settings().cors_origins == origins


@pytest.mark.parametrize(
    "text", ["app.example.com", "https://a.example/path", "https://*.com", "x"]
)
def test_what_is_no_origin(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("DYNAMO_CORS_ORIGINS", text)
    with pytest.raises(ValidationError, match="a list of origins"):
        Settings()


def test_trusted_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMO_TRUSTED_PROXIES", "10.0.0.5, 192.0.2.0/24,2001:db8::/32,")
    read = Settings().trusted_proxies
    assert [str(one) for one in read] == ["10.0.0.5/32", "192.0.2.0/24", "2001:db8::/32"]


@pytest.mark.parametrize("text", ["*", "proxy.example.com", "10.0.0.5/24", "10.0.0.5 10.0.0.6"])
def test_what_is_no_proxy(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("DYNAMO_TRUSTED_PROXIES", text)
    with pytest.raises(ValidationError, match="a list of IP addresses and networks"):
        Settings()


def test_verification_by_mail_needs_a_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().email_verification == "off"
    monkeypatch.setenv("DYNAMO_EMAIL_VERIFICATION", "required")
    with pytest.raises(ValidationError, match="required needs DYNAMO_SMTP_URL"):
        Settings()
    monkeypatch.setenv("DYNAMO_SMTP_URL", "smtp://mail.example.com")
    assert Settings().email_verification == "required"
