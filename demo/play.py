"""The play: every step of the guide, with one charge point that fails at first."""

import asyncio
import json
import re
from email import message_from_bytes
from email.policy import default as mail_policy
from pathlib import Path

from demo.account import Account
from demo.caller import Caller, Document
from demo.owner import SUPPLY_AMPS, Meter, OwnersDay
from simulator import Fault, VirtualChargePoint, find_model

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
_VERDICT_SECONDS = 60
_POLL_SECONDS = 1.0
_INSTALLER = "/api/v1/installer"


class Play:
    """One performance; :meth:`run` raises DemoFailedError where something does not hold."""

    def __init__(
        self, installer: Caller, owner: Caller, account: Account, *, mail: Path, papers: Path
    ) -> None:
        self._installer = installer
        self._owner = owner
        self._account = account
        self._mail = mail
        self._papers = papers
        self._meter = Meter()
        self._project = ""
        self._ids: dict[str, str] = {}
        self._chargers: dict[str, VirtualChargePoint] = {}
        self._powered: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Play every step; the charge points stay online until :meth:`switch_off`."""
        await self._sign_up()
        await self._register()
        await self._connect()
        await self._configure()
        await self._commission()
        await self._retry()
        await self._invite()
        await self._hand_over()
        await OwnersDay(
            self._owner,
            self._account,
            project=self._project,
            meter=self._meter,
            keep_in=self._papers,
        ).run()

    async def switch_off(self) -> None:
        """Take the charge points off the power."""
        for task in self._powered:
            task.cancel()
        await asyncio.gather(*self._powered, return_exceptions=True)

    async def _sign_up(self) -> None:
        self._account.step("An installer signs up and logs in")
        account = {"email": "installer@acme.com", "password": _PASSWORD}
        await self._installer.post(
            f"{_INSTALLER}/signup",
            {"name": "Acme Installations", "company": "Acme EV Solutions Ltd", **account},
            status=201,
        )
        login = await self._installer.post(f"{_INSTALLER}/login", account, status=200)
        self._installer.use_token(login["token"])

    async def _register(self) -> None:
        self._account.step(
            "A project: what its supply carries, what a kWh costs, two charge points"
        )
        project = await self._installer.post(
            f"{_INSTALLER}/projects",
            {
                "name": "Riverside Business Park",
                "address": "12 Riverside Way, Bristol, BS1 4AA",
                "site_owner_email": _OWNER,
            },
            status=201,
        )
        self._project = project["id"]
        path = f"{_INSTALLER}/projects/{self._project}"
        await self._installer.put(f"{path}/power", {"max_amps_per_phase": SUPPLY_AMPS, "phases": 3})
        await self._installer.put(f"{path}/default-tariff", _TARIFF)
        for bay, serial in enumerate(_SERIALS, start=3):
            created = await self._installer.post(
                f"{_INSTALLER}/charge-points",
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
            )
            self._meter.chargers.append(self._chargers[serial])
            self._account.say(f"{serial} is to connect to {created['ocpp_endpoint']}")

    async def _connect(self) -> None:
        self._account.step("The connection, before and after the charge points are switched on")
        first = self._ids[_SERIALS[0]]
        path = f"{_INSTALLER}/charge-points/{first}/test-connection"
        dark = await self._installer.post(path, status=200)
        self._account.expect(
            holds=dark["connected"] is False, what=f"Not connected: {dark['reason']}"
        )
        for charger in self._chargers.values():
            self._powered.append(asyncio.create_task(charger.run()))
            await charger.until(lambda charger=charger: charger.connected, within=10)  # type: ignore[misc]
        online = await self._installer.post(path, status=200)
        self._account.expect(
            holds=online["connected"] is True and online["ocpp_version_negotiated"] == "1.6",
            what=f"Connected by OCPP {online['ocpp_version_negotiated']}, "
            f"a round trip takes {online['latency_ms']} ms",
        )

    async def _configure(self) -> None:
        self._account.step("The configuration: the model's template, then what the site needs")
        first = self._ids[_SERIALS[0]]
        template = await self._installer.get(f"{_INSTALLER}/charge-points/{first}/config/template")
        for parameter in template["parameters"]:
            self._account.say(f"{parameter['key']} = {json.dumps(parameter['default'])}")
        values = {
            "HeartbeatInterval": 30,
            "MeterValueSampleInterval": 15,
            "AuthorizationCacheEnabled": False,
        }
        parameters = [{"key": key, "value": value} for key, value in values.items()]
        result = await self._installer.post(
            f"{_INSTALLER}/charge-points/{first}/config/customize",
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
            await self._start(serial, "start", {"run_test_transaction": True})
        good, bad = [await self._verdict(serial) for serial in _SERIALS]
        self._show(_SERIALS[0], good)
        self._account.expect(
            holds=good["status"] == "completed"
            and [check["result"] for check in good["checks"]] == ["passed"] * 4,
            what="All four checks passed, a real charge among them",
        )
        self._show(_FAULTY, bad)
        self._account.expect(
            holds=bad["status"] == "failed" and bad["failure"]["code"] == "connector_faulted",
            what="The other failed, and says why and what to do",
        )

    async def _retry(self) -> None:
        self._account.step("The electrician mends the connector; the retry passes")
        self._chargers[_FAULTY].clear_fault(Fault.CONNECTOR_FAULTED)
        await self._start(_FAULTY, "retry", None)
        verdict = await self._verdict(_FAULTY)
        self._show(_FAULTY, verdict)
        self._account.expect(holds=verdict["status"] == "completed", what="The retry passed")
        record = await self._installer.get(
            f"{_INSTALLER}/commissioning/{self._ids[_FAULTY]}/runs/{verdict['commissioning_id']}"
        )
        energy = record["checks"][-1]["evidence"]["transaction_energy_wh"]
        self._account.expect(
            holds=energy > 0, what=f"The record holds the evidence: {energy:g} Wh were charged"
        )

    async def _invite(self) -> None:
        self._account.step("The site owner is invited")
        refused = await self._installer.post(
            f"{_INSTALLER}/projects/{self._project}/complete-handover",
            {"sign_off_notes": "Too early.", "installer_signature": "J. Smith"},
            status=409,
        )
        codes = [blocker["code"] for blocker in refused["blockers"]]
        self._account.expect(
            holds=codes == ["owner_not_accepted"],
            what="A handover before the owner has accepted is refused",
        )
        await self._installer.post(
            f"{_INSTALLER}/projects/{self._project}/invite-site-owner",
            {
                "email": _OWNER,
                "message": "Your charge points at Riverside Business Park are ready.",
            },
            status=201,
        )
        mail = self._newest_mail()
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
            f"{_INSTALLER}/projects/{self._project}/complete-handover",
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

    async def _start(self, serial: str, how: str, body: Document | None) -> None:
        await self._installer.post(
            f"{_INSTALLER}/commissioning/{self._ids[serial]}/{how}", body, status=202
        )

    async def _verdict(self, serial: str) -> Document:
        """Poll the status, as the guide says, until the run has a verdict."""
        path = f"{_INSTALLER}/commissioning/{self._ids[serial]}/status"
        async with asyncio.timeout(_VERDICT_SECONDS):
            while True:
                status: Document = await self._installer.get(path, quiet=True)
                if status["status"] != "in_progress":
                    return status
                await asyncio.sleep(_POLL_SECONDS)

    def _show(self, serial: str, status: Document) -> None:
        checks = ", ".join(f"{check['name']} {check['result']}" for check in status["checks"])
        self._account.say(f"{serial}: {status['status']} ({checks})")
        if status["failure"]:
            self._account.say(f"{status['failure']['cause']} {status['failure']['action']}")

    def _newest_mail(self) -> str:
        newest = max(self._mail.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        message = message_from_bytes(newest.read_bytes(), policy=mail_policy)
        body = message.get_body(("plain",))
        text = body.get_content() if body else ""
        return f"To: {message['To']}\nSubject: {message['Subject']}\n\n{text}"
