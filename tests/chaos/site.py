"""A site that is handed over in the chaos: vehicles come and go there, and all is added up."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from domain.states import FeatureState
from simulator.connector import Transaction
from simulator.events import Event
from storage.features import FeatureStatus, Power
from tests.chaos.fleet import Charger
from tests.chaos.topology import Topology
from tests.chaos.visits import Dark, Visit, visits
from tests.support.eventually import eventually

_WATTS_PER_AMPERE = 690
_BEGUN_SECONDS = 3.0


@dataclass(kw_only=True)
class Site:
    """Its charge points, and what they saw. Currents are in amperes per phase."""

    project_id: str
    limit: float
    chargers: list[Charger] = field(default_factory=list)
    activated_after: float | None = None
    """Seconds from the handover until every charge point had confirmed its limits."""
    moments: int = 0
    """How often the sum was looked at."""
    most: float = 0.0
    above: list[str] = field(default_factory=list)
    sessions: dict[Transaction, str] = field(default_factory=dict)
    """Each transaction that a vehicle had, and its charge point."""
    visits: Counter[Dark] = field(default_factory=Counter)
    unused: list[str] = field(default_factory=list)
    """What nobody drew in the end though vehicles waited."""

    @property
    def drawn(self) -> float:
        """What flows now."""
        flows = sum(charger.virtual.power_w(connector) for charger, connector in self.outlets)
        return flows / _WATTS_PER_AMPERE

    @property
    def outlets(self) -> list[tuple[Charger, int]]:
        """Each connector, and whose it is."""
        return [
            (charger, connector)
            for charger in self.chargers
            for connector in range(1, charger.virtual.profile.connectors + 1)
        ]

    def look(self, event: Event) -> None:
        """Compare what flows with the limit; a listener of each charge point."""
        if self.activated_after is None:
            return
        self.moments += 1
        self.most = max(self.most, self.drawn)
        if self.drawn > self.limit:
            self.above.append(f"{self.drawn:.1f} A of {self.limit:g} A: {event.text}")
        for charger in self.chargers:
            self.note(charger)

    def note(self, charger: Charger) -> None:
        """Remember the transaction that runs there."""
        for transaction in charger.virtual.transactions:
            self.sessions.setdefault(transaction, charger.charge_point_id)

    async def until_active(self, engine: Topology, within: float) -> bool:
        """Wait until smart charging is active; False when it does not come to that."""
        began = time.monotonic()

        async def active() -> None:
            status = await self._status(engine)
            assert status is not None
            assert status.state is FeatureState.ACTIVE

        try:
            await eventually(active, within=within)
        except AssertionError:
            return False
        self.activated_after = time.monotonic() - began
        return True

    async def live(self, seed: int, over: float) -> None:
        """Let vehicles come and go until that moment on the monotonic clock."""
        async with asyncio.TaskGroup() as group:
            for number, (charger, connector) in enumerate(self.outlets):
                group.create_task(self._live(charger, connector, visits(seed, number), over))

    async def fill(self, within: float) -> None:
        """Let a vehicle stay at each connector, until all that there is is drawn."""

        async def all_is_drawn() -> None:
            for charger, connector in self.outlets:
                await self._arrive(charger, connector)
            self.unused = [f"{self.drawn:.1f} A of {self.limit:g} A are drawn"]
            # A vehicle draws up to 1 % less than it may.
            assert self.drawn > self.limit * 0.98
            self.unused = []

        try:
            await eventually(all_is_drawn, within=within)
        except AssertionError:
            return  # it is noted

    def clear(self) -> None:
        """Let all vehicles go."""
        for charger, connector in self.outlets:
            self._leave(charger, connector)

    async def _status(self, engine: Topology) -> FeatureStatus | None:
        try:
            async with engine.database.read() as connection:
                return await Power(connection, self.project_id).smart_charging()
        except Exception:  # noqa: BLE001 - the database is away
            return None

    async def _live(
        self, charger: Charger, connector: int, coming: Iterator[Visit], over: float
    ) -> None:
        async def wait(seconds: float) -> None:
            await asyncio.sleep(max(0.0, min(seconds, over - time.monotonic())))

        for visit in coming:
            await wait(visit.pause)
            if time.monotonic() >= over:
                return
            self.visits[visit.dark] += 1
            await self._visit(charger, connector, visit, wait)

    async def _visit(
        self,
        charger: Charger,
        connector: int,
        visit: Visit,
        wait: Callable[[float], Awaitable[None]],
    ) -> None:
        if visit.dark in {Dark.ARRIVES, Dark.ALL}:
            charger.proxy.darken()
            await _until(charger, connected=False)
        await self._arrive(charger, connector)
        if visit.dark is Dark.ARRIVES:
            charger.proxy.relight()
        await wait(visit.stay)
        if visit.dark is Dark.LEAVES:
            charger.proxy.darken()
        self._leave(charger, connector)
        if visit.dark in {Dark.LEAVES, Dark.ALL}:
            await wait(visit.dark_afterwards)
            charger.proxy.relight()

    async def _arrive(self, charger: Charger, connector: int) -> None:
        """Plug in, and present a card unless it charges already; the card may be refused."""
        virtual = charger.virtual

        def charges() -> bool:
            return any(one.connector_id == connector for one in virtual.transactions)

        if not charges():
            virtual.unplug(connector)  # what ended by itself is Finishing until then
        virtual.plug_in(connector)
        if not charges():
            virtual.present_card(f"CARD{virtual.serial[-6:]}{connector}", connector)
            try:
                await virtual.until(charges, within=_BEGUN_SECONDS)
            except TimeoutError:
                return  # nobody answered
        self.note(charger)

    def _leave(self, charger: Charger, connector: int) -> None:
        self.note(charger)
        charger.virtual.unplug(connector)


async def _until(charger: Charger, *, connected: bool) -> None:
    virtual = charger.virtual
    try:
        await virtual.until(lambda: virtual.connected is connected, within=_BEGUN_SECONDS)
    except TimeoutError:
        return  # it has not noticed yet
