"""A site that is commissioned calmly and handed over in the chaos; vehicles come and go there."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from domain.states import FeatureState
from simulator import Fault
from simulator.connector import Transaction
from simulator.events import Event
from simulator.profile import ABB_TERRA_AC_W22, ALFEN_EVE_SINGLE, Profile
from storage.features import FeatureStatus, Power
from tests.chaos.caller import Caller
from tests.chaos.fleet import Charger, switched_on
from tests.chaos.installer import Installer
from tests.chaos.topology import Topology
from tests.chaos.visits import Dark, Visit, visits
from tests.support.eventually import eventually

MIN_AMPS = 6
_WATTS_PER_AMPERE = 690
_OWNER = "owner@site.example"
_LINK = re.compile(r"/invitations/(\S+)")
_COMMISSIONED_SECONDS, _BEGUN_SECONDS = 120.0, 3.0
# It does not give a transaction's message up while a node is away.
_PATIENT = {"TransactionMessageAttempts": "50", "TransactionMessageRetryInterval": "5"}
_MODELS: Sequence[Profile] = (
    replace(ABB_TERRA_AC_W22, boots_on_reconnect=False, configuration=_PATIENT),
    replace(ALFEN_EVE_SINGLE, configuration=_PATIENT),
    replace(ABB_TERRA_AC_W22, configuration=_PATIENT),
)
# Each takes part, and none may let the site above its limit.
_FIRMWARE: Sequence[frozenset[Fault]] = (
    frozenset(),
    frozenset({Fault.IDLE_SCHEDULE}),
    frozenset({Fault.REFUSES_ZERO}),
    frozenset({Fault.NO_STATION_PROFILE}),
    frozenset({Fault.FORGETS_PROFILES}),
    frozenset({Fault.TAKES_AMPERES, Fault.NO_COMPOSITE_SCHEDULE}),
    frozenset({Fault.ENDS_AT_ZERO}),
)
_TARIFF = {
    "currency": "GBP",
    "elements": [
        {
            "price_components": [
                {"type": "FLAT", "price": "0.50", "vat": "20"},
                {"type": "ENERGY", "price": "0.30", "vat": "20"},
            ]
        }
    ],
}


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
        return sum(one.virtual.power_w() for one in self.chargers) / _WATTS_PER_AMPERE

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
            for number, charger in enumerate(self.chargers):
                group.create_task(self._live(charger, seed, number, over))

    async def fill(self, within: float) -> None:
        """Let a vehicle stay at each charge point, until all that there is is drawn."""

        async def all_is_drawn() -> None:
            for charger in self.chargers:
                await self._arrive(charger)
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
        for charger in self.chargers:
            self._leave(charger)

    async def _status(self, engine: Topology) -> FeatureStatus | None:
        try:
            async with engine.database.read() as connection:
                return await Power(connection, self.project_id).smart_charging()
        except Exception:  # noqa: BLE001 - the database is away
            return None

    async def _live(self, charger: Charger, seed: int, number: int, over: float) -> None:
        async def wait(seconds: float) -> None:
            await asyncio.sleep(max(0.0, min(seconds, over - time.monotonic())))

        for visit in visits(seed, number):
            await wait(visit.pause)
            if time.monotonic() >= over:
                return
            self.visits[visit.dark] += 1
            await self._visit(charger, visit, wait)

    async def _visit(
        self, charger: Charger, visit: Visit, wait: Callable[[float], Awaitable[None]]
    ) -> None:
        if visit.dark in {Dark.ARRIVES, Dark.ALL}:
            charger.proxy.darken()
            await _until(charger, connected=False)
        await self._arrive(charger)
        if visit.dark is Dark.ARRIVES:
            charger.proxy.relight()
        await wait(visit.stay)
        if visit.dark is Dark.LEAVES:
            charger.proxy.darken()
        self._leave(charger)
        if visit.dark in {Dark.LEAVES, Dark.ALL}:
            await wait(visit.dark_afterwards)
            charger.proxy.relight()

    async def _arrive(self, charger: Charger) -> None:
        """Plug in, and present a card unless it charges already; the card may be refused."""
        virtual = charger.virtual
        if not virtual.transactions:
            virtual.unplug()  # what ended by itself is Finishing until then
        virtual.plug_in()
        if not virtual.transactions:
            virtual.present_card(f"CARD{virtual.serial[-6:]}")
            try:
                await virtual.until(lambda: bool(virtual.transactions), within=_BEGUN_SECONDS)
            except TimeoutError:
                return  # nobody answered
        self.note(charger)

    def _leave(self, charger: Charger) -> None:
        self.note(charger)
        charger.virtual.unplug()


@asynccontextmanager
async def site(
    installer: Installer, engine: Topology, *, size: int, seed: int, folder: Path
) -> AsyncIterator[Site]:
    """Make a site whose supply carries all of its vehicles but one, ready to be handed over."""
    project = await installer.project(_OWNER)
    made = Site(project_id=project, limit=size * MIN_AMPS - 4)
    await _prepare(installer, engine, made, folder)
    models = [
        (_MODELS[number % len(_MODELS)], _FIRMWARE[number % len(_FIRMWARE)])
        for number in range(size)
    ]
    async with switched_on(
        installer,
        engine.node_ports,
        project=project,
        models=models,
        name="SITE",
        seed=seed,
        listener=made.look,
    ) as chargers:
        made.chargers = chargers
        await asyncio.gather(*(_commission(installer, engine, one) for one in chargers))
        yield made


async def _prepare(installer: Installer, engine: Topology, made: Site, folder: Path) -> None:
    """Set limit and tariff, and let the owner come and admit everybody."""
    path = f"/installer/projects/{made.project_id}"
    await installer.calm("PUT", f"{path}/power", max_amps_per_phase=made.limit, phases=3)
    await installer.calm("PUT", f"{path}/default-tariff", **_TARIFF)
    await installer.calm("POST", f"{path}/invite-site-owner", email=_OWNER)
    (mail,) = (folder / "mail").glob("*.eml")
    body = message_from_bytes(mail.read_bytes(), policy=default).get_body(("plain",))
    link = _LINK.search(body.get_content() if body else "")
    assert link is not None
    async with Caller(engine.api_url) as owner:
        await owner.sign_up("/site-owner/invitations/accept", token=link[1], name="Sam Owner")
        await owner.log_in("site-owner", _OWNER)
        access = f"/site-owner/projects/{made.project_id}/access"
        await owner.calm("PUT", access, mode="open")


async def _commission(installer: Installer, engine: Topology, charger: Charger) -> None:
    await charger.virtual.until(lambda: charger.virtual.connected, within=30)
    run = await installer.start(charger.charge_point_id)

    async def ended() -> None:
        assert await engine.has_ended(run)

    await eventually(ended, within=_COMMISSIONED_SECONDS)


async def _until(charger: Charger, *, connected: bool) -> None:
    virtual = charger.virtual
    try:
        await virtual.until(lambda: virtual.connected is connected, within=_BEGUN_SECONDS)
    except TimeoutError:
        return  # it has not noticed yet
