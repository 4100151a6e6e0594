"""Local lists of the charge points whose sockets are here.

Id tags are read and sent here, and nowhere else: they reach no workflow and no log.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from domain.offline import HeldList, ListState, LocalListUpdated, UpdateLocalList
from domain.ports import ChargePointGoneError
from ocpp_server.protocol import Reading
from ocpp_server.registry import Registry
from ocpp_server.session import Session
from storage import local_lists
from storage.engine import Database
from storage.learnt_configuration import read_habits

_NOT_WANTED: Final = LocalListUpdated(state=ListState.UNCONFIRMED, detail="None is to be sent.")


class LocalLists:
    """Implements :class:`activities.charge_point.LocalListActivities`."""

    def __init__(self, registry: Registry, database: Database) -> None:
        self._registry = registry
        self._database = database

    async def update_local_list(self, request: UpdateLocalList) -> LocalListUpdated:
        """Set the keys that it needs, send what differs, and note what became of it."""
        identity = request.charge_point_id
        session = self._registry.require(identity)
        async with self._database.read() as connection:
            wanted = await local_lists.read_wanted(connection, identity)
            habits = await read_habits(connection, identity)
        if wanted is None:
            return _NOT_WANTED
        keys: dict[str, str | None] = {}
        lists = session.protocol.lists
        try:
            found = await lists.update_local_list(session, wanted, Reading(habits.reading), keys)
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
            version = await local_lists.read_to_clear(connection, identity)
        if version is None:
            return
        emptied = await session.protocol.lists.clear_local_list(session, version=version)
        session.peer.tell("local_list_emptied" if emptied else "local_list_not_emptied")
        async with self._database.write() as connection:
            await local_lists.forget_list(connection, identity)

    async def _keep(
        self,
        session: Session,
        wanted: local_lists.WantedList,
        found: LocalListUpdated,
        keys: Mapping[str, str | None],
    ) -> None:
        held = HeldList(list=found, keys=dict(keys), checked_at=datetime.now(UTC))
        async with self._database.write() as connection:
            await local_lists.keep_list(
                connection,
                session.peer.charge_point_id,
                held,
                wanted,
                generation=session.peer.generation,
            )
