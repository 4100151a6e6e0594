"""Forty bays from a file, with what goes wrong on a site; the installer does what the engine says.

One serial number is mistyped, one unit is dead, two were hung in each other's bay, and one reports
no serial number. Each is mended by following its advice alone, and the site is handed over.
"""

import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from simulator import Fault, VirtualChargePoint
from tests.api.callers import PASSWORD, V1
from tests.documents.reading import texts
from tests.faults.stage import Stage
from tests.support.eventually import eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BAYS = 40
TYPO, DEAD, HERE, THERE, SERIALLESS = 7, 12, 20, 21, 30
NEW_UNIT = "SN-2026-7"
_PATIENCE = 120


def serial(bay: int) -> str:
    """What the type plate of the unit that was bought for the bay says."""
    return f"SN-{bay:04}1"


def registered(bay: int) -> str:
    """What the installer read: an l for a 1."""
    return f"{serial(bay)[:-1]}l" if bay == TYPO else serial(bay)


def fine(answer: Any) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


class Site:
    """The project, its units, and the installer who looks after them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.path = f"/projects/{stage.project.id}"
        self.bays: dict[int, str] = {}
        self.units: dict[int, VirtualChargePoint] = {}

    async def import_bays(self) -> None:
        rows = [f'{registered(bay)},ABB Terra AC W22,ABB,"Bay {bay}"' for bay in range(1, BAYS + 1)]
        file = "\n".join(["serial_number,model,vendor,address", *rows])
        answer = await self.stage.front.post(
            f"{self.path}/charge-points/import", content=file, headers={"Content-Type": "text/csv"}
        )
        items = fine(answer)["items"]
        self.bays = {bay: item["id"] for bay, item in enumerate(items, start=1)}

    async def switch_on(self, there: AsyncExitStack, bay: int, *, unit: int) -> None:
        """Hang the unit that was bought for a bay there, and give it that bay's endpoint."""
        faults = (Fault.NO_SERIAL,) if unit == SERIALLESS else ()
        self.units[bay] = await there.enter_async_context(
            self.stage.switched_on(self.bays[bay], *faults, serial=serial(unit), seed=unit)
        )

    async def commission(self) -> Mapping[int, Any]:
        """Commission what is not commissioned yet; who fails with what, by bay."""
        body = {"max_parallel": 10, "wait_for_connection": 5}
        fine(await self.stage.front.post(f"{self.path}/commission", body))

        async def has_ended() -> Any:
            shown = fine(await self.stage.front.get(f"{self.path}/commissioning"))
            assert shown["status"] == "completed", shown["counts"]
            return shown

        shown = await eventually(has_ended, within=_PATIENCE)
        bay_of = {identity: bay for bay, identity in self.bays.items()}
        return {
            bay_of[one["charge_point_id"]]: one["failure"]
            for one in shown["needs_a_person"]["items"]
        }

    async def hand_over(self) -> Any:
        body = {"sign_off_notes": "All bays tested.", "installer_signature": "J. Smith"}
        return await self.stage.front.post(f"{self.path}/complete-handover", body)

    async def invite_the_owner(self) -> None:
        body = {"email": "owner@site.example"}
        fine(await self.stage.front.post(f"{self.path}/invite-site-owner", body))
        (letter,) = [mail.read_text() for mail in self.stage.mail.glob("*.eml")]
        token = re.findall(r"/invitations/([0-9a-f]{64})", letter.replace("=\n", ""))[0]
        accept = {"token": token, "password": PASSWORD}
        path = f"{V1}/site-owner/invitations/accept"
        fine(await self.stage.front.call("POST", path, accept))


@pytest.mark.timeout(400)
async def test_each_is_mended_as_the_engine_says_and_the_site_is_handed_over(stage: Stage) -> None:
    site, front = Site(stage), stage.front
    await site.import_bays()
    async with AsyncExitStack() as on_site:
        exchanged = {HERE: THERE, THERE: HERE}
        for bay in site.bays:
            if bay != DEAD:
                await site.switch_on(on_site, bay, unit=exchanged.get(bay, bay))
        failed = await site.commission()
        assert {bay: failure["code"] for bay, failure in failed.items()} == {
            TYPO: "serial_mismatch",
            DEAD: "never_connected",
            HERE: "serial_of_another",
            THERE: "serial_of_another",
        }
        await site.invite_the_owner()
        blocked = (await site.hand_over()).json()["blockers"]
        assert {one["charge_point_id"] for one in blocked} == {site.bays[bay] for bay in failed}

        # "Correct the serial number that is registered", with the call it names.
        told = re.findall(r"says its serial number is '([^']+)'", failed[TYPO]["cause"])
        fine(await front.patch(f"/charge-points/{site.bays[TYPO]}", {"serial_number": told[0]}))
        # "If the two were exchanged, swap them"
        assert serial(THERE) in failed[HERE]["cause"]
        assert f"Bay {THERE}" in failed[HERE]["cause"]
        pair = re.findall(r"cp_\w{26}", failed[HERE]["action"])
        assert set(pair) == {site.bays[HERE], site.bays[THERE]}
        assert '"exchange": "units"' in failed[HERE]["action"]
        swap = {"charge_point_ids": pair, "exchange": "units"}
        fine(await front.post("/charge-points/swap", swap))
        # "… or take it out with POST …/withdraw or /replace"
        assert "/replace" in blocked_by(blocked, site.bays[DEAD])
        new = {"serial_number": NEW_UNIT, "reason": "Dead on arrival"}
        made = fine(await front.post(f"/charge-points/{site.bays[DEAD]}/replace", new))
        site.bays[DEAD] = made["charge_point"]["id"]
        await on_site.enter_async_context(stage.switched_on(site.bays[DEAD], serial=NEW_UNIT))

        assert await site.commission() == {}
        fine(await site.hand_over())
        await the_certificate_says_it_all(site)


def blocked_by(blockers: list[dict[str, str]], charge_point_id: str) -> str:
    (detail,) = [one["detail"] for one in blockers if one["charge_point_id"] == charge_point_id]
    return detail


async def the_certificate_says_it_all(site: Site) -> None:
    answer = await site.stage.front.get(f"{site.path}/report")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    said = " ".join(" ".join(page.split()) for page in texts(answer.content))
    for bay in range(1, BAYS + 1):
        assert serial(bay) in said, bay
    assert registered(TYPO) not in said
    assert f"{serial(SERIALLESS)} (declared, not read)" in said
    assert said.count("(declared, not read)") == 2, "on the cover, and on its own page"
    assert NEW_UNIT in said
    assert "40 of 40 passed, 1 to be reviewed, 1 withdrawn" in said
    assert "Dead on arrival" in said
