"""A conflict with what is there names it, and two who make the same at once have made one."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from domain.audit import ENGINE
from domain.ids import Prefix, new_id
from domain.invitations import NewInvitation
from domain.states import InvitationStatus, ProjectRole
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.models.invitations import Invitation
from storage.project_records import StoredProjects
from tests.api.callers import GUIDE_CHARGE_POINT, V1, Caller, problem
from tests.api.conftest import Outbox, Own, accept_invitation
from tests.api.test_connection_attempts import refuse
from tests.api.test_unclaimed import claim
from tests.support.rows import one_charge_point

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OWNER = "facilities@riversidebp.com"
SERIAL = "CP-SN-00483921"


class TestASerialNumber:
    async def test_a_repeated_registration_names_the_charge_point(self, installer: Caller) -> None:
        project = await installer.project()
        first = await installer.charge_point(project)
        body = GUIDE_CHARGE_POINT | {"project_id": project, "serial_number": f" {SERIAL.lower()} "}
        told = problem(await installer.post("/charge-points", body), 409, "duplicate_serial")
        assert told["charge_point_id"] == first
        assert first in told["detail"]

    async def test_many_at_once_are_one_and_the_others_hear_which(self, installer: Caller) -> None:
        body = GUIDE_CHARGE_POINT | {"project_id": await installer.project()}
        answers = await asyncio.gather(*(installer.post("/charge-points", body) for _ in range(6)))
        (made,) = [answer.json()["id"] for answer in answers if answer.status_code == 201]
        told = [answer.json()["charge_point_id"] for answer in answers if answer.status_code == 409]
        assert told == [made] * 5

    @on_sqlite
    async def test_a_change_to_one_that_is_there(self, installer: Caller) -> None:
        project = await installer.project()
        first = await installer.charge_point(project)
        second = await installer.charge_point(project, serial_number="SN-2")
        answer = await installer.patch(f"/charge-points/{second}", {"serial_number": SERIAL})
        assert problem(answer, 409, "duplicate_serial")["charge_point_id"] == first

    @on_sqlite
    async def test_an_import_names_it_in_the_row(self, installer: Caller) -> None:
        project = await installer.project()
        first = await installer.charge_point(project)
        answer = await installer.post(
            f"/projects/{project}/charge-points/import",
            content=f"serial_number,model,vendor\nSN-1,M,V\n{SERIAL},M,V\n".encode(),
            headers={"Content-Type": "text/csv"},
        )
        (error,) = problem(answer, 422, "invalid_rows")["errors"]
        assert (error["row"], error["charge_point_id"]) == (3, first)

    @on_sqlite
    async def test_lists_take_it(self, installer: Caller, stranger: Caller, owner: Own) -> None:
        project = await installer.project()
        mine = await installer.charge_point(project)
        await installer.charge_point(project, serial_number="SN-2")
        again = await installer.charge_point()  # of another project
        await stranger.charge_point()
        of_site = await owner(OWNER, project)
        owned = f"{V1}/site-owner/projects/{project}/charge-points"
        for given, found in (
            (SERIAL, {mine, again}),
            (SERIAL.lower(), {mine, again}),
            ("X", set()),
        ):
            page = (await installer.get("/charge-points", params={"serial_number": given})).json()
            assert {item["id"] for item in page["items"]} == found
            page = (await of_site.call("GET", owned, params={"serial_number": given})).json()
            assert {item["id"] for item in page["items"]} == found & {mine}
        page = (
            await installer.get(
                "/charge-points", params={"serial_number": SERIAL, "project_id": project}
            )
        ).json()
        assert [item["id"] for item in page["items"]] == [mine]


@on_sqlite
async def test_a_claimed_identity_names_its_charge_point(
    installer: Caller, database: Database
) -> None:
    project = await installer.project()
    first = await installer.charge_point(project)
    other = await installer.charge_point()
    await refuse(database, SERIAL, code="unknown_identity")
    assert (await claim(installer, project, first)).status_code == 200
    second = (await installer.get(f"/charge-points/{other}")).json()["project_id"]
    answer = await claim(installer, second, other)
    assert problem(answer, 409, "identity_claimed")["charge_point_id"] == first


@on_sqlite
@pytest.mark.usefixtures("engine")
class TestPeople:
    async def test_the_owner_who_has_accepted(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        path = f"/projects/{project}/invite-site-owner"
        first = (await installer.post(path, {"email": OWNER})).json()["invitation_id"]
        await accept_invitation(anonymous, outbox)
        told = problem(await installer.post(path, {"email": "b@acme.com"}), 409, "owner_accepted")
        assert told["invitation_id"] == first
        # The advice can be followed.
        answer = await installer.post(f"/projects/{project}/invitations/{first}/revoke")
        assert answer.status_code == 200
        assert (await installer.post(path, {"email": "b@acme.com"})).status_code == 201

    async def test_a_colleague_who_is_there(self, installer: Caller) -> None:
        project = await installer.project()
        body = {"email": installer.email, "role": "technician"}
        answer = await installer.post(f"/projects/{project}/collaborators", body)
        told = problem(answer, 409, "already_collaborator")
        me = (await installer.get("/me")).json()["id"]
        assert told["account_id"] == me

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("invite-site-owner", {"email": OWNER}),
            ("collaborators", {"email": "colleague@acme.com", "role": "lead"}),
        ],
    )
    async def test_two_invitations_at_once_are_one(
        self, installer: Caller, outbox: Outbox, path: str, body: dict[str, str]
    ) -> None:
        project = await installer.project()
        answers = await asyncio.gather(
            *(installer.post(f"/projects/{project}/{path}", body) for _ in range(4))
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        assert len(outbox.sent) == 1
        rows = (await installer.get(f"/projects/{project}/invitations")).json()["items"]
        assert [row["status"] for row in rows] == ["pending"]


class TestInvitationsAtOnce:
    """On both databases, without the workflow that has them one at a time."""

    @staticmethod
    async def _invite(database: Database, *, asked_at: datetime, **changes: object) -> str:
        records = StoredProjects(
            database,
            load_catalogue(),
            invitation_lifetime=timedelta(days=7),
            now=lambda: datetime.now(UTC),
        )
        wanted: dict[str, object] = {
            "invitation_id": new_id(Prefix.INVITATION),
            "email": OWNER,
            "message": None,
            "by": ENGINE,
            "asked_at": asked_at,
        }
        request = NewInvitation(**wanted | changes)  # type: ignore[arg-type]
        draft = await records.invite("prj_1", request, token_hash=request.invitation_id)
        return draft.invitation_id

    async def test_they_are_one(self, database: Database) -> None:
        await one_charge_point(database, accepted=False)
        at = datetime.now(UTC)
        made = await asyncio.gather(*(self._invite(database, asked_at=at) for _ in range(6)))
        assert len(set(made)) == 1
        # Asked for before the first was made, however late it comes to be looked at.
        assert await self._invite(database, asked_at=at) == made[0]
        async with database.read() as connection:
            assert await connection.scalar(select(func.count()).select_from(Invitation)) == 1

    @pytest.mark.parametrize(
        "changes",
        [{"email": "other@acme.com"}, {"message": "Hello"}, {"asked_at": timedelta(seconds=6)}],
    )
    async def test_another_replaces_it(
        self, database: Database, changes: dict[str, object]
    ) -> None:
        await one_charge_point(database, accepted=False)
        at = datetime.now(UTC)
        first = await self._invite(database, asked_at=at)
        later = changes.get("asked_at", timedelta(0))
        assert isinstance(later, timedelta)
        second = await self._invite(
            database,
            **changes | {"asked_at": datetime.now(UTC) + later},  # type: ignore[arg-type]
        )
        assert second != first
        async with database.read() as connection:
            rows = await connection.execute(select(col(Invitation.id), col(Invitation.status)))
            assert {row.id: row.status for row in rows} == {
                first: InvitationStatus.REPLACED,
                second: InvitationStatus.PENDING,
            }

    async def test_another_role_replaces_it(self, database: Database) -> None:
        await one_charge_point(database, accepted=False)
        at = datetime.now(UTC)
        lead = await self._invite(database, asked_at=at, role=ProjectRole.LEAD)
        technician = await self._invite(database, asked_at=at, role=ProjectRole.TECHNICIAN)
        assert lead != technician
