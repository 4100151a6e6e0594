"""A site by the guide alone: two connectors, no limit, no tariff, and a mail to its owner."""

import asyncio
import re
from dataclasses import replace

from demo.account import Account
from demo.caller import Caller, Document
from demo.mailbox import Mailbox
from demo.runs import INSTALLER, Runs
from simulator import VirtualChargePoint, find_model

_SERIAL = "CP-SN-00483930"
_MODEL = replace(
    find_model("Alfen Eve Single Pro-line"),
    name="Alfen Eve Double Pro-line",
    model="Eve Double Pro-line",
    connectors=2,
    max_power_w=22_000,
)
_FULL_POWER = 0.99
"""Of what a connector gives at the most; meters round."""


class GuideAlone:
    """Hands a second site over with nothing but the guide's own calls, and lets vehicles charge."""

    def __init__(
        self,
        installer: Caller,
        owner: Caller,
        account: Account,
        mailbox: Mailbox,
        *,
        owner_email: str,
        password: str,
        speed: float,
    ) -> None:
        self._installer = installer
        self._owner = owner
        self._account = account
        self._mailbox = mailbox
        self._owner_email = owner_email
        self._password = password
        self._speed = speed
        self._ids: dict[str, str] = {}
        self._project = ""
        self._runs = Runs(installer, account, self._ids)
        self._charger: VirtualChargePoint | None = None
        self._powered: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """From the verdict to two vehicles at full power; the charge point stays online."""
        assert self._charger is not None  # noqa: S101 - begun before
        await self._commissioned()
        await self._hand_over()
        await self._charge(self._charger)

    async def switch_off(self) -> None:
        """Take the charge point off the power."""
        if self._powered is not None:
            self._powered.cancel()
            await asyncio.gather(self._powered, return_exceptions=True)

    async def begin(self) -> None:
        """Start its commissioning, which takes its time: a test charge on each connector."""
        self._account.step("A second site by the guide alone: one charge point, two connectors")
        project = await self._installer.post(
            f"{INSTALLER}/projects",
            {
                "name": "Harbour Car Park",
                "address": "3 Quay Road, Bristol, BS1 4RW",
                "site_owner_email": self._owner_email,
            },
            status=201,
        )
        self._project = project["id"]
        created = await self._installer.post(
            f"{INSTALLER}/charge-points",
            {
                "project_id": self._project,
                "serial_number": _SERIAL,
                "model": _MODEL.model,
                "vendor": _MODEL.vendor,
                "ocpp_version": "1.6",
            },
            status=201,
        )
        self._ids[_SERIAL] = created["id"]
        self._charger = charger = VirtualChargePoint(
            _MODEL, created["ocpp_endpoint"], serial=_SERIAL, speed=self._speed
        )
        self._powered = asyncio.create_task(charger.run())
        await charger.until(lambda: charger.connected)
        await self._runs.start(_SERIAL, "start", {"run_test_transaction": True})
        self._account.say("It is tested while the first site is; what becomes of it follows below.")

    async def _commissioned(self) -> None:
        self._account.step("The second site, by the guide alone")
        verdict = await self._runs.verdict(_SERIAL)
        self._runs.show(_SERIAL, verdict)
        self._account.expect(
            holds=verdict["status"] == "completed", what="Both connectors passed their test charge"
        )

    async def _hand_over(self) -> None:
        self._account.step("What its owner would find, and what its owner is told")
        path = f"{INSTALLER}/projects/{self._project}"
        await self._installer.post(
            f"{path}/invite-site-owner", {"email": self._owner_email}, status=201
        )
        token = re.search(r"/invitations/(\S+)", self._mailbox.newest())
        self._account.expect(holds=token is not None, what="The same owner is invited again")
        assert token is not None  # noqa: S101 - expected above
        await self._owner.submit(
            f"/invitations/{token.group(1)}/accept", {"password": self._password}
        )
        preview = await self._installer.get(f"{path}/handover")
        for warning in preview["warnings"]:
            self._account.say(f"{warning['code']}: {warning['detail']}")
        self._account.expect(
            holds=not preview["blockers"]
            and {"nobody_may_charge", "no_tariff", "no_power_limit"} <= set(_codes(preview)),
            what="Nothing stands in the way, and what is not set yet is said",
        )
        done = await self._installer.post(
            f"{path}/complete-handover", {"installer_signature": "J. Smith"}, status=200
        )
        self._account.expect(
            holds=_codes(done) == _codes(preview), what="Handed over, with the same warnings"
        )
        self._account.quote(await self._mailbox.with_words("Your site is handed over"))

    async def _charge(self, charger: VirtualChargePoint) -> None:
        self._account.step("The owner opens it, as the mail says; two vehicles charge")
        connectors = range(1, _MODEL.connectors + 1)
        # The vehicles of the test charges stand at their connectors no more.
        await charger.until(
            lambda: all(charger.status(number) == "Available" for number in connectors)
        )
        await self._owner.put(
            f"/api/v1/site-owner/projects/{self._project}/access", {"mode": "open"}
        )
        for number in connectors:
            charger.plug_in(number)
            charger.present_card(f"VISITOR{number}", number)
        await charger.until(
            lambda: all(
                charger.power_w(number) >= _FULL_POWER * _MODEL.max_power_w for number in connectors
            )
        )
        powers = [charger.power_w(number) / 1000 for number in connectors]
        self._account.expect(
            holds=True, what=f"At full power: {' kW and '.join(f'{kw:.1f}' for kw in powers)} kW"
        )
        for number in connectors:
            charger.unplug(number)


def _codes(answer: Document) -> list[str]:
    return [one["code"] for one in answer["warnings"]]
