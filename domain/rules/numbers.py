"""Numbers as charge points write them. One that can be read in two ways is not read."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Final

_PLAIN: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?(\d+,(\d{1,2}|\d{4,})|0,\d{3})")
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+((,\d{3})|(\.\d+))")
_LONGEST: Final = 40
_WHOLE_FROM: Final = 100


def read_number(written: object) -> float | None:
    """Read a number, or give None where it is none or could be two.

    ``1234.5``, ``1.2e3`` and ``12,5`` have one meaning. ``1,234`` has two (1.234 and 1234), and
    is not guessed; nor are NaN, infinity and numbers with a unit behind them.
    """
    plain = _plainly(written)
    if plain is None:
        return None
    number = float(plain)
    return number if abs(number) != float("inf") else None


def step_of(written: object) -> float:
    """Give what the last digit of a number counts: 1 for ``1234``, 0.01 for ``1.25``."""
    plain = _plainly(written)
    exponent = None if plain is None else Decimal(plain).as_tuple().exponent
    return float(f"1e{exponent}") if isinstance(exponent, int) else 0.0


def figures(value: float) -> str:
    """Write a number for a sentence, to a thousandth: 1200366.5, 0.157, 42."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def roughly(value: float) -> str:
    """Write for a sentence what was calculated, which is no more exact than that: 149981, 0.157."""
    return f"{value:.0f}" if abs(value) >= _WHOLE_FROM else figures(value)


def counted(number: int, name: str) -> str:
    """Count things for a sentence: 1 sample, 12 samples."""
    return f"{number} {name}{'' if number == 1 else 's'}"


def length_of(seconds: float) -> str:
    """Write a time in seconds for a sentence, to two figures at least: 75 s, 12 min, 90 h."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 10 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def in_words(duration: timedelta) -> str:
    """Say a duration for a person: 90 s, 15 min, 3 h, 30 days."""
    seconds = int(duration.total_seconds())
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _plainly(written: object) -> str | None:
    if isinstance(written, bool) or written is None:
        return None
    text = str(written).strip()
    if len(text) > _LONGEST:
        return None
    if _PLAIN.fullmatch(text):
        return text
    if _DECIMAL_COMMA.fullmatch(text):
        return text.replace(",", ".")
    if _GROUPED.fullmatch(text):
        return text.replace(",", "")
    return None
