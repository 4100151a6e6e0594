"""A new user's forty bays, with what goes wrong on a site; he does what the engine says.

The engine is the installed wheel, and so are the charge points. One serial number is mistyped, one
unit is dead, two were hung in each other's bay, and one reports no serial number. Each is mended by
following its advice alone, and the site is handed over.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.callers import PASSWORD, V1, Caller
from tests.documents.reading import texts
from tests.support import wheel
from tests.support.dynamo import Up
from tests.support.eventually import eventually
from tests.support.mail import invited
from tests.support.plain import PLAIN
from tests.support.processes import dynamo

BAYS = 40
TYPO, HERE, THERE, SERIALLESS, DEAD = 7, 20, 21, 39, 40
NEW_UNIT = "SN-2026-7"
OWNER = "facilities@riversidebp.com"
_CALL = re.compile(r'(POST|PATCH) …(/\S+\w)(?: with "(\w+)")?')


def serial(bay: int) -> str:
    """What the type plate of the unit that was bought for the bay says."""
    return f"SN-{bay}1"


def registered(bay: int) -> str:
    """What the installer read: an l for a 1."""
    return f"{serial(bay)[:-1]}l" if bay == TYPO else serial(bay)


def fine(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


async def looked_at(assertion: Callable[[], Awaitable[Any]]) -> Any:
    """Wait for what a look at forty bays shows; one is dear, so every two seconds."""
    return await eventually(assertion, within=200, longest_pause=2)


class Units:
    """The charge points on site, each a `dynamo simulate` with its serial number and endpoint."""

    def __init__(self, program: Sequence[str], folder: Path, there: AsyncExitStack) -> None:
        self._program, self._folder, self._there = program, folder, there

    async def switch_on(self, *urls: str, serial: str, fault: str = "") -> None:
        """Switch some on until the end; ``{n}`` in the serial number is 1 for the first URL."""
        words = [word for url in urls for word in ("--url", url)]
        words += ["--fault", fault] if fault else []
        await self._there.enter_async_context(
            dynamo(
                *("simulate", *words, "--serial", serial, "--speed", "10"),
                settings={},
                log=self._folder / "units.log",
                program=self._program,
            )
        )


class Installer:
    """Who has signed up a moment ago, at the API."""

    def __init__(self, front: Caller, mail: Path) -> None:
        self.front, self.mail = front, mail
        self.project = ""
        self.bays: dict[int, str] = {}

    async def begin(self) -> None:
        account = {"email": "installer@acme.example", "password": PASSWORD}
        names = {"name": "Alex", "company": "Acme Ltd"}
        fine(await self.front.call("POST", f"{V1}/installer/signup", account | names))
        session = fine(await self.front.call("POST", f"{V1}/installer/login", account))
        self.front.token = session["token"]
        self.project = f"/projects/{await self.front.project(site_owner_email=OWNER)}"

    async def import_bays(self) -> Mapping[int, str]:
        """Register them all from a file; the endpoint of each bay."""
        rows = [f'{registered(bay)},ABB Terra AC W22,ABB,"Bay {bay}"' for bay in range(1, BAYS + 1)]
        answer = await self.front.post(
            f"{self.project}/charge-points/import",
            content="\n".join(["serial_number,model,vendor,address", *rows]),
            headers={"Content-Type": "text/csv"},
        )
        items = dict(enumerate(fine(answer)["items"], start=1))
        self.bays = {bay: item["id"] for bay, item in items.items()}
        return {bay: item["ocpp_endpoint"] for bay, item in items.items()}

    async def told(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """What stands in the way of the handover, by charge point, and its warnings, by code."""
        shown = fine(await self.front.get(f"{self.project}/handover"))
        blockers = {one["charge_point_id"]: one["detail"] for one in shown["blockers"]}
        return blockers, {one["code"]: one["detail"] for one in shown["warnings"]}

    async def commission_all(self) -> Mapping[int, Any]:
        """Commission the project; who failed with what, by bay."""
        fine(await self.front.post(f"{self.project}/commission", {"wait_for_connection": 5}))

        async def has_ended() -> Any:
            shown = fine(await self.front.get(f"{self.project}/commissioning"))
            assert shown["status"] == "completed", shown["counts"]
            return shown["needs_a_person"]["items"]

        bay_of = {identity: bay for bay, identity in self.bays.items()}
        return {
            bay_of[one["charge_point_id"]]: one["failure"] for one in await looked_at(has_ended)
        }

    async def follow(self, advice: str, call: str, **given: Any) -> Any:
        """Make a call that a sentence of the engine gives, with the field that it names."""
        calls = {path: (method, field) for method, path, field in _CALL.findall(advice)}
        (path,) = [one for one in calls if call in one]
        method, field = calls[path]
        assert field in {"", *given}, f"{advice} does not ask for that"
        return fine(await self.front.call(method, f"{V1}/installer{path}", given or None))

    async def has_accepted(self, advice: str) -> None:
        """Let the owner accept an invitation."""
        await self.follow(advice, "/invite-site-owner", email=OWNER)
        accept = {"token": await eventually(lambda: invited(self.mail)), "password": PASSWORD}
        path = f"{V1}/site-owner/invitations/accept"
        fine(await self.front.call("POST", path, accept))

    async def hand_over(self) -> httpx.Response:
        body = {"sign_off_notes": "All bays tested.", "installer_signature": "J. Smith"}
        return await self.front.post(f"{self.project}/complete-handover", body)


@pytest.fixture
async def installer(installed: Sequence[str], tmp_path: Path) -> AsyncIterator[Installer]:
    data = tmp_path / "data"
    up = await Up.launch(data, {"PATH": wheel.PLAIN_PATH}, program=installed)
    try:
        base = (await up.until_ready())["API"].removesuffix("/api/v1")
        async with httpx.AsyncClient(
            verify=PLAIN, base_url=base, trust_env=False, timeout=60
        ) as http:
            yield Installer(Caller(http=http), data / "mail")
    finally:
        assert await up.stop() == 0


@pytest.mark.timeout(400)
async def test_each_is_mended_as_the_engine_says_and_the_site_is_handed_over(
    installer: Installer, installed: Sequence[str], tmp_path: Path
) -> None:
    await installer.begin()
    endpoints = await installer.import_bays()
    bays = installer.bays
    async with AsyncExitStack() as there:
        units = Units(installed, tmp_path, there)
        exchanged = {HERE: THERE, THERE: HERE}
        hung = [endpoints[exchanged.get(unit, unit)] for unit in range(1, SERIALLESS)]
        await units.switch_on(*hung, serial="SN-{n}1")
        await units.switch_on(endpoints[SERIALLESS], serial=serial(SERIALLESS), fault="no-serial")

        async def the_others_are_there() -> None:
            away = (await installer.told())[1]["not_connected"]
            assert away.startswith(f"Charge point {serial(DEAD)} is not connected now")

        await looked_at(the_others_are_there)
        failed = await installer.commission_all()
        assert {bay: failure["code"] for bay, failure in failed.items()} == {
            TYPO: "serial_mismatch",
            DEAD: "never_connected",
            HERE: "serial_of_another",
            THERE: "serial_of_another",
        }
        status = fine(await installer.front.get(f"/commissioning/{bays[SERIALLESS]}/status"))
        assert [one["name"] for one in status["checks"] if one.get("needs_review")] == [
            "ocpp_handshake"
        ]
        blocked = (await installer.hand_over()).json()["blockers"]
        assert {one["charge_point_id"] for one in blocked} == {None, *(bays[bay] for bay in failed)}

        await installer.has_accepted(blocked[-1]["detail"])
        plate = re.findall(r"says its serial number is '([^']+)'", failed[TYPO]["cause"])
        path = f"/charge-points/{bays[TYPO]}"
        await installer.follow(failed[TYPO]["action"], path, serial_number=plate[0])
        assert serial(THERE) in failed[HERE]["cause"]
        assert f"Bay {THERE}" in failed[HERE]["cause"]
        pair = re.findall(r"cp_\w{26}", failed[HERE]["action"])
        assert set(pair) == {bays[HERE], bays[THERE]}
        assert '"exchange": "units"' in failed[HERE]["action"]
        swap = {"charge_point_ids": pair, "exchange": "units"}
        await installer.follow(failed[HERE]["action"], "/charge-points/swap", **swap)
        new = {"serial_number": NEW_UNIT, "reason": "Dead on arrival"}
        made = await installer.follow(failed[DEAD]["action"], "/replace", **new)
        bays[DEAD] = made["charge_point"]["id"]
        await units.switch_on(made["charge_point"]["ocpp_endpoint"], serial=NEW_UNIT)

        blockers, _ = await installer.told()
        assert set(blockers) == {bays[bay] for bay in failed}
        for advice in blockers.values():
            await installer.follow(advice, "/commissioning/")

        async def nothing_stands_in_the_way() -> None:
            assert (await installer.told())[0] == {}

        await looked_at(nothing_stands_in_the_way)
        fine(await installer.hand_over())
        await the_certificate_says_it_all(installer)


async def the_certificate_says_it_all(installer: Installer) -> None:
    answer = await installer.front.get(f"{installer.project}/report")
    assert answer.status_code == httpx.codes.OK, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    pages = [" ".join(page.split()) for page in texts(answer.content)]
    covers = [page for page in pages if not page.startswith("Commissioning certificate ABB")]
    cover, own = " ".join(covers), pages[len(covers) :]
    assert "40 of 40 passed, 1 to be reviewed, 1 withdrawn" in cover
    units = {bay: serial(bay) for bay in range(1, BAYS + 1)}
    units |= {HERE: serial(THERE), THERE: serial(HERE), DEAD: NEW_UNIT}
    assert len(own) == BAYS
    for (bay, unit), page in zip(units.items(), own, strict=True):
        declared = " (declared, not read)" if bay == SERIALLESS else ""
        assert f"{unit}{declared} ABB Terra AC W22 Bay {bay} " in cover
        assert f"Serial number {unit}{declared} " in page
        assert f"Place Bay {bay} Charge point {installer.bays[bay]} " in page
        assert "Nothing was declared." in page
    assert f"Replaces {serial(DEAD)} " in own[-1]
    assert "declared, not read" not in " ".join(own[: SERIALLESS - 1] + own[SERIALLESS:])
    assert registered(TYPO) not in " ".join(pages)
    assert re.search(
        rf"Withdrawn Not part of the handover {serial(DEAD)}, ABB Terra AC W22, Bay {DEAD}: "
        r"withdrawn \d.* UTC by installer@acme.example: Dead on arrival; in its place is "
        rf"{NEW_UNIT}\. Handover, declared by the installer .* All bays tested\. J\. Smith ",
        cover,
    )
