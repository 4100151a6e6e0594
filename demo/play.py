"""The play: every step of the guide, with one charge point that fails at first."""

import asyncio
import json
import re
from pathlib import Path

from demo.account import Account
from demo.caller import Caller, Document
from demo.guide_alone import GuideAlone
from demo.mailbox import Mailbox
from demo.owner import SUPPLY_AMPS, Meter, OwnersDay
from demo.papers import Papers
from demo.photo import photo_of_a_charge_point
from demo.runs import INSTALLER, Runs
from simulator import Fault, State, VirtualChargePoint, find_model

_MODEL = "ABB Terra AC W22"
_PASSWORD = "s3cur3P@ssword!"  # noqa: S105 - of an account that lives as long as the demo
_OWNER = "facilities@riversidebp.com"
_SERIALS = ("CP-SN-00483921", "CP-SN-00483922")
_FAULTY = _SERIALS[1]
_TARIFF: Document = {
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
_ANSWERED = {State.PENDING, State.ACCEPTED}
_SPEED = 5.0  # of the charge points' own waits; energy and time stay real
_DECLARED: Document = {
    "certificate_reference": "EIC-2026-0413",
    "earthing_system": "TN-C-S",
    "protective_device_current_a": 40,
    "cable_cross_section_mm2": 6,
    "r1_plus_r2_ohm": 0.21,
    "polarity": "correct",
    "rcd_type": "A+6mA-DC",
    "rcd_rated_current_ma": 30,
    "rcd_trip_time_ms": 18.4,
    "earth_loop_impedance_ohm": 0.35,
    "insulation_resistance_mohm": 999,
    "instrument": "MFT1741+ no. 101223118",
    "tested_by": "Jane Smith",
    "signature": "J. Smith",
}


class Play:
    """One performance; :meth:`run` raises DemoFailedError where something does not hold."""

    def __init__(
        self, installer: Caller, owner: Caller, account: Account, *, mail: Path, papers: Path
    ) -> None:
        self._installer = installer
        self._owner = owner
        self._account = account
        self._mailbox = Mailbox(mail)
        self._papers = papers
        self._meter = Meter()
        self._project = ""
        self._ids: dict[str, str] = {}
        self._runs = Runs(installer, account, self._ids)
        self._chargers: dict[str, VirtualChargePoint] = {}
        self._powered: list[asyncio.Task[None]] = []
        self._second = GuideAlone(
            installer,
            owner,
            account,
            self._mailbox,
            owner_email=_OWNER,
            password=_PASSWORD,
            speed=_SPEED,
        )

    async def run(self) -> None:
        """Play every step; the charge points stay online until :meth:`switch_off`."""
        await self._sign_up()
        await self._register()
        await self._connect()
        await self._configure()
        await self._second.begin()
        await self._commission()
        await self._retry()
        await self._declare()
        await self._invite()
        await self._hand_over()
        site = f"/api/v1/site-owner/projects/{self._project}"
        papers = Papers(self._owner, self._account, site=site, folder=self._papers)
        await OwnersDay(self._owner, self._account, site=site, meter=self._meter).run(papers)
        await papers.keep_certificates(self._ids[_SERIALS[0]])
        papers.show()
        await self._second.run()

    async def switch_off(self) -> None:
        """Take the charge points off the power."""
        for task in self._powered:
            task.cancel()
        await asyncio.gather(*self._powered, return_exceptions=True)
        await self._second.switch_off()

    async def _sign_up(self) -> None:
        self._account.step("An installer signs up and logs in")
        account = {"email": "installer@acme.com", "password": _PASSWORD}
        await self._installer.post(
            f"{INSTALLER}/signup",
            {"name": "Acme Installations", "company": "Acme EV Solutions Ltd", **account},
            status=201,
        )
        login = await self._installer.post(f"{INSTALLER}/login", account, status=200)
        self._installer.use_token(login["token"])

    async def _register(self) -> None:
        self._account.step(
            "A project: what its supply carries, what a kWh costs, two charge points"
        )
        project = await self._installer.post(
            f"{INSTALLER}/projects",
            {
                "name": "Riverside Business Park",
                "address": "12 Riverside Way, Bristol, BS1 4AA",
                "site_owner_email": _OWNER,
                "time_zone": "Europe/London",
            },
            status=201,
        )
        self._project = project["id"]
        path = f"{INSTALLER}/projects/{self._project}"
        await self._installer.put(f"{path}/power", {"max_amps_per_phase": SUPPLY_AMPS, "phases": 3})
        await self._installer.put(f"{path}/default-tariff", _TARIFF)
        for bay, serial in enumerate(_SERIALS, start=3):
            created = await self._installer.post(
                f"{INSTALLER}/charge-points",
                {
                    "project_id": self._project,
                    "serial_number": serial,
                    "model": _MODEL,
                    "vendor": "ABB",
                    "ocpp_version": "1.6",
                    "location": {
                        "latitude": 51.4545,
                        "longitude": -2.5879,
                        "address": f"Bay {bay}, Car Park A, Riverside Business Park",
                    },
                },
                status=201,
            )
            self._ids[serial] = created["id"]
            self._chargers[serial] = VirtualChargePoint(
                find_model(_MODEL),
                created["ocpp_endpoint"],
                serial=serial,
                faults=frozenset({Fault.CONNECTOR_FAULTED} if serial == _FAULTY else ()),
                listener=self._meter.look,
                speed=_SPEED,
            )
            self._meter.chargers.append(self._chargers[serial])
            self._account.say(f"{serial} is to connect to {created['ocpp_endpoint']}")

    async def _connect(self) -> None:
        self._account.step("The connection, before and after the charge points are switched on")
        first = self._ids[_SERIALS[0]]
        path = f"{INSTALLER}/charge-points/{first}/test-connection"
        dark = await self._installer.post(path, status=200)
        self._account.expect(
            holds=dark["connected"] is False, what=f"Not connected: {dark['reason']}"
        )
        for charger in self._chargers.values():
            self._powered.append(asyncio.create_task(charger.run()))
            # Answered, not only connected: what the engine answers, it has written down.
            await charger.until(lambda charger=charger: charger.state in _ANSWERED)  # type: ignore[misc]
        online = await self._installer.post(path, status=200)
        self._account.expect(
            holds=online["connected"] is True and online["ocpp_version_negotiated"] == "1.6",
            what=f"Connected by OCPP {online['ocpp_version_negotiated']}, "
            f"a round trip takes {online['latency_ms']} ms",
        )

    async def _configure(self) -> None:
        self._account.step("The configuration: the model's template, then what the site needs")
        first = self._ids[_SERIALS[0]]
        template = await self._installer.get(f"{INSTALLER}/charge-points/{first}/config/template")
        for parameter in template["parameters"]:
            self._account.say(f"{parameter['key']} = {json.dumps(parameter['default'])}")
        values = {
            "HeartbeatInterval": 30,
            "MeterValueSampleInterval": 15,
            "AuthorizationCacheEnabled": False,
        }
        parameters = [{"key": key, "value": value} for key, value in values.items()]
        result = await self._installer.post(
            f"{INSTALLER}/charge-points/{first}/config/customize",
            {"parameters": parameters},
            status=200,
        )
        self._account.expect(
            holds=result["applied"] == list(values) and result["pending_reboot"] is False,
            what="The charge point took all three at once",
        )

    async def _commission(self) -> None:
        self._account.step("Commissioning: both at once; one has a faulted connector")
        for serial in _SERIALS:
            await self._runs.start(serial, "start", {"run_test_transaction": True})
        bad = await self._runs.verdict(_FAULTY)
        self._runs.show(_FAULTY, bad)
        self._account.expect(
            holds=bad["status"] == "failed" and bad["failure"]["code"] == "connector_faulted",
            what="It failed, and says why and what to do",
        )

    async def _retry(self) -> None:
        self._account.step("The electrician mends it; a retry passes, while the other one charges")
        self._chargers[_FAULTY].clear_fault(Fault.CONNECTOR_FAULTED)
        await self._runs.start(_FAULTY, "retry", None)
        good, verdict = await asyncio.gather(*(self._runs.verdict(serial) for serial in _SERIALS))
        self._runs.show(_SERIALS[0], good)
        self._account.expect(
            holds=good["status"] == "completed"
            and [check["result"] for check in good["checks"]] == ["passed"] * 4,
            what="All four checks passed, a real charge among them",
        )
        self._runs.show(_FAULTY, verdict)
        self._account.expect(holds=verdict["status"] == "completed", what="The retry passed")
        record = await self._installer.get(
            f"{INSTALLER}/commissioning/{self._ids[_FAULTY]}/runs/{verdict['commissioning_id']}"
        )
        energy = record["checks"][-1]["evidence"]["transaction_energy_wh"]
        self._account.expect(
            holds=energy > 0, what=f"The record holds the evidence: {energy:g} Wh were charged"
        )

    async def _declare(self) -> None:
        self._account.step("What the installer has measured, and a photo")
        for serial in _SERIALS:
            path = f"{INSTALLER}/charge-points/{self._ids[serial]}"
            await self._installer.put(f"{path}/declaration", _DECLARED)
        photos = f"{INSTALLER}/charge-points/{self._ids[_SERIALS[0]]}/photos"
        picture = photo_of_a_charge_point()
        await self._installer.send_photo(f"{photos}?caption=Bay 3, drawn", picture)
        self._account.say("The certificate shows both, marked as declared by the installer.")

    async def _invite(self) -> None:
        self._account.step("The site owner is invited")
        refused = await self._installer.post(
            f"{INSTALLER}/projects/{self._project}/complete-handover",
            {"sign_off_notes": "Too early.", "installer_signature": "J. Smith"},
            status=409,
        )
        codes = [blocker["code"] for blocker in refused["blockers"]]
        self._account.expect(
            holds=codes == ["owner_not_accepted"],
            what="A handover before the owner has accepted is refused",
        )
        await self._installer.post(
            f"{INSTALLER}/projects/{self._project}/invite-site-owner",
            {
                "email": _OWNER,
                "message": "Your charge points at Riverside Business Park are ready.",
            },
            status=201,
        )
        mail = self._mailbox.newest()
        self._account.quote(mail)
        token = re.search(r"/invitations/(\S+)", mail)
        self._account.expect(holds=token is not None, what="The mail carries a link")
        assert token is not None  # noqa: S101 - expected above
        page = await self._owner.submit(
            f"/invitations/{token.group(1)}/accept",
            {"name": "Riverside Facilities", "password": _PASSWORD},
        )
        self._account.expect(
            holds="Welcome" in page, what="The owner has accepted on the page, with a password"
        )

    async def _hand_over(self) -> None:
        self._account.step("The handover")
        done = await self._installer.post(
            f"{INSTALLER}/projects/{self._project}/complete-handover",
            {
                "sign_off_notes": "All connectors tested. Site owner briefed on app usage.",
                "installer_signature": "J. Smith",
            },
            status=200,
        )
        self._account.expect(
            holds=done["status"] == "handed_over", what=f"Handed over at {done['completed_at']}"
        )
        login = await self._owner.post(
            "/api/v1/site-owner/login", {"email": _OWNER, "password": _PASSWORD}, status=200
        )
        self._owner.use_token(login["token"])
        projects = await self._owner.get("/api/v1/site-owner/projects")
        names = [project["name"] for project in projects["items"]]
        self._account.expect(
            holds=names == ["Riverside Business Park"], what="The site owner sees the project"
        )
