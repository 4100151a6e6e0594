import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col

from storage.engine import Database
from storage.models.charge_points import ChargePoint
from storage.models.invitations import Invitation
from tests.api.callers import GUIDE_CHARGE_POINT, PASSWORD, V1, Caller, problem
from tests.api.conftest import Outbox, accept_invitation
from tests.api.test_audit import trail
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("engine"),
]
SIGN_OFF = {"installer_signature": "J. Smith"}


def token_in(outbox: Outbox) -> str:
    return outbox.token()


async def invite(installer: Caller, project: str, message: str | None = None) -> str:
    answer = await installer.post(
        f"/projects/{project}/invite-site-owner",
        {"email": "facilities@riversidebp.com", "message": message},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["invitation_id"])


async def accept(anonymous: Caller, token: str, password: str = PASSWORD) -> httpx.Response:
    return await anonymous.call(
        "POST",
        f"{V1}/site-owner/invitations/accept",
        {"token": token, "password": password, "name": "Riverside Facilities"},
    )


class TestInvite:
    async def test_anonymous(self, anonymous: Caller) -> None:
        answer = await anonymous.post("/projects/prj_x/invite-site-owner", {})
        problem(answer, 401, "token_missing")

    async def test_mails_a_link(self, installer: Caller, outbox: Outbox) -> None:
        project = await installer.project()
        await invite(installer, project)
        to, _subject, text = outbox.sent[-1]
        assert to == "facilities@riversidebp.com"
        assert token_in(outbox) in text

    async def test_header_tricks_are_refused(self, installer: Caller, outbox: Outbox) -> None:
        project = await installer.project()
        answer = await installer.post(
            f"/projects/{project}/invite-site-owner", {"email": "a@b.com\r\nBcc: c@d.com"}
        )
        problem(answer, 422, "invalid_input")
        assert not outbox.sent

    async def test_is_limited(self, installer: Caller) -> None:
        project = await installer.project()
        for _ in range(10):
            await invite(installer, project)
        answer = await installer.post(
            f"/projects/{project}/invite-site-owner", {"email": "a@riversidebp.com"}
        )
        problem(answer, 429, "too_many_invitations")


class TestAccept:
    async def test_makes_the_account_once(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        await invite(installer, project)
        token = token_in(outbox)
        answer = await accept(anonymous, token)
        assert answer.status_code == 201
        assert answer.json()["role"] == "site_owner"
        assert answer.json()["project_id"] == project
        problem(await accept(anonymous, token), 409, "invitation_used")
        shown = (await installer.get(f"/projects/{project}")).json()
        assert shown["site_owner_accepted"] is True

    async def test_links_the_account_that_is_there(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        await invite(installer, await installer.project())
        await accept(anonymous, token_in(outbox))
        second = await installer.project(name="Second")
        await invite(installer, second)
        problem(await accept(anonymous, token_in(outbox), "not-the-password"), 401, "login_failed")
        assert (await accept(anonymous, token_in(outbox))).status_code == 200

    async def test_a_replaced_and_an_expired_and_an_unknown_one(
        self, anonymous: Caller, installer: Caller, outbox: Outbox, database: Database
    ) -> None:
        project = await installer.project()
        await invite(installer, project)
        first = token_in(outbox)
        await invite(installer, project, "Once more, in other words.")
        problem(await accept(anonymous, first), 409, "invitation_replaced")
        async with database.write() as connection:
            await connection.execute(
                update(Invitation).values(expires_at=col(Invitation.created_at))
            )
        problem(await accept(anonymous, token_in(outbox)), 409, "invitation_expired")
        problem(await accept(anonymous, "f" * 64), 404, "invitation_unknown")


class TestSiteOwner:
    async def test_anonymous(self, anonymous: Caller) -> None:
        for path in ("me", "projects"):
            answer = await anonymous.call("GET", f"{V1}/site-owner/{path}")
            problem(answer, 401, "token_missing")
        problem(await anonymous.call("POST", f"{V1}/site-owner/logout"), 401, "token_missing")

    async def test_each_role_on_its_own_side(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        await invite(installer, project)
        owner = await accept_invitation(anonymous, outbox)
        problem(await owner.get("/me"), 403, "wrong_role")
        problem(await owner.get(f"/projects/{project}"), 403, "wrong_role")
        answer = await installer.call("GET", f"{V1}/site-owner/projects")
        problem(answer, 403, "wrong_role")
        me = await owner.call("GET", f"{V1}/site-owner/me")
        assert me.json()["email"] == "facilities@riversidebp.com"
        page = (await owner.call("GET", f"{V1}/site-owner/projects")).json()
        assert [item["id"] for item in page["items"]] == [project]
        # An installer's account with that e-mail and password would be another account.
        answer = await anonymous.post("/login", {"email": owner.email, "password": PASSWORD})
        problem(answer, 401, "login_failed")
        assert (await owner.call("POST", f"{V1}/site-owner/logout")).status_code == 204
        problem(await owner.call("GET", f"{V1}/site-owner/me"), 401, "token_revoked")


class TestHandover:
    async def test_anonymous(self, anonymous: Caller) -> None:
        answer = await anonymous.post("/projects/prj_x/complete-handover", {})
        problem(answer, 401, "token_missing")

    async def test_a_signature_is_needed(self, installer: Caller) -> None:
        project = await installer.project()
        answer = await installer.post(f"/projects/{project}/complete-handover", {})
        problem(answer, 422, "invalid_input")

    async def _the_owner_is_told(self, outbox: Outbox, email: str) -> None:
        def mailed() -> None:
            assert outbox.sent[-1][1].startswith("Your site is handed over: say who may charge")

        await eventually(mailed)
        to, _, text = outbox.sent[-1]
        assert to == email
        assert 'PUT …/access {"mode": "open"}' in text

    async def test_what_it_would_find_is_previewed_and_nothing_is_changed(
        self, anonymous: Caller, installer: Caller, outbox: Outbox, database: Database
    ) -> None:
        problem(await anonymous.get("/projects/prj_x/handover"), 401, "token_missing")
        project = await installer.project()
        await installer.charge_point(project)
        await invite(installer, project)
        await accept_invitation(anonymous, outbox)
        async with database.write() as connection:
            await connection.execute(
                update(ChargePoint).values(status="commissioned", credential_hash="h")
            )
        answer = await installer.get(f"/projects/{project}/handover")
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["status"], found["completed_at"], found["blockers"]) == (
            "in_progress",
            None,
            [],
        )
        warned = ["nobody_may_charge", "no_tariff", "no_power_limit", "not_connected"]
        assert [one["code"] for one in found["warnings"]] == warned
        await installer.put(f"/projects/{project}/access", {"mode": "open"})
        await installer.put(f"/projects/{project}/power", {"max_amps_per_phase": 63, "phases": 3})
        found = (await installer.get(f"/projects/{project}/handover")).json()
        assert [one["code"] for one in found["warnings"]] == ["no_tariff", "not_connected"]
        assert (await installer.get(f"/projects/{project}")).json()["status"] == "in_progress"

    async def test_an_empty_project_is_blocked(self, installer: Caller) -> None:
        project = await installer.project()
        answer = await installer.post(f"/projects/{project}/complete-handover", SIGN_OFF)
        blocked = problem(answer, 409, "handover_blocked")
        assert [blocker["code"] for blocker in blocked["blockers"]] == [
            "no_charge_points",
            "owner_not_accepted",
        ]

    async def test_afterwards_nothing_can_be_changed(
        self, anonymous: Caller, installer: Caller, outbox: Outbox, database: Database
    ) -> None:
        project = await installer.project()
        identity = await installer.charge_point(project)
        await invite(installer, project)
        owner = await accept_invitation(anonymous, outbox)
        async with database.write() as connection:
            await connection.execute(update(ChargePoint).values(status="commissioned"))
        answer = await installer.post(f"/projects/{project}/complete-handover", SIGN_OFF)
        assert answer.status_code == 200, answer.text
        assert [one["code"] for one in answer.json()["warnings"]] == [
            "nobody_may_charge",
            "no_tariff",
            "no_power_limit",
            "not_connected",
            "link_unauthenticated",
        ]
        await self._the_owner_is_told(outbox, owner.email)
        # The answer may have been lost.
        again = await installer.post(f"/projects/{project}/complete-handover", SIGN_OFF)
        assert (again.status_code, again.json()) == (200, answer.json())
        told = await trail(owner, project, "site-owner")
        assert [entry["action"] for entry in told].count("project.handed_over") == 1
        handed_over = told[-1]
        assert (handed_over["email"], handed_over["action"]) == (
            installer.email,
            "project.handed_over",
        )
        assert handed_over["after"]["installer_signature"] == "J. Smith"

        choice = {"parameters": [{"key": "HeartbeatInterval", "value": 30}]}
        body = GUIDE_CHARGE_POINT | {"project_id": project, "serial_number": "NEW"}
        writes = [
            await installer.patch(f"/projects/{project}", {"name": "x"}),
            await installer.post(
                f"/projects/{project}/complete-handover", {"installer_signature": "J. Smythe"}
            ),
            await installer.post(f"/projects/{project}/invite-site-owner", {"email": "a@acme.com"}),
            await installer.post("/charge-points", body),
            await installer.patch(f"/charge-points/{identity}", {"location": {}}),
            await installer.delete(f"/charge-points/{identity}"),
            await installer.post(f"/charge-points/{identity}/config/customize", choice),
            await installer.post(f"/commissioning/{identity}/start"),
            await installer.put(f"/charge-points/{identity}/declaration", {}),
            await installer.put(f"/projects/{project}/checklist", {"checklist": "generic-1"}),
            await installer.patch(
                f"/charge-points/{identity}/checklist",
                {"answers": [{"item": "enclosure", "answer": "compliant"}]},
            ),
            await installer.put(f"/projects/{project}/contractor", {"company": "Later Ltd"}),
        ]
        for write in writes:
            problem(write, 409, "project_handed_over")
        shown = (await installer.get(f"/projects/{project}")).json()
        assert shown["status"] == "handed_over"
        assert shown["installer_signature"] == "J. Smith"
        answer = await installer.get(f"/charge-points/{identity}")
        assert owner.email in problem(answer, 403, "project_handed_over")["detail"]
