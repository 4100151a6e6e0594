"""What was odd about the messages of a charge point, in words."""

from typing import Final

MORE: Final = "more was odd about its messages than is told apart here"
"""In place of what is odd, once too many kinds are told apart."""


def in_words(action: str, what: str, *, refused: bool, astray: bool = False) -> str:
    """Say it for the log and the record; ``action`` is empty where it could not be told."""
    if astray:
        return f"{action} was kept, and changed nothing: {what}."
    if not refused:
        return f"{action or 'A message'} was read although {what}."
    return f"{action or 'A message'} could not be read: {what.rstrip('.')}."
