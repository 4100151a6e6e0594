"""The owner's side of the play: two vehicles under one limit, one record each, the certificate."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.account import Account
from demo.caller import Caller, Document
from documents.check import check
from simulator import VirtualChargePoint
from simulator.events import Event, EventKind

SUPPLY_AMPS = 20
_WATTS_PER_AMPERE = 690
_PATIENCE_SECONDS = 30
_CHARGE_SECONDS = 4.0
_POLL_SECONDS = 0.5

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

    def __init__(
        self, owner: Caller, account: Account, *, project: str, meter: Meter, keep_in: Path
    ) -> None:
        self._owner = owner
        self._account = account
        self._site = f"/api/v1/site-owner/projects/{project}"
        self._meter = meter
        self._keep_in = keep_in

    async def run(self) -> None:
        """The features become active, two vehicles charge, each is billed; the papers are kept."""
        await self._features()
        await self._charge()
        await self._bill()
        await self._keep_certificate()

    async def _features(self) -> None:
        self._account.step("Billing and smart charging come alive")
        features = await self._until("features", _all_active)
        self._account.expect(
            holds=_all_active(features),
            what=f"Active: {', '.join(one['feature'] for one in features)}",
        )
        await self._owner.put(f"{self._site}/access", {"mode": "open"})

    async def _charge(self) -> None:
        self._account.step(f"Two vehicles charge at once; the supply carries {SUPPLY_AMPS} A")
        self._meter.highest = 0.0
        for number, charger in enumerate(self._meter.chargers, start=1):
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

    async def _bill(self) -> None:
        self._account.step("Each session is billed once; the test charges are not")
        records = (await self._until("cdrs", self._one_each))["items"]
        for record in records:
            self._account.say(
                f"{record['id']}: {record['total_energy']} kWh, "
                f"{record['total_cost']['incl_vat']} {record['currency']}"
            )
        self._account.expect(
            holds=len(records) == len(self._meter.chargers),
            what="One charge detail record for each session",
        )

    async def _keep_certificate(self) -> None:
        self._account.step("The certificate of the site")
        certificate = await self._owner.download(f"{self._site}/report")
        keys = await self._owner.download("/api/v1/certificate-keys")
        self._keep_in.mkdir(parents=True, exist_ok=True)
        paper, key_file = self._keep_in / "certificate.pdf", self._keep_in / "keys.json"
        paper.write_bytes(certificate)
        key_file.write_bytes(keys)
        found = check(paper, keys=[key_file], data_dir=self._keep_in)
        self._account.expect(
            holds=found.exit_code == 0,
            what=f"A signed PDF of {len(certificate) // 1024} KiB, verified offline",
        )
        self._account.quote(found.said)
        self._account.say(f"Check it yourself: dynamo verify {paper} --key {key_file}")

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
    return all(feature["state"] == "active" for feature in features)


def _all_charge(load: Document) -> bool:
    shares = [session["allotted_amps"] for session in load["sessions"]]
    return len(shares) > 1 and sum(shares) == SUPPLY_AMPS and all(shares)
