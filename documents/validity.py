"""What a look at the signature of a file finds."""

from dataclasses import dataclass
from enum import Enum


class Validity(Enum):
    """What a look at a file found."""

    VALID = "valid"
    ALTERED = "altered"
    APPENDED = "appended"
    UNKNOWN_KEY = "unknown_key"
    UNSIGNED = "unsigned"
    CUT_SHORT = "cut_short"
    NOT_A_PDF = "not_a_pdf"


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on a file; ``key_id`` is of the key that it names, where it names one."""

    validity: Validity
    key_id: str | None = None
