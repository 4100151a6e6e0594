"""Who can charge while the engine is away: what is said of what a charge point has reported."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.offline import HeldList, ListState, LocalListUpdated
from domain.rules.offline import Drivers, Wish, judge_offline, settings_for
from domain.states import AccessMode, FeatureState, OfflineAccess

KEYS: dict[str, str | None] = {
    "LocalAuthListEnabled": "true",
    "LocalAuthorizeOffline": "true",
    "AllowOfflineTxForUnknownId": "false",
    "AuthorizationCacheEnabled": "false",
}
KEPT = LocalListUpdated(state=ListState.KEPT, version=7, id_tags=12, listed=12)
WISH = Wish(mode=AccessMode.LISTED, choice=None, id_tags=12, path="…/access")
OPEN = replace(WISH, mode=AccessMode.OPEN)
EMPTY = LocalListUpdated(state=ListState.KEPT, version=0)
ACTIVE, LIMITED = FeatureState.ACTIVE, FeatureState.LIMITED
LISTED = "Listed id tags can start (local list version 7, 12 of 12 id tags)."


def held(found: LocalListUpdated = KEPT, **keys: str | None) -> HeldList:
    return HeldList(list=found, keys=KEYS | keys, checked_at=datetime.now(UTC))


def without(*names: str) -> HeldList:
    keys = {name: value for name, value in KEYS.items() if name not in names}
    return HeldList(list=KEPT, keys=keys, checked_at=datetime.now(UTC))


CASES = {
    "listed": (held(), WISH, Drivers.LISTED, ACTIVE, LISTED),
    "and those seen": (
        held(AuthorizationCacheEnabled="TRUE"),
        WISH,
        Drivers.LISTED,
        ACTIVE,
        f"{LISTED} Id tags that were accepted there before can start, too.",
    ),
    "strangers": (
        held(AllowOfflineTxForUnknownId="1"),
        WISH,
        Drivers.ANYBODY,
        LIMITED,
        (
            "Anybody can start: it admits unknown id tags while it is offline "
            "(AllowOfflineTxForUnknownId)."
        ),
    ),
    "strangers of an open site": (
        held(AllowOfflineTxForUnknownId="true"),
        OPEN,
        Drivers.ANYBODY,
        ACTIVE,
        (
            "Anybody can start: it admits unknown id tags while it is offline "
            "(AllowOfflineTxForUnknownId)."
        ),
    ),
    "asks for all": (
        held(LocalAuthorizeOffline="false"),
        WISH,
        Drivers.NOBODY,
        LIMITED,
        "Nobody can start: it asks for every id tag (LocalAuthorizeOffline is false).",
    ),
    "asks for all, as is wanted": (
        held(LocalAuthorizeOffline="false"),
        replace(WISH, choice=OfflineAccess.NOBODY),
        Drivers.NOBODY,
        ACTIVE,
        "Nobody can start: it asks for every id tag (LocalAuthorizeOffline is false).",
    ),
    "not answered": (
        without("LocalAuthorizeOffline"),
        WISH,
        Drivers.UNKNOWN,
        LIMITED,
        (
            "Not known: whether it charges for anybody while it is offline is in "
            "LocalAuthorizeOffline, and it did not answer GetConfiguration for it."
        ),
    ),
    "not known": (
        held(LocalAuthorizeOffline=None),
        WISH,
        Drivers.UNKNOWN,
        LIMITED,
        (
            "Not known: whether it charges for anybody while it is offline is in "
            "LocalAuthorizeOffline, and it does not know it."
        ),
    ),
    "switched off": (
        held(LocalAuthListEnabled="false"),
        WISH,
        Drivers.NOBODY,
        LIMITED,
        "Nobody can start: its local list is switched off (LocalAuthListEnabled is false).",
    ),
    "an older list": (
        held(replace(KEPT, state=ListState.REFUSED, listed=13, detail="Failed")),
        WISH,
        Drivers.LISTED,
        LIMITED,
        (
            "Listed id tags can start (local list version 7, 12 of 13 id tags). It is an older "
            "list: it refused the newest one (Failed)."
        ),
    ),
    "no room": (
        held(replace(KEPT, state=ListState.PARTLY_KEPT, id_tags=0)),
        WISH,
        Drivers.NOBODY,
        LIMITED,
        "Nobody can start: its local list has no room (local list version 7, 0 of 12 id tags).",
    ),
    "nothing is listed": (
        held(EMPTY),
        replace(WISH, id_tags=0),
        Drivers.NOBODY,
        ACTIVE,
        "Nobody can start: its local list is empty, as no id tag is listed for it.",
    ),
    "it does not say which": (
        held(replace(KEPT, state=ListState.UNCONFIRMED, version=None)),
        WISH,
        Drivers.LISTED,
        ACTIVE,
        (
            "Listed id tags can start (local list version unknown, 12 of 12 id tags). It took the "
            "list, and does not say which it has."
        ),
    ),
}


@pytest.mark.parametrize(
    ("found", "wish", "drivers", "state", "said"), CASES.values(), ids=CASES.keys()
)
def test_what_is_said(
    found: HeldList, wish: Wish, drivers: Drivers, state: FeatureState, said: str
) -> None:
    judged = judge_offline(found, wish, is_current=True)
    assert (judged.drivers, judged.state, judged.said) == (drivers, state, said)
    if state is LIMITED:
        assert judged.action


@pytest.mark.parametrize("choice", [None, *OfflineAccess])
@pytest.mark.parametrize("mode", AccessMode)
def test_what_is_not_known_is_never_as_it_should_be(
    mode: AccessMode, choice: OfflineAccess | None
) -> None:
    wish = Wish(mode=mode, choice=choice, id_tags=1, path="…/access")
    assert judge_offline(None, wish, is_current=False).state is FeatureState.PENDING
    unread = HeldList(list=KEPT, keys={}, checked_at=datetime.now(UTC))
    assert judge_offline(unread, wish, is_current=True).state is LIMITED
    assert judge_offline(held(), wish, is_current=False).state is FeatureState.PENDING


@pytest.mark.parametrize("choice", [None, *OfflineAccess])
def test_strangers_are_admitted_by_choice_alone(choice: OfflineAccess | None) -> None:
    settings = settings_for(choice, has_tags=True)
    admits = settings.get("AllowOfflineTxForUnknownId")
    assert admits is (None if choice is None else choice is OfflineAccess.EVERYBODY)
