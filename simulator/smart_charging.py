"""Charging profiles: which are installed, and what they allow (OCPP 1.6, section 3.13).

Within a purpose the valid profile with the highest stack level counts; TxProfile comes before
TxDefaultProfile; ChargePointMaxProfile caps them all, each connector by itself: sharing it out
among the connectors is more than this hardware does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from simulator import schedules
from simulator.frames import Payload
from simulator.profile import Profile
from simulator.words import Answered

MAX_INSTALLED = 10
MAX_STACK_LEVEL = 10
HORIZON_SECONDS = 86_400


class Purpose(StrEnum):
    """What a profile is for."""

    STATION = "ChargePointMaxProfile"
    DEFAULT = "TxDefaultProfile"
    TRANSACTION = "TxProfile"


@dataclass(frozen=True, slots=True)
class Installed:
    """A profile, and the connector that it is for; 0 is every connector."""

    connector_id: int
    profile: Payload

    @property
    def purpose(self) -> str:
        """Its chargingProfilePurpose."""
        return str(self.profile["chargingProfilePurpose"])

    @property
    def slot(self) -> tuple[int, str, int]:
        """Two profiles with the same slot replace each other."""
        return self.connector_id, self.purpose, int(self.profile["stackLevel"])


class ChargingProfiles:
    """The charging profiles of one charge point."""

    def __init__(self, profile: Profile) -> None:
        self._max_power_w = profile.max_power_w
        self._voltage = profile.voltage
        self._phases = 1 if profile.direct_current else profile.phases
        self._installed: list[Installed] = []

    def install(self, connector_id: int, profile: Payload, *, transaction: bool) -> Answered:
        """Answer SetChargingProfile (section 5.16); raise ValueError for a date that is none."""
        schedules.check_dates(profile)
        new = Installed(connector_id, profile)
        wrong = (
            (new.purpose == Purpose.STATION and connector_id != 0)
            or (new.purpose == Purpose.TRANSACTION and not transaction)
            or not 0 <= int(profile["stackLevel"]) <= MAX_STACK_LEVEL
        )
        kept = [one for one in self._installed if not _replaces(new, one)]
        if wrong or len(kept) >= MAX_INSTALLED:
            return Answered.REJECTED
        self._installed = [*kept, new]
        return Answered.ACCEPTED

    def clear(self, wanted: Payload) -> Answered:
        """Answer ClearChargingProfile: the profiles that match every given field go."""
        kept = [one for one in self._installed if not _matches(one, wanted)]
        found = len(kept) < len(self._installed)
        self._installed = kept
        return Answered.ACCEPTED if found else Answered.UNKNOWN

    def end_transaction(self, connector_id: int) -> None:
        """Forget the TxProfiles of a transaction that ended."""
        self._installed = [
            one
            for one in self._installed
            if one.connector_id != connector_id or one.purpose != Purpose.TRANSACTION
        ]

    def limit_w(
        self,
        connector_id: int,
        now: datetime,
        began: datetime | None,
        *,
        phases: int | None = None,
        with_default: bool = True,
    ) -> float:
        """Return the power, in W, that connector `connector_id` may draw now.

        A vehicle on fewer `phases` than there are draws less of an ampere, and all of a watt.
        """
        used = self._phases if phases is None else min(phases, self._phases)
        mine = [one for one in self._installed if one.connector_id in {0, connector_id}]

        def effective(purpose: Purpose) -> float | None:
            of_purpose = [one for one in mine if one.purpose == purpose]
            return _effective(of_purpose, now, began, watts_per_ampere=self._voltage * used)

        of_transaction = effective(Purpose.TRANSACTION)
        if of_transaction is None and with_default:
            of_transaction = effective(Purpose.DEFAULT)
        limits = [effective(Purpose.STATION), of_transaction]
        hardware = self._max_power_w * used / self._phases
        return min([hardware, *(limit for limit in limits if limit is not None)])

    def composite(
        self, connector_id: int, now: datetime, seconds: int, *, with_default: bool = True
    ) -> list[Payload]:
        """Return the periods, in W, of the schedule that results over the next `seconds`."""
        periods: list[Payload] = []
        for offset in [0, *self._changes(now, now, seconds)]:
            then = now + timedelta(seconds=offset)
            limit = round(self.limit_w(connector_id, then, now, with_default=with_default), 1)
            if not periods or periods[-1]["limit"] != limit:
                periods.append({"startPeriod": offset, "limit": limit})
        return periods

    def seconds_to_change(self, now: datetime, began: datetime) -> int | None:
        """Return in how many seconds a schedule has its next step, within a day, or None."""
        return next(iter(self._changes(now, began, HORIZON_SECONDS)), None)

    def _changes(self, now: datetime, began: datetime, seconds: int) -> list[int]:
        offsets: set[int] = set()
        for one in self._installed:
            offsets.update(schedules.steps(one.profile, now, began))
        return sorted(offset for offset in offsets if 0 < offset < seconds)


def _effective(
    of_purpose: Iterable[Installed],
    now: datetime,
    began: datetime | None,
    *,
    watts_per_ampere: float,
) -> float | None:
    for one in sorted(of_purpose, key=lambda one: (-one.slot[2], -one.connector_id)):
        limit = schedules.limit_w(one.profile, now, began, watts_per_ampere=watts_per_ampere)
        if limit is not None:
            return limit
    return None


def _replaces(new: Installed, old: Installed) -> bool:
    same_id = new.profile["chargingProfileId"] == old.profile["chargingProfileId"]
    return same_id or new.slot == old.slot


def _matches(one: Installed, wanted: Payload) -> bool:
    found = {
        "id": one.profile["chargingProfileId"],
        "connectorId": one.connector_id,
        "chargingProfilePurpose": one.purpose,
        "stackLevel": one.profile["stackLevel"],
    }
    return all(found[name] == value for name, value in wanted.items())
