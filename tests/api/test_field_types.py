"""Texts that look like nothing, or that a mail server will not take."""

import pytest
from pydantic import TypeAdapter, ValidationError

from activities.mailer import build
from api.fields import Address, Email, Name, Reason

ZERO_WIDTH = "\u200b\u200d\ufeff"


@pytest.mark.parametrize(
    "text", [ZERO_WIDTH, "\u00ad", "\u3164", "\u2800", "\u0301", f" {ZERO_WIDTH} "]
)
@pytest.mark.parametrize("kind", [Name, Address, Reason])
def test_what_shows_nothing_is_no_name(kind: type[str], text: str) -> None:
    with pytest.raises(ValidationError, match="can be seen"):
        TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize("text", ["Ælfric", "李", "1", "…", "ผม", f"A{ZERO_WIDTH}", "🏢"])
def test_what_shows_something_is_one(text: str) -> None:
    assert TypeAdapter(Name).validate_python(text) == text


def test_a_name_is_no_encoded_word() -> None:
    """It is the subject of mails, where it would be decoded; the mailer refuses it for ever."""
    with pytest.raises(ValidationError, match="must not contain"):
        TypeAdapter(Name).validate_python("=?utf-8?q?Bcc:_victim@example.com?=")


@pytest.mark.parametrize("written", ["Info@Bücher.example.com", "info@xn--bcher-kva.example.com"])
def test_a_domain_with_accents_is_one_address_however_it_is_written(written: str) -> None:
    assert TypeAdapter(Email).validate_python(written) == "info@bücher.example.com"


def test_accents_before_the_at_are_refused_with_a_sentence() -> None:
    with pytest.raises(ValidationError, match="every mail server delivers to"):
        TypeAdapter(Email).validate_python("müller@example.com")


@pytest.mark.parametrize("written", ["=?x@x.example", "a=?b?=@x.example", f"{'a' * 65}@x.example"])
def test_what_the_mailer_or_any_mail_server_refuses_is_no_address(written: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Email).validate_python(written)


def test_whatever_sign_an_address_has_a_mail_goes_there() -> None:
    for sign in map(chr, range(0x21, 0x180)):
        for written in (f"a{sign}b@x.example", f"{sign}?b@x.example", f"a@x{sign}y.example"):
            try:
                to = TypeAdapter(Email).validate_python(written)
            except ValidationError:
                continue
            build(sender="D <d@x.example>", to=to, subject="", text="", html=None)
