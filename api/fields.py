"""Types of fields that many schemas share: text within bounds, e-mail, timestamps."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from domain.billing.calendar import is_time_zone

_MAX_EMAIL = 254
_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Request(BaseModel):
    """Base of request bodies: an unknown field is refused, so that a typo is noticed."""

    model_config = ConfigDict(extra="forbid")


def _one_line(text: str) -> str:
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or (
            character in _BIDIRECTIONAL
        ):
            raise ValueError("must not contain line breaks or control characters")
    return text


def _lines(text: str) -> str:
    text = text.replace("\r\n", "\n")
    _one_line(text.replace("\n", " ").replace("\t", " "))
    return text


def _email(text: str) -> str:
    try:
        parts = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError(f"must be an e-mail address: {error}") from error
    return parts.normalized.lower()


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # the first and the last hours of the calendar
        raise ValueError("must be a moment between the years 1 and 9999, in UTC") from error


def _time_zone(text: str) -> str:
    if not is_time_zone(text):
        raise ValueError("must be a name of the IANA list, such as Europe/London")
    return text


def _at_most(length: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=length)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Name = Annotated[str, _at_most(200), AfterValidator(_one_line)]
Address = Annotated[str, _at_most(500), AfterValidator(_one_line)]
ModelName = Annotated[str, _at_most(100), AfterValidator(_one_line)]
Notes = Annotated[str, _at_most(5000), AfterValidator(_lines)]
Reason = Annotated[str, _at_most(500), AfterValidator(_one_line)]
TimeZone = Annotated[
    str,
    StringConstraints(max_length=64),
    AfterValidator(_time_zone),
    Field(description="IANA name; left out: that of the settings", examples=["Europe/London"]),
]
SerialNumber = Annotated[
    str,
    _at_most(100),
    StringConstraints(pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$"),
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
