"""The local list of id tags (OCPP 1.6 §5.10, §5.15): sent whole, in as many messages as it takes.

The lengths that a charge point reports are tried first, and shorter ones where it refuses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from domain.offline import CACHE, KEYS, LIST_LENGTH, MESSAGE_LENGTH, ListState, LocalListUpdated
from domain.operations import Outcome, Reply
from domain.rules.offline import is_true
from ocpp_server.calls import BadAnswerError, ask
from ocpp_server.dispatch import Payload
from ocpp_server.protocol import Reading
from ocpp_server.session import Session
from ocpp_server.v16.configuration_messages import ConfigurationReader, Inventory, read_if_told
from storage.local_lists import WantedList

_USUAL_LENGTH: Final = 50
_LONGEST: Final = 500
_SHORTER: Final = (20, 5, 1)
_MOST_MESSAGES: Final = 500
_MAX_VERSION: Final = 2**31 - 1
_MISMATCH: Final = "VersionMismatch"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sent:
    """How far a list got: so many id tags, up to that version; ``refusal`` is what ended it."""

    version: int
    kept: int
    refusal: Outcome | None = None


async def _read_version(session: Session) -> int | Outcome | None:
    """Read the version of the list by GetLocalListVersion; None where the answer says none."""
    try:
        answer = await session.call("GetLocalListVersion", {})
    except BadAnswerError as error:
        return error.outcome
    version = answer.get("listVersion")
    return version if isinstance(version, int) else None


class LocalList:
    """The local list of one charge point."""

    def __init__(self, session: Session, inventory: Inventory) -> None:
        self._session = session
        said = inventory.number(MESSAGE_LENGTH)
        self._says_length = bool(said)
        self._length = min(max(said or _USUAL_LENGTH, 1), _LONGEST)
        self._room = inventory.number(LIST_LENGTH)

    async def bring(
        self, id_tags: Sequence[str], *, before: LocalListUpdated, is_current: bool
    ) -> LocalListUpdated:
        """Have it keep these id tags, the most important first; ``before`` is what is known of it.

        ``is_current``: it was sent just these, and nothing is sent if it has that version still.
        """
        told = await _read_version(self._session)
        if isinstance(told, Outcome):
            if _is_final(told):
                return _ended(told, before, len(id_tags))
            told = None
        if told is not None and told < 0:
            return LocalListUpdated(state=ListState.NOT_SUPPORTED, listed=len(id_tags))
        if is_current and told is not None and told == before.version:
            return replace(before, listed=len(id_tags))
        if not id_tags and told == 0:
            return LocalListUpdated(state=ListState.KEPT, version=0)
        version = max(before.version or 0, told or 0)
        if version > _MAX_VERSION - 2 * _MOST_MESSAGES:
            version = 0  # a full list may have any version
        wanted = id_tags if self._room is None else id_tags[: self._room]
        sent = await self._send(wanted, after=version)
        if sent.kept == 0 and sent.refusal is not None:
            return _ended(sent.refusal, before, len(id_tags))
        return await self._confirmed(sent, listed=len(id_tags))

    async def _send(self, id_tags: Sequence[str], *, after: int) -> _Sent:
        """Send in the longest messages that it takes."""
        lengths = [self._length, *(one for one in _SHORTER if one < self._length)]
        sent = _Sent(version=after, kept=0)
        for length in lengths:
            some = id_tags[: length * _MOST_MESSAGES]
            if len(some) <= length < self._length:
                continue  # it refused just this message
            sent = await self._send_in(some, length, after=sent.version)
            if sent.refusal is None or sent.kept or _is_final(sent.refusal):
                break
        beyond = sent.kept and sent.kept < len(id_tags) and sent.refusal is not None
        if beyond and not self._says_length and sent.kept == self._length:
            # It may know no other than full lists.
            whole = await self._send_in(id_tags[:_LONGEST], _LONGEST, after=sent.version)
            sent = whole if whole.refusal is None else replace(sent, refusal=whole.refusal)
        return sent

    async def _send_in(self, id_tags: Sequence[str], length: int, *, after: int) -> _Sent:
        """Send a full list, and what has no place in that message after it."""
        version, kept, renewed = after, 0, False
        while kept < len(id_tags) or version == after:
            part = id_tags[kept : kept + length]
            outcome = await _update(self._session, version + 1, part, full=kept == 0)
            if outcome.detail == _MISMATCH and not renewed:
                # Somebody else has written there, or an earlier answer was lost: all anew.
                told = await _read_version(self._session)
                after = version = max(version, told if isinstance(told, int) else 0)
                kept, renewed = 0, True
                continue
            if outcome.reply is not Reply.ACCEPTED:
                return _Sent(version=version, kept=kept, refusal=outcome)
            version, kept = version + 1, kept + len(part)
        return _Sent(version=version, kept=kept)

    async def _confirmed(self, sent: _Sent, *, listed: int) -> LocalListUpdated:
        told = await _read_version(self._session)
        state = ListState.KEPT if sent.kept == listed else ListState.PARTLY_KEPT
        if not isinstance(told, int):
            state = ListState.UNCONFIRMED
        elif told != sent.version:
            return LocalListUpdated(state=ListState.NOT_KEPT, version=told, listed=listed)
        return LocalListUpdated(
            state=state,
            version=sent.version,
            id_tags=sent.kept,
            listed=listed,
            detail=None if sent.refusal is None else sent.refusal.detail,
        )


async def _update(session: Session, version: int, id_tags: Sequence[str], *, full: bool) -> Outcome:
    payload: Payload = {"listVersion": version, "updateType": "Full" if full else "Differential"}
    if id_tags:
        payload["localAuthorizationList"] = [
            {"idTag": one, "idTagInfo": {"status": "Accepted"}} for one in id_tags
        ]
    return await ask(session, "SendLocalList", payload)


async def clear_local_list(session: Session, *, version: int) -> bool:
    """Empty the list of a charge point that leaves its site; tells whether it said so."""
    outcome = await _update(session, version + 1, (), full=True)
    return outcome.reply is Reply.ACCEPTED


def _is_final(refusal: Outcome) -> bool:
    """Tell whether a shorter message would be refused in the same way."""
    return refusal.reply in {Reply.NOT_SUPPORTED, Reply.TIMEOUT}


def _ended(outcome: Outcome, before: LocalListUpdated, listed: int) -> LocalListUpdated:
    """What it had before, it may have still."""
    states = {
        Reply.NOT_SUPPORTED: ListState.NOT_SUPPORTED,
        Reply.TIMEOUT: ListState.UNANSWERED,
    }
    return replace(
        before,
        state=states.get(outcome.reply, ListState.REFUSED),
        listed=listed,
        detail=outcome.detail,
    )


async def update_local_list(
    session: Session, wanted: WantedList, reading: Reading, keys: dict[str, str | None]
) -> LocalListUpdated:
    """Set the keys that it needs, and send what differs; ``keys`` gets those that are known.

    With what the owner has changed, it forgets whom it has seen.
    """
    try:
        inventory = await ConfigurationReader(session, reading).read(KEYS)
    except BadAnswerError:
        inventory = Inventory()
    keys |= await _set(session, inventory, wanted.settings)
    found = await LocalList(session, inventory).bring(
        wanted.id_tags, before=wanted.before, is_current=wanted.is_current
    )
    if not wanted.is_current and is_true(keys.get(CACHE)):
        # Whom the owner does not admit any more it may have seen before.
        await ask(session, "ClearCache", {})
    return found


async def _set(
    session: Session, inventory: Inventory, settings: Mapping[str, bool]
) -> dict[str, str | None]:
    """Set what differs, where it may be; return the keys as they are reported then."""
    written = []
    for key, value in settings.items():
        reported = inventory.get(key)
        if reported is None or reported.readonly or is_true(reported.value) is value:
            continue
        payload = {"key": reported.key, "value": "true" if value else "false"}
        outcome = await ask(session, "ChangeConfiguration", payload)
        if outcome.reply is Reply.ACCEPTED:
            written.append(reported.key)
        elif outcome.reply is Reply.TIMEOUT:
            break
    if written:
        again = await read_if_told(session, written)
        for key in written:
            found = again.get(key)
            if found is None:
                del inventory.keys[key.casefold()]  # what it has now, it does not say
            else:
                inventory.keys[key.casefold()] = found
    known: dict[str, str | None] = {
        one: found.value for one in KEYS if (found := inventory.get(one)) is not None
    }
    known |= {one: None for one in KEYS if one.casefold() in inventory.unknown}
    return known
