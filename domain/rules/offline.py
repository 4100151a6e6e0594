"""Who can charge at a charge point while the engine is away, by what it has reported itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.offline import (
    CACHE,
    LIST_ENABLED,
    OFFLINE,
    UNKNOWN_OFFLINE,
    HeldList,
    ListState,
    LocalListUpdated,
)
from domain.states import AccessMode, FeatureState, OfflineAccess

_TRUE: Final = frozenset({"true", "1"})
_FALSE: Final = frozenset({"false", "0"})
_ASK_AGAIN: Final = "It is asked again when it connects the next time: restart it, if it can be."


class Drivers(StrEnum):
    """Who can begin to charge."""

    ANYBODY = "anybody"
    LISTED = "listed"
    SEEN = "seen"
    """Whose id tag was accepted there before."""
    NOBODY = "nobody"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the owner of a site wants; ``choice`` None: nothing was said of the time offline."""

    mode: AccessMode
    choice: OfflineAccess | None
    id_tags: int
    path: str
    """Where that is chosen, for sentences."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offline:
    """Who can begin to charge offline, how far that is what is wanted, and what to do."""

    drivers: Drivers
    state: FeatureState
    said: str
    action: str | None = None


NOT_IN_USE: Final = Offline(
    drivers=Drivers.NOBODY,
    state=FeatureState.PENDING,
    said="It is not in use: it is being commissioned or withdrawn, or no run of it has passed.",
)


def settings_for(choice: OfflineAccess | None, *, has_tags: bool) -> Mapping[str, bool]:
    """Values of the keys that a choice of the owner needs; without one, the least is set.

    A list is of use only where it is enabled. Whether anybody charges offline at all, and whether
    strangers do, is the owner's to say.
    """
    match choice:
        case None:
            return {LIST_ENABLED: True} if has_tags else {}
        case OfflineAccess.NOBODY:
            return {OFFLINE: False, UNKNOWN_OFFLINE: False}
        case _:
            everybody = choice is OfflineAccess.EVERYBODY
            return {LIST_ENABLED: True, OFFLINE: True, UNKNOWN_OFFLINE: everybody}


def is_true(value: str | None) -> bool | None:
    """Read a boolean as charge points write it; None: it is neither."""
    text = "" if value is None else value.strip().casefold()
    return True if text in _TRUE else False if text in _FALSE else None


def judge_offline(held: HeldList | None, wish: Wish, *, is_current: bool) -> Offline:
    """Say it of one charge point; ``held`` None: it was not asked yet.

    ``is_current``: it has been looked at since the owner changed anything.
    """
    if held is None:
        return Offline(
            drivers=Drivers.UNKNOWN,
            state=FeatureState.PENDING,
            said="Not known yet: it was not asked since the handover. It is asked within a minute "
            "of being connected.",
        )
    drivers, said = _who(held)
    if not is_current:
        return Offline(
            drivers=drivers,
            state=FeatureState.PENDING,
            said=f"{said} What was changed since then is told to it within a minute of being "
            "connected.",
        )
    state = FeatureState.ACTIVE if _is_as_wished(drivers, held, wish) else FeatureState.LIMITED
    return Offline(
        drivers=drivers, state=state, said=said, action=_action(drivers, held, wish, state)
    )


def _who(held: HeldList) -> tuple[Drivers, str]:
    keys = {name.casefold(): value for name, value in held.keys.items()}

    def key(name: str) -> bool | None:
        return is_true(keys.get(name.casefold()))

    if key(UNKNOWN_OFFLINE):
        return Drivers.ANYBODY, (
            f"Anybody can start: it admits unknown id tags while it is offline ({UNKNOWN_OFFLINE})."
        )
    if key(OFFLINE) is None:
        why = "did not answer GetConfiguration for it"
        if OFFLINE.casefold() in keys:
            why = "does not know it"
        return Drivers.UNKNOWN, (
            f"Not known: whether it charges for anybody while it is offline is in {OFFLINE}, and "
            f"it {why}."
        )
    if not key(OFFLINE):
        return Drivers.NOBODY, f"Nobody can start: it asks for every id tag ({OFFLINE} is false)."
    seen = " Id tags that were accepted there before can start, too." if key(CACHE) else ""
    if key(LIST_ENABLED) and held.list.id_tags:
        return Drivers.LISTED, f"Listed id tags can start ({_list(held.list)}).{seen}{_flaw(held)}"
    why = _why_no_list(held, enabled=key(LIST_ENABLED))
    if key(CACHE):
        return Drivers.SEEN, f"Only id tags that were accepted there before can start: {why}"
    return Drivers.NOBODY, f"Nobody can start: {why}"


def _list(found: LocalListUpdated) -> str:
    version = "version unknown" if found.version is None else f"version {found.version}"
    return f"local list {version}, {found.id_tags} of {found.listed} id tags"


def _flaw(held: HeldList) -> str:
    found = held.list
    said = f" ({found.detail})" if found.detail else ""
    match found.state:
        case ListState.PARTLY_KEPT:
            return f" It takes no more{said}; those that charged last come first."
        case ListState.UNCONFIRMED:
            return " It took the list, and does not say which it has."
        case ListState.KEPT:
            return ""
        case _:
            return f" It is an older list: {_trouble(found)}."


def _trouble(found: LocalListUpdated) -> str:
    said = f" ({found.detail})" if found.detail else ""
    match found.state:
        case ListState.REFUSED:
            return f"it refused the newest one{said}"
        case ListState.UNANSWERED:
            return f"it did not answer to the newest one{said}"
        case ListState.BROKE_OFF:
            return "its link broke as it was sent the newest one"
        case ListState.NOT_KEPT:
            version = found.version
            return f"it accepted the newest one, and still reports version {version}"
        case _:
            return f"it takes none any more{said}"


def _why_no_list(held: HeldList, *, enabled: bool | None) -> str:
    found = held.list
    if found.state is ListState.NOT_SUPPORTED:
        return "it has no local list."
    if not found.listed:
        return "its local list is empty, as no id tag is listed for it."
    if enabled is False:
        return f"its local list is switched off ({LIST_ENABLED} is false)."
    if found.state in {ListState.KEPT, ListState.PARTLY_KEPT}:
        return f"its local list has no room ({_list(found)})."
    return f"its local list is empty, as {_trouble(found)}."


def _is_as_wished(drivers: Drivers, held: HeldList, wish: Wish) -> bool:
    whole = held.list.state in {ListState.KEPT, ListState.UNCONFIRMED}
    match wish.choice:
        case OfflineAccess.NOBODY:
            return drivers is Drivers.NOBODY
        case OfflineAccess.EVERYBODY:
            return drivers is Drivers.ANYBODY
        case None if wish.mode is AccessMode.OPEN:
            return drivers is not Drivers.UNKNOWN
        case _ if not wish.id_tags:
            return drivers in {Drivers.NOBODY, Drivers.SEEN}
        case _:
            return drivers is Drivers.LISTED and whole


def _action(drivers: Drivers, held: HeldList, wish: Wish, state: FeatureState) -> str | None:
    offer = f'PUT {wish.path} with "offline": '
    if state is FeatureState.ACTIVE:
        if wish.choice is None and wish.mode is AccessMode.OPEN and drivers is not Drivers.ANYBODY:
            return f'To have it charge for everybody then, too: {offer}"everybody".'
        return None
    if wish.choice is None and drivers is Drivers.ANYBODY:
        return f'To have it charge for listed id tags alone then: {offer}"listed".'
    if wish.choice is None and drivers is Drivers.NOBODY and held.list.id_tags:
        return f'To have it charge for listed id tags then, too: {offer}"listed".'
    if held.list.state is ListState.PARTLY_KEPT:
        return "Take id tags off the list that nobody uses any more."
    if held.list.state is ListState.NOT_SUPPORTED or drivers is Drivers.UNKNOWN:
        return (
            "Newer firmware may have what it lacks. Until then it charges for these drivers while "
            "it is connected."
        )
    return _ASK_AGAIN
