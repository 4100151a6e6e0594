"""Values that a charge point has taken and that count after its restart: kept until it boots.

What it reports is no proof of a restart: some report the new value at once, and go by the old one.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from domain.operations import DesiredParameter
from domain.rules.restart import Taken, has_restarted
from ocpp_server.peer import Peer
from storage import commands
from storage.boots import newest_boot
from storage.engine import Database
from storage.learnt_configuration import keep_taken, read_taken


@dataclass(eq=False)
class AwaitedRestarts:
    """Values that wait for the restart of one charge point, by key in lower case."""

    database: Database
    charge_point_id: str
    waiting: dict[str, Taken] = field(default_factory=dict)
    restarted: frozenset[str] = frozenset()
    """Keys for whose values it has restarted by now."""

    @classmethod
    async def of(cls, database: Database, peer: Peer) -> "AwaitedRestarts":
        """Read what waits, and see what it has restarted for meanwhile."""
        async with database.read() as connection:
            taken = await read_taken(connection, peer.charge_point_id)
            if not taken:
                return cls(database, peer.charge_point_id)
            boot = await newest_boot(connection, peer.charge_point_id)
            reset_at = await commands.last_reset(connection, peer.charge_point_id)
        restarted = frozenset(
            key
            for key, one in taken.items()
            if has_restarted(
                one.at,
                boot_at=None if boot is None else boot.at,
                connected_at=peer.connected_at,
                reset_at=reset_at,
            )
        )
        waiting = {key: one for key, one in taken.items() if key not in restarted}
        return cls(database, peer.charge_point_id, waiting, restarted)

    def __bool__(self) -> bool:
        """Whether anything waits for a restart."""
        return bool(self.waiting)

    def waits(self, parameter: DesiredParameter) -> bool:
        """Tell whether just this value waits for a restart."""
        taken = self.waiting.get(parameter.key.casefold())
        return taken is not None and taken.value == parameter.value

    def waits_for_another(self, parameter: DesiredParameter) -> bool:
        """Tell whether another value will count after the restart, whatever it reports now."""
        return parameter.key.casefold() in self.waiting and not self.waits(parameter)

    async def took(self, key: str, value: str) -> None:
        """Keep a value that it has taken and that counts after a restart."""
        self.waiting[key.casefold()] = Taken(value=value, at=datetime.now(UTC))
        await self._keep()

    async def applied(self, key: str) -> None:
        """Forget the value that waited: it goes by another one already."""
        if self.waiting.pop(key.casefold(), None) is not None:
            await self._keep()

    async def end(self) -> None:
        """Forget what it has restarted for, once that was read back."""
        if self.restarted:
            await self._keep()

    async def _keep(self) -> None:
        async with self.database.write() as connection:
            await keep_taken(connection, self.charge_point_id, self.waiting)
