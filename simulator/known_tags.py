"""Which id tags a charge point knows by itself: those of its local list, and those it has seen.

Local authorisation as section 3.5 of OCPP 1.6 has it. The list comes before the cache.
"""

from typing import Final

from simulator.configuration import Configuration
from simulator.fault import Fault
from simulator.frames import Payload
from simulator.words import Answered

SMALL_LIST: Final = 5
"""Entries that a faulty list, or a faulty message, takes at most."""
_ACCEPTED: Final = "Accepted"
_LONGEST: Final = "LocalAuthListMaxLength"
_LONGEST_MESSAGE: Final = "SendLocalListMaxLength"


class KnownTags:
    """The list and the cache; id tags are the same in any case (CiString20)."""

    def __init__(self, configuration: Configuration, faults: set[Fault]) -> None:
        self._configuration = configuration
        self._faults = faults
        self.version = 0
        self._listed: dict[str, str] = {}
        self._seen: dict[str, str] = {}

    @property
    def listed(self) -> list[str]:
        """The id tags of its list, in lower case."""
        return sorted(self._listed)

    def update(self, payload: Payload) -> Answered:
        """Answer SendLocalList (section 5.15)."""
        entries = payload.get("localAuthorizationList", [])
        full = payload["updateType"] == "Full"
        if not full and Fault.FULL_LISTS_ONLY in self._faults:
            return Answered.FAILED
        if not full and payload["listVersion"] <= self.version:
            return Answered.VERSION_MISMATCH
        after = {} if full else dict(self._listed)
        for entry in entries:
            key, info = entry["idTag"].casefold(), entry.get("idTagInfo")
            if info is not None:
                after[key] = info["status"]
            elif full:
                return Answered.FAILED  # in a full list each has to say what it is (section 7.18)
            else:
                after.pop(key, None)
        if not self._has_room(len(entries), len(after)):
            return Answered.FAILED
        if Fault.KEEPS_NO_LIST not in self._faults:
            self._listed, self.version = after, payload["listVersion"]
        return Answered.ACCEPTED

    def _has_room(self, sent: int, kept: int) -> bool:
        if Fault.SMALL_LIST in self._faults and kept > SMALL_LIST:
            return False
        if Fault.SHORT_LISTS in self._faults and sent > SMALL_LIST:
            return False
        return (
            self._configuration.is_on("LocalAuthListEnabled")
            and sent <= self._configuration.integer(_LONGEST_MESSAGE)
            and kept <= self._configuration.integer(_LONGEST)
        )

    def heard(self, id_tag: str, status: str) -> None:
        """Keep what the central system said of a tag in the cache (section 3.5.1)."""
        self._seen[id_tag.casefold()] = status

    def clear_cache(self) -> None:
        """Forget the tags that were seen."""
        self._seen.clear()

    def clear_list(self) -> None:
        """Lose the list."""
        self._listed.clear()
        self.version = 0

    def need_not_ask(self, id_tag: str) -> bool:
        """Whether it lets a known tag charge before the central system has answered."""
        return self._configuration.is_on("LocalPreAuthorize") and self._knows(id_tag) == _ACCEPTED

    def admits_offline(self, id_tag: str) -> bool:
        """Whether the tag may charge while there is no connection (section 3.5.4)."""
        known = self._knows(id_tag)
        if known is not None:
            return known == _ACCEPTED and self._configuration.is_on("LocalAuthorizeOffline")
        return self._configuration.is_on("AllowOfflineTxForUnknownId")

    def _knows(self, id_tag: str) -> str | None:
        key = id_tag.casefold()
        if self._configuration.is_on("LocalAuthListEnabled") and key in self._listed:
            return self._listed[key]
        if self._configuration.is_on("AuthorizationCacheEnabled"):
            return self._seen.get(key)
        return None
