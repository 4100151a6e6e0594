"""Removing a project that has nothing in it, archiving any other, and bringing it back."""

import pytest
from sqlalchemy import select
from sqlmodel import col
from temporalio.client import Client, WorkflowExecutionStatus

from storage.engine import Database
from storage.models.base import TableModel
from storage.models.projects import AuditEntry, Project
from storage.project_shelf import SETTINGS
from tests.api.callers import PASSWORD, V1, Caller, problem
from tests.api.conftest import Outbox, Own
from tests.api.test_audit import trail
from tests.api.test_tenancy import TARIFF
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True),
    pytest.mark.usefixtures("engine"),
]
# A project that has one of these is not empty, or has a charge point, or was handed over.
_CONTENT = {"charge_points", "invitations", "certificates", "commissioning_runs", "batches"}
_AFTER_THE_HANDOVER = {
    "billing_accounts",
    "cdrs",
    "held_records",
    "reboot_slots",
    "service_visits",
}


async def listed(caller: Caller, *, archived: bool = False) -> set[str]:
    page = await caller.get("/projects", params={"archived": archived})
    return {item["id"] for item in page.json()["items"]}


class TestRemove:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.delete("/projects/prj_x"), 401, "token_missing")

    async def test_one_with_nothing_in_it_is_gone_and_its_workflow_has_ended(
        self, installer: Caller, database: Database, temporal_client: Client
    ) -> None:
        project = await installer.project()
        answer = await installer.call(
            "PUT", f"{V1}/installer/projects/{project}/default-tariff", TARIFF
        )
        assert answer.is_success, answer.text
        charge_point = await installer.charge_point(project)
        await installer.delete(f"/charge-points/{charge_point}")
        assert (await installer.delete(f"/projects/{project}")).status_code == 204
        problem(await installer.get(f"/projects/{project}"), 404, "project_not_found")
        problem(await installer.delete(f"/projects/{project}"), 404, "project_not_found")
        assert await listed(installer) == await listed(installer, archived=True) == set()

        async def has_ended() -> None:
            described = await temporal_client.get_workflow_handle(project).describe()
            assert described.status is WorkflowExecutionStatus.COMPLETED

        await eventually(has_ended)
        async with database.read() as connection:  # the trail outlives what it tells of
            told = await connection.scalars(
                select(col(AuditEntry.action))
                .where(col(AuditEntry.project_id) == project)
                .order_by(col(AuditEntry.id))
            )
            assert list(told)[-1] == "project.removed"
            for settings in SETTINGS:
                query = select(settings.__table__).where(settings.__table__.c.project_id == project)
                assert (await connection.execute(query)).all() == []

    async def test_what_is_in_it_is_named_and_it_can_be_archived_instead(
        self, installer: Caller, owner: Own
    ) -> None:
        project = await installer.project()
        await installer.charge_point(project)
        await owner("facilities@riversidebp.com", project)
        refused = problem(await installer.delete(f"/projects/{project}"), 409, "project_not_empty")
        assert refused["detail"] == (
            "The project has 1 charge point and 1 site owner. Archive it instead, with "
            f"POST …/projects/{project}/archive; nothing of it is lost then."
        )
        assert (await installer.post(f"/projects/{project}/archive")).status_code == 200

    async def test_a_pending_invitation_keeps_it_and_one_that_ended_does_not(
        self, installer: Caller
    ) -> None:
        project = await installer.project()
        body = {"email": "facilities@riversidebp.com"}
        invited = await installer.post(f"/projects/{project}/invite-site-owner", body)
        refused = problem(await installer.delete(f"/projects/{project}"), 409, "project_not_empty")
        assert "1 pending invitation." in refused["detail"]
        invitation = invited.json()["invitation_id"]
        await installer.post(f"/projects/{project}/invitations/{invitation}/revoke")
        assert (await installer.delete(f"/projects/{project}")).status_code == 204

    async def test_nothing_else_hangs_on_a_project(self) -> None:
        """A new table of a project is content, or a setting that goes with it."""
        hanging = {
            table.name
            for table in TableModel.metadata.sorted_tables
            if any(key.column.table is Project.__table__ for key in table.foreign_keys)
        }
        kept = {"audit_entries"}
        goes = {model.__table__.name for model in SETTINGS}
        assert hanging == _CONTENT | _AFTER_THE_HANDOVER | kept | goes


class TestArchive:
    async def test_anonymous(self, anonymous: Caller) -> None:
        for verb in ("archive", "unarchive"):
            problem(await anonymous.post(f"/projects/prj_x/{verb}"), 401, "token_missing")

    async def test_it_leaves_the_lists_can_be_read_and_comes_back_as_it_was(
        self, installer: Caller, owner: Own
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        of_site = await owner("facilities@riversidebp.com", project)
        before = (await installer.get(f"/projects/{project}")).json()
        for _ in range(2):  # a repeat changes nothing, and is not told
            archived = (await installer.post(f"/projects/{project}/archive")).json()
        assert archived["archived_at"] is not None
        assert archived == before | {"archived_at": archived["archived_at"]}
        assert (await listed(installer), await listed(installer, archived=True)) == (
            set(),
            {project},
        )
        assert (await installer.get("/charge-points")).json()["items"] == []
        of_it = await installer.get("/charge-points", params={"project_id": project})
        assert [one["id"] for one in of_it.json()["items"]] == [charge_point]
        assert (await installer.get(f"/charge-points/{charge_point}")).status_code == 200
        owned = (await of_site.call("GET", f"{V1}/site-owner/projects/{project}")).json()
        assert owned["archived_at"] == archived["archived_at"]
        for _ in range(2):
            back = (await installer.post(f"/projects/{project}/unarchive")).json()
        assert back == before
        assert (await listed(installer), await listed(installer, archived=True)) == (
            {project},
            set(),
        )
        assert [entry["action"] for entry in (await trail(installer, project))[2:]] == [
            "project.archived",
            "project.unarchived",
        ]

    async def test_nothing_of_it_is_changed_or_started_until_it_is_back(
        self, installer: Caller
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await installer.post(f"/projects/{project}/archive")
        asked = {
            f"/commissioning/{charge_point}/start": {},
            f"/projects/{project}/commission": {},
            f"/projects/{project}/invite-site-owner": {"email": "a@b.example"},
            f"/projects/{project}/collaborators": {"email": "a@b.example", "role": "lead"},
            f"/projects/{project}/complete-handover": {"installer_signature": "Me"},
        }
        for path, body in asked.items():
            refused = problem(await installer.post(path, body), 409, "project_archived")
            assert (
                f"brings it back with POST …/projects/{project}/unarchive" in refused["detail"]
            ), path
        change = await installer.patch(f"/projects/{project}", {"name": "Phase 2"})
        problem(change, 409, "project_archived")
        handover = f"/projects/{project}/handover"
        (blocker,) = (await installer.get(handover)).json()["blockers"]
        assert blocker["code"] == "project_archived"
        assert f"POST …/projects/{project}/unarchive" in blocker["detail"]
        await installer.post(f"/projects/{project}/unarchive")
        left = {one["code"] for one in (await installer.get(handover)).json()["blockers"]}
        assert left == {"not_commissioned", "owner_not_accepted"}
        started = await installer.post(f"/commissioning/{charge_point}/start")
        assert started.status_code in {200, 201, 202}, started.text

    async def test_not_while_something_of_it_is_being_commissioned(self, installer: Caller) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await installer.post(f"/commissioning/{charge_point}/start")
        path = f"/projects/{project}/archive"
        refused = problem(await installer.post(path), 409, "commissioning_open")
        assert refused["charge_point_ids"] == [charge_point]
        await installer.post(f"/commissioning/{charge_point}/cancel")

        async def is_archived() -> None:
            assert (await installer.post(path)).status_code == 200

        await eventually(is_archived)
        await installer.post(f"/projects/{project}/unarchive")
        await installer.post(f"/projects/{project}/commission")
        refused = problem(await installer.post(path), 409, "commissioning_open")
        assert "POST …/commissioning/cancel" in refused["detail"]
        await installer.post(f"/projects/{project}/commissioning/cancel")
        await eventually(is_archived)

    async def test_an_invitation_waits_for_it(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        body = {"email": "facilities@riversidebp.com"}
        await installer.post(f"/projects/{project}/invite-site-owner", body)
        accept = (
            f"{V1}/site-owner/invitations/accept",
            {"token": outbox.token(), "password": PASSWORD},
        )
        await installer.post(f"/projects/{project}/archive")
        refused = problem(await anonymous.call("POST", *accept), 409, "project_archived")
        assert refused["detail"] == (
            "Riverside Business Park is archived, so nobody joins it for now. Ask whoever has "
            "invited you to bring it back; this link works again then, until it expires."
        )
        await installer.post(f"/projects/{project}/unarchive")
        assert (await anonymous.call("POST", *accept)).status_code == 201
