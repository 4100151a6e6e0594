"""Charge points that try to connect with a serial number, and their claim."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import update

from storage.credentials import read_credentials
from storage.engine import Database
from storage.models.projects import Project
from tests.api.callers import GUIDE_CHARGE_POINT, Caller, problem
from tests.api.conftest import Enrol
from tests.api.node import hold
from tests.api.test_connection_attempts import AT, refuse

SERIAL = str(GUIDE_CHARGE_POINT["serial_number"])
UNKNOWN = "unknown_identity"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def unclaimed(caller: Caller, project: str, **query: str) -> list[dict[str, Any]]:
    answer = await caller.get(f"/projects/{project}/unclaimed", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def claim(
    caller: Caller, project: str, charge_point: str, identity: str = SERIAL
) -> httpx.Response:
    path = f"/projects/{project}/unclaimed/{quote(identity, safe='')}/claim"
    return await caller.post(path, {"charge_point_id": charge_point})


async def admitted(database: Database, identity: str) -> str | None:
    """Return the charge point that the identity would be admitted as."""
    async with database.read() as connection:
        found = (await read_credentials(connection, {identity})).get(identity)
    return found.charge_point_id if found else None


async def test_a_claim_of_a_withdrawn_one_is_freed_for_whoever_has_the_serial_number_now(
    installer: Caller, database: Database
) -> None:
    project = await installer.project()
    old = await installer.charge_point(project)
    await refuse(database, SERIAL, code=UNKNOWN)
    assert (await claim(installer, project, old)).is_success
    assert await admitted(database, SERIAL) == old
    await installer.post(f"/charge-points/{old}/withdraw", {"reason": "Registered wrongly"})
    new = await installer.charge_point(project)
    await refuse(database, SERIAL, code=UNKNOWN)
    answer = await claim(installer, project, new)
    assert answer.is_success, answer.text
    assert await admitted(database, SERIAL) == new


class TestUnclaimed:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get("/projects/prj_x/unclaimed"), 401, "token_missing")

    async def test_one_with_a_serial_number_of_the_project(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await installer.charge_point(project, serial_number="QUIET")
        await refuse(database, SERIAL, code=UNKNOWN, count=2)
        await refuse(database, f" {SERIAL.lower()}", code=UNKNOWN, count=3)
        for other in (f"X{SERIAL}", SERIAL[:-1], "00483921", "quie"):
            await refuse(database, other, code=UNKNOWN)
        assert await unclaimed(installer, project) == [
            {
                "identity": f" {SERIAL.lower()}",
                "matches": "serial_number",
                "charge_point_id": charge_point,
                "serial_number": SERIAL,
                "attempts": 5,
                "last_at": "2026-05-01T09:00:02.000Z",
                "remote_address": "203.0.113.9",
                "claim": {
                    "method": "POST",
                    "path": f"/api/v1/installer/projects/{project}/unclaimed/"
                    f"%20{SERIAL.lower()}/claim",
                    "body": {"charge_point_id": charge_point},
                },
            }
        ]

    async def test_page_by_page(self, installer: Caller, database: Database) -> None:
        project = await installer.project()
        made = [
            await installer.charge_point(project, serial_number=f"SN/{number}")
            for number in range(3)
        ]
        for number in range(3):
            await refuse(database, f"SN/{number}", code=UNKNOWN)
        path = f"/projects/{project}/unclaimed"
        first = (await installer.get(path, params={"limit": "2"})).json()
        rest = (await installer.get(path, params={"cursor": first["next_cursor"]})).json()
        seen = [item["charge_point_id"] for item in first["items"] + rest["items"]]
        assert seen == sorted(made, reverse=True)

    @on_sqlite
    async def test_nobody_sees_what_two_tenants_may_claim(
        self, installer: Caller, stranger: Caller, database: Database
    ) -> None:
        mine, theirs = await installer.project(), await stranger.project()
        charge_point = await installer.charge_point(mine)
        await refuse(database, SERIAL, code=UNKNOWN)
        assert len(await unclaimed(installer, mine)) == 1
        assert await unclaimed(stranger, theirs) == []
        other = await stranger.charge_point(theirs, serial_number=SERIAL.lower())
        assert await unclaimed(installer, mine) == []
        assert await unclaimed(stranger, theirs) == []
        problem(await claim(installer, mine, charge_point), 404, "identity_not_found")
        problem(await claim(stranger, theirs, other), 404, "identity_not_found")

    @on_sqlite
    async def test_not_what_has_connected(self, installer: Caller, database: Database) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await refuse(database, SERIAL, code=UNKNOWN)
        await hold(database, charge_point, "node_1")
        assert await unclaimed(installer, project) == []
        problem(await claim(installer, project, charge_point), 409, "has_connected")


class TestMisspelt:
    @pytest.mark.parametrize(
        ("spelt", "matches"),
        [
            (lambda identity: identity.lower(), "similar_id"),
            (lambda identity: identity.removeprefix("cp_"), "similar_id"),
            (lambda identity: f"/{identity} ", "similar_id"),
            (lambda identity: identity.replace("_", "%5F"), "similar_id"),
            (lambda _: SERIAL.replace("-", ""), "similar_serial_number"),
            (lambda _: SERIAL.replace("-", " "), "similar_serial_number"),
        ],
    )
    async def test_it_is_shown_with_the_reason_and_claimed(
        self, installer: Caller, database: Database, spelt: Callable[[str], str], matches: str
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await installer.charge_point(project, serial_number="OF-A-NEIGHBOUR")
        identity = spelt(charge_point)
        await refuse(database, identity, code=UNKNOWN)
        (shown,) = await unclaimed(installer, project)
        assert (shown["identity"], shown["matches"]) == (identity, matches)
        answer = await claim(installer, project, charge_point, identity)
        assert answer.status_code == 200, answer.text
        assert await admitted(database, identity) == charge_point
        assert await unclaimed(installer, project) == []
        await installer.patch(f"/charge-points/{charge_point}", {"location": {}})
        assert await admitted(database, identity) == charge_point
        await installer.patch(f"/charge-points/{charge_point}", {"serial_number": "OTHER"})
        assert (await admitted(database, identity) is None) == (matches != "similar_id")

    async def test_nobody_sees_what_is_like_two(
        self, installer: Caller, stranger: Caller, database: Database
    ) -> None:
        mine, theirs = await installer.project(), await stranger.project()
        charge_point = await installer.charge_point(mine, serial_number="SN-12")
        other = await stranger.charge_point(theirs, serial_number="S-N12")
        await refuse(database, "SN12", code=UNKNOWN)
        assert await unclaimed(installer, mine) == await unclaimed(stranger, theirs) == []
        problem(await claim(installer, mine, charge_point, "SN12"), 404, "identity_not_found")
        problem(await claim(stranger, theirs, other, "SN12"), 404, "identity_not_found")
        # The very serial number is one charge point's, whatever others are like it.
        await refuse(database, "SN-12", code=UNKNOWN)
        assert [item["identity"] for item in await unclaimed(installer, mine)] == ["SN-12"]
        assert await unclaimed(stranger, theirs) == []

    @on_sqlite
    async def test_not_within_a_project_either(self, installer: Caller, database: Database) -> None:
        project = await installer.project()
        for serial in ("SN-12", "S-N12"):
            await installer.charge_point(project, serial_number=serial)
        await refuse(database, "SN12", code=UNKNOWN)
        assert await unclaimed(installer, project) == []

    @on_sqlite
    async def test_an_id_is_its_owners_whoever_registers_it_as_a_serial_number(
        self, installer: Caller, stranger: Caller, database: Database
    ) -> None:
        mine, theirs = await installer.project(), await stranger.project()
        charge_point = await installer.charge_point(mine)
        thief = await stranger.charge_point(theirs, serial_number=charge_point.upper())
        await refuse(database, charge_point.upper(), code=UNKNOWN)
        assert await unclaimed(stranger, theirs) == []
        answer = await claim(stranger, theirs, thief, charge_point.upper())
        problem(answer, 404, "identity_not_found")

    @on_sqlite
    async def test_the_serial_number_itself_comes_first(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await refuse(database, SERIAL, code=UNKNOWN)
        later = AT + timedelta(minutes=1)
        await refuse(database, charge_point.lower(), code=UNKNOWN, count=3, at=later)
        (shown,) = await unclaimed(installer, project)
        assert (shown["identity"], shown["attempts"]) == (SERIAL, 1)
        assert (await claim(installer, project, charge_point)).status_code == 200
        answer = await claim(installer, project, charge_point, charge_point.lower())
        problem(answer, 404, "identity_not_found")


class TestClaim:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await claim(anonymous, "prj_x", "cp_x"), 401, "token_missing")

    async def test_admits_the_identity_from_then_on(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await refuse(database, SERIAL, code=UNKNOWN)
        assert await admitted(database, SERIAL) is None
        answer = await claim(installer, project, charge_point)
        assert answer.status_code == 200, answer.text
        assert answer.json()["charge_point_id"] == charge_point
        for identity in (SERIAL, SERIAL.lower(), charge_point):
            assert await admitted(database, identity) == charge_point
        assert await admitted(database, charge_point.lower()) is None
        assert await unclaimed(installer, project) == []
        again = await claim(installer, project, charge_point, SERIAL.lower())
        assert again.json()["claimed_at"] == answer.json()["claimed_at"]
        # What it tried before belongs to its story.
        path = f"/charge-points/{charge_point}/connection-attempts"
        assert [item["code"] for item in (await installer.get(path)).json()["items"]] == [UNKNOWN]

    async def test_one_identity_is_one_charge_point(
        self, installer: Caller, database: Database
    ) -> None:
        first, second = await installer.project(), await installer.project()
        one = await installer.charge_point(first)
        other = await installer.charge_point(second)
        await refuse(database, SERIAL, code=UNKNOWN)
        assert len(await unclaimed(installer, second)) == 1
        assert (await claim(installer, first, one)).status_code == 200
        assert await unclaimed(installer, second) == []
        problem(await claim(installer, second, other), 409, "identity_claimed")
        assert await admitted(database, SERIAL) == one

    @on_sqlite
    async def test_a_slash_in_a_serial_number(self, installer: Caller, database: Database) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project, serial_number="SN/1 ?#%/claim")
        await refuse(database, "SN/1 ?#%/claim", code=UNKNOWN)
        answer = await claim(installer, project, charge_point, "SN/1 ?#%/claim")
        assert answer.status_code == 200, answer.text
        assert answer.json()["identity"] == "SN/1 ?#%/claim"

    @on_sqlite
    async def test_not_what_has_not_tried(self, installer: Caller) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        problem(await claim(installer, project, charge_point), 404, "identity_not_found")

    @on_sqlite
    async def test_not_for_a_charge_point_with_another_serial_number(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project, serial_number="OTHER")
        await refuse(database, SERIAL, code=UNKNOWN)
        problem(await claim(installer, project, charge_point), 409, "serial_mismatch")

    @on_sqlite
    async def test_not_for_a_charge_point_elsewhere(self, installer: Caller) -> None:
        project, charge_point = await installer.project(), await installer.charge_point()
        for elsewhere in (charge_point, "cp_x", "%00"):
            answer = await claim(installer, project, elsewhere)
            problem(answer, 404, "charge_point_not_found")

    @on_sqlite
    async def test_somebody_elses_claim_is_not_told(
        self, installer: Caller, enrol: Enrol, database: Database
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await refuse(database, SERIAL, code=UNKNOWN)
        await claim(installer, project, charge_point)
        late = await enrol()
        theirs = await late.project()
        other = await late.charge_point(theirs)
        assert await unclaimed(late, theirs) == []
        problem(await claim(late, theirs, other), 404, "identity_not_found")
        assert await admitted(database, SERIAL) == charge_point

    @on_sqlite
    async def test_another_serial_number_ends_it(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await refuse(database, SERIAL, code=UNKNOWN)
        await claim(installer, project, charge_point)
        await installer.patch(f"/charge-points/{charge_point}", {"location": {}})
        assert await admitted(database, SERIAL) == charge_point
        await installer.patch(f"/charge-points/{charge_point}", {"serial_number": "OTHER"})
        assert await admitted(database, SERIAL) is None

    @on_sqlite
    async def test_removing_the_charge_point_ends_it(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await refuse(database, SERIAL, code=UNKNOWN)
        await claim(installer, project, charge_point)
        assert (await installer.delete(f"/charge-points/{charge_point}")).status_code == 204
        assert await admitted(database, SERIAL) is None

    @on_sqlite
    async def test_not_in_a_project_that_was_handed_over(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        async with database.write() as connection:
            await connection.execute(update(Project).values(status="handed_over"))
        problem(await claim(installer, project, charge_point), 409, "project_handed_over")
