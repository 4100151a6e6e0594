"""Another unit in a bay, two units exchanged, and one that is taken away while its run goes on."""

import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from storage.models.transactions import Transaction
from tests.api.callers import PASSWORD, V1
from tests.faults.stage import Stage
from tests.support.eventually import eventually
from tests.support.mail import invited

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "put-right-what-is-wrong-on-site.md"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def codes() -> set[str]:
    """What each of two exchanged units fails with, by the page that says what to do then."""
    (table,) = re.findall(r"^\| You find .*?\n\n", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    named = re.findall(r"\(`(\w+)` on both\) \| `(?:endpoints|units)`", table)
    assert len(named) == 2
    return set(named)


def fine(answer: Any) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


class Site:
    """The project, its bays, and the installer who looks after them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.path = f"/projects/{stage.project.id}"
        self.bays: dict[int, str] = {}

    async def switch_on(self, there: AsyncExitStack, bay: int, *, unit: int) -> None:
        """Hang the unit that was bought for a bay there, and give it that bay's endpoint."""
        await there.enter_async_context(
            self.stage.switched_on(self.bays[bay], serial=f"SN-{unit:04}1", seed=unit)
        )

    async def commission(self) -> Mapping[int, Any]:
        """Commission what is not commissioned yet; who fails with what, by bay."""
        fine(await self.stage.front.post(f"{self.path}/commission", {"wait_for_connection": 5}))

        async def has_ended() -> Any:
            shown = fine(await self.stage.front.get(f"{self.path}/commissioning"))
            assert shown["status"] == "completed", shown["counts"]
            return shown

        shown = await eventually(has_ended)
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
        accept = {"token": invited(self.stage.mail), "password": PASSWORD}
        path = f"{V1}/site-owner/invitations/accept"
        fine(await self.stage.front.call("POST", path, accept))


async def register(site: Site, bay: int, serial_number: str) -> None:
    body = {
        "project_id": site.stage.project.id,
        "serial_number": serial_number,
        "model": "ABB Terra AC W22",
        "vendor": "ABB",
        "location": {"address": f"Bay {bay}"},
    }
    site.bays[bay] = fine(await site.stage.front.post("/charge-points", body))["id"]


async def test_a_replaced_and_a_withdrawn_one_and_two_that_are_exchanged(stage: Stage) -> None:
    site, front = Site(stage), stage.front
    for bay, serial in ((1, "SN-00011"), (2, "SN-00021"), (3, "SN-OLD"), (4, "SN-DROPPED")):
        await register(site, bay, serial)
    fine(await front.post(f"/commissioning/{site.bays[4]}/start", {"wait_for_connection": "PT1H"}))
    path = f"/charge-points/{site.bays[4]}/withdraw"
    refused = await front.post(path, {"reason": "The bay is dropped"})
    assert refused.json()["code"] == "run_open"
    fine(await front.post(path, {"reason": "The bay is dropped", "end_run": True}))

    async def is_withdrawn() -> None:
        shown = fine(await front.get(f"/charge-points/{site.bays[4]}"))
        assert shown["status"] == "withdrawn"
        run = fine(await front.get(f"/commissioning/{site.bays[4]}/status"))
        assert run["status"] == "cancelled"

    await eventually(is_withdrawn)

    replaced: Any = fine(
        await front.post(f"/charge-points/{site.bays[3]}/replace", {"serial_number": "SN-00031"})
    )
    site.bays[3] = replaced["charge_point"]["id"]
    async with AsyncExitStack() as there:
        # Each hangs in the other's bay, and has that bay's endpoint.
        for bay, unit in ((1, 2), (2, 1), (3, 3)):
            await site.switch_on(there, bay, unit=unit)
        failed = await site.commission()
        assert {bay: each["code"] for bay, each in failed.items()} == dict.fromkeys(
            (1, 2), *codes()
        )
        pair = {"charge_point_ids": [site.bays[1], site.bays[2]], "exchange": "units"}
        fine(await front.post("/charge-points/swap", pair))
        assert await site.commission() == {}
        await site.invite_the_owner()

        # A value that is chosen after the verdict: "Commission it again", with the whole project.
        choice = {"parameters": [{"key": "HeartbeatInterval", "value": 45}]}
        fine(await front.post(f"/charge-points/{site.bays[3]}/config/customize", choice))
        blocked = (await site.hand_over()).json()["blockers"]
        assert [one["code"] for one in blocked] == ["stale_result"]
        assert await site.commission() == {}
        fine(await site.hand_over())


async def test_one_is_withdrawn_in_the_middle_of_its_test_charge(stage: Stage) -> None:
    site, front = Site(stage), stage.front
    await register(site, 1, "SN-00011")
    path = f"/charge-points/{site.bays[1]}"

    async def charges() -> list[Any]:
        async with stage.database.read() as connection:
            return list(await connection.execute(select(Transaction.__table__)))

    async def it_charges() -> None:
        assert [one.stopped_at for one in await charges()] == [None]

    async def is_withdrawn() -> None:
        assert fine(await front.get(path))["status"] == "withdrawn"

    async with AsyncExitStack() as there:
        await site.switch_on(there, 1, unit=1)
        fine(await front.post(f"/commissioning/{site.bays[1]}/start"))
        await eventually(it_charges)
        refused = await front.post(f"{path}/withdraw", {"reason": "The bay is dropped"})
        assert refused.json()["code"] == "run_open"
        order = {"reason": "The bay is dropped", "end_run": True}
        answer = await front.post(f"{path}/withdraw", order)
        goes_on = fine(answer)["withdrawal"]["at"] is None  # it may have ended as fast as that
        assert answer.status_code == (HTTPStatus.ACCEPTED if goes_on else HTTPStatus.OK)
        await eventually(is_withdrawn)
        run = fine(await front.get(f"/commissioning/{site.bays[1]}/status"))
        assert run["status"] == "cancelled"
        (charge,) = await charges()
        assert charge.stopped_at is not None
        assert charge.commissioning_id == run["commissioning_id"]
