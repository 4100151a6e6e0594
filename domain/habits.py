"""What was learnt of a charge point's ways: the next run begins where this one got through."""

from dataclasses import dataclass
from enum import StrEnum

from domain.operations import TriggerKind


class ConfigurationReading(StrEnum):
    """How its configuration can be read: from the widest question to the narrowest."""

    ALL = "all"
    PAGES = "pages"
    KEYS = "keys"


@dataclass(frozen=True, kw_only=True, slots=True)
class Habits:
    """Ways of one charge point. ``deadly_triggers`` made it drop its link when it was asked."""

    reading: ConfigurationReading = ConfigurationReading.ALL
    deadly_triggers: frozenset[TriggerKind] = frozenset()
