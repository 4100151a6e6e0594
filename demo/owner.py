"""The owner's side of the play: two vehicles under one limit, one record each, the statement."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo.account import Account
from demo.caller import Caller, Document
from demo.papers import Papers
from simulator import VirtualChargePoint
from simulator.events import Event, EventKind

SUPPLY_AMPS = 20
_WATTS_PER_AMPERE = 690
_PATIENCE_SECONDS = 30
_CHARGE_SECONDS = 4.0
_POLL_SECONDS = 0.25
_OFFLINE = "offline_charging"
_PACE = 10  # so that a few seconds cost a few pence; much more is beyond physics, and held

Condition = Callable[[Any], bool]


@dataclass
class Meter:
    """What the charge points of the site draw together, looked at whenever it changes."""

    chargers: list[VirtualChargePoint] = field(default_factory=list)
    highest: float = 0.0

    def look(self, event: Event) -> None:
        """Take note of a change of power."""
        if event.kind is EventKind.POWER:
            self.highest = max(self.highest, self.amps)

    @property
    def amps(self) -> float:
        """Amperes per phase, now."""
        return sum(charger.power_w() for charger in self.chargers) / _WATTS_PER_AMPERE


class OwnersDay:
    """What happens after the handover; raises DemoFailedError where something does not hold."""

    def __init__(self, owner: Caller, account: Account, *, site: str, meter: Meter) -> None:
        self._owner = owner
        self._account = account
        self._site = site
        self._meter = meter

    async def run(self, papers: Papers) -> None:
        """The features become active, two vehicles charge, each is billed."""
        await self._features()
        await self._charge()
        await papers.keep_statement(await self._bill())
        await self._offline()
        self._account.step("The certificates")

    async def _features(self) -> None:
        self._account.step("Billing and smart charging come alive")
        features = await self._until("features", _all_active)
        self._account.expect(
            holds=_all_active(features),
            what=f"Active: {', '.join(one['feature'] for one in features[:2])}",
        )
        await self._owner.put(f"{self._site}/access", {"mode": "open"})

    async def _charge(self) -> None:
        self._account.step(f"Two vehicles charge at once; the supply carries {SUPPLY_AMPS} A")
        self._meter.highest = 0.0
        self._account.say(f"For the demo, their meters count {_PACE} times as fast.")
        for number, charger in enumerate(self._meter.chargers, start=1):
            charger.hasten_meters(_PACE)
            charger.plug_in()
            charger.present_card(f"CARD{number}")
        load = await self._until("load", _all_charge)
        shares = [one["allotted_amps"] for one in load["sessions"]]
        self._account.expect(
            holds=len(shares) == len(self._meter.chargers) and sum(shares) == SUPPLY_AMPS,
            what=f"Each has its share: {' A and '.join(map(str, shares))} A",
        )
        await asyncio.sleep(_CHARGE_SECONDS)
        for charger in self._meter.chargers:
            charger.unplug()
        self._account.expect(
            holds=0 < self._meter.highest <= SUPPLY_AMPS,
            what=f"They never drew more than {self._meter.highest:.1f} A together",
        )

    async def _bill(self) -> Document:
        """Return one of the records."""
        self._account.step("Each session is billed once; the test charges are not")
        records: list[Document] = (await self._until("cdrs", self._one_each))["items"]
        for record in records:
            self._account.say(_in_words(record))
        self._account.expect(
            holds=len(records) == len(self._meter.chargers),
            what="One charge detail record for each session",
        )
        self._account.expect(
            holds=all(float(record["total_energy_cost"]["excl_vat"]) > 0 for record in records),
            what="Each has a fee, its energy by the kWh, and VAT",
        )
        return records[0]

    async def _offline(self) -> None:
        """What drivers could do if the engine were away now."""
        self._account.step("Each charge point says what drivers can do while the engine is away")
        features = await self._until("features", _offline_known)
        self._account.expect(holds=_offline_known(features), what="It is known of each")
        for bay in features[-1]["charge_points"]:
            self._account.say(bay["cause"])

    def _one_each(self, page: Document) -> bool:
        return len(page["items"]) >= len(self._meter.chargers)

    async def _until(self, path: str, holds: Condition) -> Any:
        """Ask until the answer is as it should be; the last one, when the patience is over."""
        ends = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            answer = await self._owner.get(f"{self._site}/{path}", quiet=True)
            if holds(answer) or asyncio.get_running_loop().time() > ends:
                return answer
            await asyncio.sleep(_POLL_SECONDS)


def _all_active(features: list[Document]) -> bool:
    """But for what drivers can do offline, which is asked of the charge points within a minute."""
    return all(
        feature["state"] == "active" for feature in features if feature["feature"] != _OFFLINE
    )


def _offline_known(features: list[Document]) -> bool:
    [offline] = [feature for feature in features if feature["feature"] == _OFFLINE]
    return bool(offline["state"] == "active")


def _all_charge(load: Document) -> bool:
    shares = [session["allotted_amps"] for session in load["sessions"]]
    return len(shares) > 1 and sum(shares) == SUPPLY_AMPS and all(shares)


def _in_words(record: Document) -> str:
    return (
        f"{record['cdr_location']['charge_point']}: "
        f"fee {record['total_fixed_cost']['excl_vat']}, "
        f"{float(record['total_energy']):.3f} kWh {record['total_energy_cost']['excl_vat']}, "
        f"with VAT {record['total_cost']['incl_vat']} {record['currency']} ({record['id']})"
    )
