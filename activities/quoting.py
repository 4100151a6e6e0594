"""How a mail shows what a person or a charge point wrote: quoted, labelled, below our own words.

Whoever may write a project's name could otherwise have us send a sentence of theirs: no such text
is in a subject, and none stands before the first sentence of ours.
"""

from collections.abc import Iterator
from typing import Final

_LONGEST: Final = 200
_MOST_LINES: Final = 100


def one_line(text: str, *, longest: int = _LONGEST) -> str:
    """Put a text on one line, as long as a name is at most."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else f"{flat[: longest - 3]}..."


def quoted(text: str) -> str:
    """Put a name into quotation marks, which nothing within it ends."""
    return '"' + one_line(text).replace('"', "'") + '"'


def labelled(**texts: str | None) -> Iterator[str]:
    """Write a line for each: what it is, and the text in quotation marks; none for an empty one."""
    for label, text in texts.items():
        if text:
            yield f"  {label.replace('_', ' ')}: {quoted(text)}"


def passage(label: str, text: str | None) -> Iterator[str]:
    """Write a longer text below what it is, each of its lines marked as a quotation."""
    if not text:
        return
    lines = text.splitlines()
    yield f"{label}:"
    yield ""
    yield from (f"  > {line}".rstrip() for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"  ({len(lines) - _MOST_LINES} more lines are left out)"
    yield ""
