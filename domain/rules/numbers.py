"""Numbers as charge points write them. One that can be read in two ways is not read."""

import re
from typing import Final

_PLAIN: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?(\d+,(\d{1,2}|\d{4,})|0,\d{3})")
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+((,\d{3})|(\.\d+))")
_LONGEST: Final = 40


def read_number(written: object) -> float | None:
    """Read a number, or give None where it is none or could be two.

    ``1234.5``, ``1.2e3`` and ``12,5`` have one meaning. ``1,234`` has two (1.234 and 1234), and
    is not guessed; nor are NaN, infinity and numbers with a unit behind them.
    """
    if isinstance(written, bool) or written is None:
        return None
    text = str(written).strip()
    if len(text) > _LONGEST:
        return None
    if _PLAIN.fullmatch(text):
        return _finite(text)
    if _DECIMAL_COMMA.fullmatch(text):
        return _finite(text.replace(",", "."))
    if _GROUPED.fullmatch(text):
        return _finite(text.replace(",", ""))
    return None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if abs(number) != float("inf") else None
