"""JSON as some firmware writes it: what stands around it and inside its texts is read past.

Byte-order marks, NUL bytes, trailing bytes, raw control characters in texts, lone surrogates and
numbers of any length are understood. What is cut off or has a hole is no JSON here either.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

BEHIND: Final = "there is something behind the end of the frame"
_BOM: Final = "\ufeff"
_MOST_BEHIND: Final = 64
_LONGEST_NUMBER: Final = 40
_LARGEST: Final = 2**63 - 1
_LARGE: Final = 64 * 1024
"""Characters; in more all numbers without a fraction come as texts, as each would be asked for."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_REPLACEMENT: Final = "\ufffd"
_MAY_BE_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def loads(data: bytes) -> tuple[Any, tuple[str, ...]]:
    """Read JSON and say what was read past. Integers of more than 64 bits come as texts.

    Raises:
        ValueError: it is no JSON.

    """
    oddities = []
    text = data.decode(errors="replace").lstrip()
    if text.startswith(_BOM):
        oddities.append("there is a byte-order mark before the frame")
        text = text.lstrip(_BOM)
    if "\0" in text:
        oddities.append("there are NUL bytes in the frame")
        text = text.replace("\0", "")
    text = text.strip()
    try:
        value, end = (_DECODER if len(text) <= _LARGE else _LARGE_DECODER).raw_decode(text)
        if _MAY_BE_SURROGATE.search(text):
            value = _without_surrogates(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if end < len(text):
        oddities.append(BEHIND)
    return value, tuple(oddities or ["there are characters that JSON does not allow"])


def behind(data: bytes) -> Iterator[bytes]:
    """Give the JSON arrays that follow the first in the same message, as far as there are any.

    Some firmware empties its queue into one message.
    """
    text = data.decode(errors="replace").lstrip().lstrip(_BOM).replace("\0", "").strip()
    at = 0
    for number in range(_MOST_BEHIND + 1):
        try:
            _, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        if number:
            yield text[at:end].encode()
        at = text.find("[", end)
        if at < 0:
            return


def inside(text: str) -> Any:
    """Read the JSON that is written into a text; None where it is none."""
    try:
        return loads(text.encode(errors="replace"))[0]
    except ValueError:
        return None


def _integer(digits: str) -> int | str:
    if len(digits) > _LONGEST_NUMBER:
        return digits
    number = int(digits)
    return number if abs(number) <= _LARGEST else digits


def _without_surrogates(value: Any) -> Any:
    """PostgreSQL stores none, and no answer can carry one back."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(_SURROGATE.sub(_REPLACEMENT, text)) if _SURROGATE.search(text) else value


_DECODER: Final = json.JSONDecoder(strict=False, parse_int=_integer, parse_constant=str)
_LARGE_DECODER: Final = json.JSONDecoder(strict=False, parse_int=str, parse_constant=str)
