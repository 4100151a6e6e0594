"""What was odd about the messages of a charge point, in words."""


def in_words(action: str, what: str, *, refused: bool) -> str:
    """Say it for the log and the record; ``action`` is empty where it could not be told."""
    if not refused:
        return f"{action or 'A message'} was read although {what}."
    return f"{action or 'A message'} could not be read: {what.rstrip('.')}."
