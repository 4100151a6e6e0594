"""Id tags that charge points keep, for the time in which they cannot ask: messages and facts."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.operations import Operation

LIST_ENABLED: Final = "LocalAuthListEnabled"
LIST_LENGTH: Final = "LocalAuthListMaxLength"
MESSAGE_LENGTH: Final = "SendLocalListMaxLength"
OFFLINE: Final = "LocalAuthorizeOffline"
UNKNOWN_OFFLINE: Final = "AllowOfflineTxForUnknownId"
CACHE: Final = "AuthorizationCacheEnabled"
KEYS: Final = (
    LIST_ENABLED,
    LIST_LENGTH,
    MESSAGE_LENGTH,
    OFFLINE,
    UNKNOWN_OFFLINE,
    CACHE,
    "LocalPreAuthorize",
    "SupportedFeatureProfiles",
)
"""What decides who charges offline, by the catalogue's names; no secret is among it."""


class ListState(StrEnum):
    """What became of the local list of a charge point."""

    KEPT = "kept"
    """It keeps all that it was sent."""
    PARTLY_KEPT = "partly_kept"
    """It keeps fewer than are listed, and takes no more."""
    UNCONFIRMED = "unconfirmed"
    """It took the list, and did not say which it has."""
    NOT_KEPT = "not_kept"
    """It took the list, and still reports another."""
    NOT_SUPPORTED = "not_supported"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    BROKE_OFF = "broke_off"
    """Its link broke in the middle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateLocalList(Operation):
    """Bring the local list of a charge point to what its owner admits.

    Which id tags these are is read where it is sent: they are in no workflow's history.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalListUpdated:
    """What became of it; ``id_tags`` of ``listed`` are in the list of that ``version``.

    ``version`` None: it has none, or did not tell.
    """

    state: ListState
    version: int | None = None
    id_tags: int = 0
    listed: int = 0
    detail: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldList:
    """What is known of a charge point: its list, and its keys by name as it reported them.

    A key that it does not know is None; one that is not there was not answered.
    """

    list: LocalListUpdated
    keys: dict[str, str | None] = field(default_factory=dict)
    checked_at: datetime
