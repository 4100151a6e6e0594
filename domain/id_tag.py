"""Which id tags are accepted: a commissioning run's own, and those that the site's owner admits."""

from typing import Final

RUN_PART: Final = 18
"""So many characters are the run's; the two after them name the connector of a test charge."""
SHORTEST: Final = 8
"""So many characters of a run's tag are enough to tell it: some charge points cut a tag off."""
PADDING: Final = "0"
"""Some fill a tag up on its left, to the length that their cards have."""
_CONNECTORS: Final = 256


def key_of(id_tag: str) -> str:
    """Return what two spellings of an id tag have in common.

    Id tags are compared without regard to case.
    """
    return id_tag.strip().casefold()


def tag_of(run_tag: str, connector_id: int) -> str:
    """Return the tag of a run's test charge on that connector: 20 characters, as OCPP allows."""
    return f"{run_tag[:RUN_PART]}{connector_id % _CONNECTORS:02X}"


def is_of_run(id_tag: str, *, open_run_tag: str | None) -> bool:
    """Tell whether it is a tag of the open run of the charge point, on whichever connector.

    Cut off, or filled up, it is that still. Zeros that the run's own begins with are no filling.
    """
    if open_run_tag is None:
        return False
    run, told = key_of(open_run_tag)[:RUN_PART], key_of(id_tag)
    rest_of_run, rest = run.lstrip(PADDING), told.lstrip(PADDING)
    zeros = min(len(run) - len(rest_of_run), len(told) - len(rest))
    rest = rest[: len(rest_of_run)]
    return zeros + len(rest) >= min(SHORTEST, len(run)) and rest_of_run.startswith(rest)


def is_kept_whole(id_tag: str, *, run_tag: str) -> bool:
    """Tell whether a tag of that run came as it was told."""
    return key_of(id_tag)[:RUN_PART] == key_of(run_tag)[:RUN_PART]


def is_for_connector(id_tag: str, *, run_tag: str, connector_id: int) -> bool:
    """Tell whether it is the tag of that run's test charge on that connector."""
    return key_of(id_tag) == key_of(tag_of(run_tag, connector_id))
