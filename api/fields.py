"""Types of fields that many schemas share: text within bounds, e-mail, timestamps."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Self, TypeVar

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from domain.billing.calendar import is_time_zone
from domain.wording import Matching

_MAX_EMAIL = 254
_DURATION: Final = re.compile(
    r"P(?!$)(?:(?P<weeks>[0-9]{1,9})W|(?:(?P<days>[0-9]{1,9})D)?(?:T(?=[0-9])"
    r"(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,9}(?:\.[0-9]{1,6})?)S)?)?)"
)
_ENCODED_WORD = "=?"
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that show nothing: fillers of Hangul, the empty pattern of Braille."""
_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Request(BaseModel):
    """Base of request bodies: an unknown field is refused, so that a typo is noticed."""

    model_config = ConfigDict(extra="forbid")


class Shown(BaseModel):
    """Base of answers that show what has fields of the same names."""

    @classmethod
    def of(cls, it: Any, **others: Any) -> Self:
        """Show something by its attributes, and what it holds likewise.

        ``others`` are the fields that it does not have, or has otherwise.

        Raises:
            AttributeError: It lacks a field that is not among the others.

        """
        same = {name: getattr(it, name) for name in cls.model_fields if name not in others}
        return cls.model_validate(same | others, from_attributes=True)


def example(*whole: dict[str, JsonValue], **fields: JsonValue) -> ConfigDict:
    """What the document shows of a schema: an example by its fields, or examples as a whole."""
    return ConfigDict(json_schema_extra={"examples": [*whole, *([fields] if fields else [])]})


def _one_line(text: str) -> str:
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or (
            character in _BIDIRECTIONAL
        ):
            raise ValueError("must not contain line breaks or control characters")
    if _ENCODED_WORD in text:  # in the subject of a mail it would be decoded (RFC 2047)
        raise ValueError(f'must not contain "{_ENCODED_WORD}"')
    return text


def _seen(text: str) -> str:
    """Refuse what shows nothing: no person can tell it from another."""
    if not any(
        unicodedata.category(character)[0] in "LNPS" and character not in _BLANK
        for character in text
    ):
        raise ValueError("must have a letter, a digit or a sign that can be seen")
    return _one_line(text)


def _lines(text: str) -> str:
    text = text.replace("\r\n", "\n")
    _one_line(text.replace("\n", " ").replace("\t", " "))
    return text


def _email(text: str) -> str:
    try:
        parts = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise ValueError(f"must be an e-mail address: {error}") from error
    if parts.ascii_email is None:
        raise ValueError(
            "must be an e-mail address that every mail server delivers to: before the @ letters "
            "without accents, digits and signs alone"
        )
    if _ENCODED_WORD in text:  # no mail can be addressed so (RFC 2047)
        raise ValueError(f'must not contain "{_ENCODED_WORD}"')
    return parts.normalized.lower()


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # the first and the last hours of the calendar
        raise ValueError("must be a moment between the years 1 and 9999, in UTC") from error


def _duration(given: Any) -> timedelta:
    """Read what cannot be taken for another: no months, no clock times, no number as a text."""
    try:
        if type(given) is int:
            return timedelta(seconds=given)
        found = _DURATION.fullmatch(given) if isinstance(given, str) else None
        if found is not None:
            parts = found.groupdict(default="0")
            return timedelta(**{unit: float(number) for unit, number in parts.items()})
    except OverflowError:
        pass  # longer than anybody can wait
    raise ValueError(
        "must be an ISO 8601 duration in weeks, or in days, hours, minutes and seconds, such as "
        "PT15M or P1DT12H; or a whole number of seconds"
    )


def _time_zone(text: str) -> str:
    if not is_time_zone(text):
        raise ValueError("must be a name of the IANA list, such as Europe/London")
    return text


def _at_most(length: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=length)


T = TypeVar("T")
Absent = Annotated[T | None, Field(exclude_if=lambda value: value is None)]
"""Left out where there is none: a check that passed is name and result, as the guide shows it."""
Duration = Annotated[timedelta, BeforeValidator(_duration)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Name = Annotated[str, _at_most(200), AfterValidator(_seen)]
Address = Annotated[str, _at_most(500), AfterValidator(_seen)]
ModelName = Annotated[str, _at_most(100), AfterValidator(_seen)]
Notes = Annotated[str, _at_most(5000), AfterValidator(_lines)]
Reason = Annotated[str, _at_most(500), AfterValidator(_seen)]
TimeZone = Annotated[
    str,
    StringConstraints(max_length=64),
    AfterValidator(_time_zone),
    Field(description="IANA name; left out: that of the settings", examples=["Europe/London"]),
]
SerialNumber = Annotated[
    str,
    _at_most(100),
    Matching(
        r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$",
        "must have letters without accents, digits, signs and spaces alone, as on the type plate",
    ),
    Field(description="As on the type plate; printable ASCII"),
]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=_MAX_EMAIL),
    AfterValidator(_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": _MAX_EMAIL}),
]


def _utc(moment: datetime, timespec: str) -> str:
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


_DATE_TIME = WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization")
Timestamp = Annotated[
    datetime,
    PlainSerializer(lambda moment: _utc(moment, "seconds"), return_type=str),
    _DATE_TIME,
]
"""RFC 3339 in UTC, to the second, as the guide shows it."""
PreciseTimestamp = Annotated[
    datetime,
    PlainSerializer(lambda moment: _utc(moment, "milliseconds"), return_type=str),
    _DATE_TIME,
]
"""RFC 3339 in UTC, to the millisecond, where the order of events matters."""
