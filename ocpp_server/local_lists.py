"""Local lists of the charge points whose sockets are here (:class:`domain.ports`).

Id tags are read and sent here, and nowhere else: they reach no workflow and no log.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from domain.offline import (
    CACHE,
    KEYS,
    HeldList,
    ListState,
    LocalListUpdated,
    UpdateLocalList,
)
from domain.operations import Reply
from domain.ports import ChargePointGoneError
from domain.rules.offline import is_true
from ocpp_server.calls import CallErrorReply, CallTimeoutError, InvalidReplyError
from ocpp_server.registry import Registry
from ocpp_server.session import Session
from ocpp_server.v16.inventory import Inventory, Reader, read
from ocpp_server.v16.local_list import LocalList, clear
from ocpp_server.v16.replies import ask
from storage.engine import Database
from storage.habits import read_habits
from storage.local_lists import (
    WantedList,
    forget_list,
    keep_list,
    read_to_clear,
    read_wanted,
)

_NOT_READ: Final = (CallErrorReply, CallTimeoutError, InvalidReplyError)
_NOT_WANTED: Final = LocalListUpdated(state=ListState.UNCONFIRMED, detail="None is to be sent.")


class LocalLists:
    """Implements :class:`domain.ports.LocalListGateway` for OCPP 1.6."""

    def __init__(self, registry: Registry, database: Database) -> None:
        self._registry = registry
        self._database = database

    async def update_local_list(self, request: UpdateLocalList) -> LocalListUpdated:
        """Set the keys that it needs, send what differs, and note what became of it.

        With what the owner has changed, it forgets whom it has seen.
        """
        identity = request.charge_point_id
        session = self._registry.require(identity)
        async with self._database.read() as connection:
            wanted = await read_wanted(connection, identity)
            habits = await read_habits(connection, identity)
        if wanted is None:
            return _NOT_WANTED
        keys: dict[str, str | None] = {}
        try:
            inventory = await _read(Reader(session, habits.reading))
            keys = await _set(session, inventory, wanted.settings)
            found = await LocalList(session, inventory).bring(
                wanted.id_tags, before=wanted.before, is_current=wanted.is_current
            )
            if not wanted.is_current and is_true(keys.get(CACHE)):
                # Whom the owner does not admit any more it may have seen before.
                await ask(session, "ClearCache", {})
        except ChargePointGoneError:
            broke = replace(
                wanted.before, state=ListState.BROKE_OFF, listed=len(wanted.id_tags), detail=None
            )
            await self._keep(session, wanted, broke, keys)
            raise
        await self._keep(session, wanted, found, keys)
        return found

    async def farewell(self, session: Session) -> None:
        """Empty the list of a charge point that was taken out of its site, if it has one."""
        identity = session.peer.charge_point_id
        async with self._database.read() as connection:
            version = await read_to_clear(connection, identity)
        if version is None:
            return
        emptied = await clear(session, version=version)
        session.peer.log.tell(
            "local_list_emptied" if emptied else "local_list_not_emptied", identity
        )
        async with self._database.write() as connection:
            await forget_list(connection, identity)

    async def _keep(
        self,
        session: Session,
        wanted: WantedList,
        found: LocalListUpdated,
        keys: Mapping[str, str | None],
    ) -> None:
        held = HeldList(list=found, keys=dict(keys), checked_at=datetime.now(UTC))
        async with self._database.write() as connection:
            await keep_list(
                connection,
                session.peer.charge_point_id,
                held,
                wanted,
                generation=session.peer.generation,
            )


async def _read(reader: Reader) -> Inventory:
    """Read what decides who charges offline; nothing is known of what is not answered."""
    try:
        return await reader.read(KEYS)
    except _NOT_READ:
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
        except _NOT_READ:
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
