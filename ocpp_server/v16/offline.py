"""Lists of id tags in OCPP 1.6: the functions of :class:`ocpp_server.protocol.OfflineLists`."""

from collections.abc import Mapping

from domain.offline import CACHE, KEYS, LocalListUpdated
from domain.operations import Reply
from domain.rules.offline import is_true
from ocpp_server.calls import BadAnswerError
from ocpp_server.protocol import Reading
from ocpp_server.replies import ask
from ocpp_server.session import Session
from ocpp_server.v16.inventory import ConfigurationReader, Inventory, read
from ocpp_server.v16.local_list import LocalList, clear_local_list
from storage.local_lists import WantedList

__all__ = ["clear_local_list", "update_local_list"]


async def update_local_list(
    session: Session, wanted: WantedList, reading: Reading, keys: dict[str, str | None]
) -> LocalListUpdated:
    """Set the keys that it needs, and send what differs; ``keys`` gets those that are known.

    With what the owner has changed, it forgets whom it has seen.
    """
    inventory = await _read(ConfigurationReader(session, reading))
    keys |= await _set(session, inventory, wanted.settings)
    found = await LocalList(session, inventory).bring(
        wanted.id_tags, before=wanted.before, is_current=wanted.is_current
    )
    if not wanted.is_current and is_true(keys.get(CACHE)):
        # Whom the owner does not admit any more it may have seen before.
        await ask(session, "ClearCache", {})
    return found


async def _read(reader: ConfigurationReader) -> Inventory:
    """Read what decides who charges offline; nothing is known of what is not answered."""
    try:
        return await reader.read(KEYS)
    except BadAnswerError:
        return Inventory()


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
        try:
            again = await read(session, written)
        except BadAnswerError:
            again = Inventory()
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
