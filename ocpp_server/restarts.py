"""Values that a charge point has taken and that count after its restart: kept until it boots.

What it reports is no proof of a restart: some report the new value at once, and go by the old one.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from domain.operations import DesiredParameter
from domain.rules.restart import Taken, has_restarted
from ocpp_server.peer import Peer
from storage import commands, facts
from storage.engine import Database
from storage.restarts import keep_taken, read_taken


class AwaitedRestarts:
    """Values that wait for the restart of one charge point, by key in lower case."""

    def __init__(
        self,
        database: Database,
        charge_point_id: str,
        waiting: Mapping[str, Taken],
        restarted: Iterable[str] = (),
    ) -> None:
        self._database = database
        self._charge_point_id = charge_point_id
        self._waiting = dict(waiting)
        self.restarted = frozenset(restarted)
        """Keys for whose values it has restarted by now."""

    @classmethod
    async def of(cls, database: Database, peer: Peer) -> "AwaitedRestarts":
        """Read what waits, and see what it has restarted for meanwhile."""
        async with database.read() as connection:
            taken = await read_taken(connection, peer.charge_point_id)
            if not taken:
                return cls(database, peer.charge_point_id, {})
            boot = await facts.newest_boot(connection, peer.charge_point_id)
            reset_at = await commands.last_reset(connection, peer.charge_point_id)
        restarted = {
            key
            for key, one in taken.items()
            if has_restarted(
                one.at,
                boot_at=None if boot is None else boot.at,
                connected_at=peer.connected_at,
                reset_at=reset_at,
            )
        }
        waiting = {key: one for key, one in taken.items() if key not in restarted}
        return cls(database, peer.charge_point_id, waiting, restarted)

    def __bool__(self) -> bool:
        """Whether anything waits for a restart."""
        return bool(self._waiting)

    def waits(self, parameter: DesiredParameter) -> bool:
        """Tell whether just this value waits for a restart."""
        taken = self._waiting.get(parameter.key.casefold())
        return taken is not None and taken.value == parameter.value

    def waits_for_another(self, parameter: DesiredParameter) -> bool:
        """Tell whether another value will count after the restart, whatever it reports now."""
        return parameter.key.casefold() in self._waiting and not self.waits(parameter)

    async def took(self, key: str, value: str) -> None:
        """Keep a value that it has taken and that counts after a restart."""
        self._waiting[key.casefold()] = Taken(value=value, at=datetime.now(UTC))
        await self._keep()

    async def applied(self, key: str) -> None:
        """Forget the value that waited: it goes by another one already."""
        if self._waiting.pop(key.casefold(), None) is not None:
            await self._keep()

    async def end(self) -> None:
        """Forget what it has restarted for, once that was read back."""
        if self.restarted:
            await self._keep()

    async def _keep(self) -> None:
        async with self._database.write() as connection:
            await keep_taken(connection, self._charge_point_id, self._waiting)
