"""Colleagues on a project: invited, never let in by a company's name; what each role may do."""

import re
from typing import Any

import httpx
import pytest

from api.security.throttling import ACCEPT_ADDRESS
from domain.ids import Prefix, new_id
from storage.engine import Database
from tests.api.callers import GUIDE_CHARGE_POINT, PASSWORD, V1, Caller, fields, problem
from tests.api.conftest import Enrol, Outbox, accept_invitation, verify
from tests.api.test_audit import trail
from tests.api.test_tenancy import CASES, PROJECT
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("engine"),
]
SAM = "sam@acme.com"
# What a technician is refused; every other operation of a project is the work on site.
LEADS_ONLY = {
    ("PATCH", PROJECT),
    ("DELETE", PROJECT),
    ("POST", f"{PROJECT}/archive"),
    ("POST", f"{PROJECT}/unarchive"),
    ("PUT", f"{PROJECT}/default-tariff"),
    ("PUT", f"{PROJECT}/power"),
    ("PUT", f"{PROJECT}/checklist"),
    ("PUT", f"{PROJECT}/contractor"),
    ("PUT", f"{PROJECT}/access"),
    ("PUT", f"{PROJECT}/id-tags/{{id_tag}}"),
    ("DELETE", f"{PROJECT}/id-tags/{{id_tag}}"),
    ("POST", f"{PROJECT}/invite-site-owner"),
    ("POST", f"{PROJECT}/complete-handover"),
    ("POST", f"{PROJECT}/collaborators"),
    ("PATCH", f"{PROJECT}/collaborators/{{account_id}}"),
    ("DELETE", f"{PROJECT}/collaborators/{{account_id}}"),
    ("POST", f"{PROJECT}/invitations/{{invitation_id}}/resend"),
    ("POST", f"{PROJECT}/invitations/{{invitation_id}}/revoke"),
}


async def invite(
    lead: Caller, project: str, email: str = SAM, role: str = "technician"
) -> httpx.Response:
    return await lead.post(f"/projects/{project}/collaborators", {"email": email, "role": role})


async def join(lead: Caller, project: str, outbox: Outbox, **whom: str) -> Caller:
    """Invite a colleague, accept as them, and log in."""
    answer = await invite(lead, project, **whom)
    assert answer.status_code == 201, answer.text
    anonymous = Caller(http=lead.http)
    body = {"token": outbox.token(), "password": PASSWORD, "name": "Sam Field"}
    answer = await anonymous.post("/invitations/accept", body)
    assert answer.status_code in {200, 201}, answer.text
    email = answer.json()["email"]
    answer = await anonymous.post("/login", {"email": email, "password": PASSWORD})
    return Caller(http=lead.http, token=answer.json()["token"], email=email)


async def people(caller: Caller, project: str) -> dict[str, str]:
    answer = await caller.get(f"/projects/{project}/collaborators")
    assert answer.status_code == 200, answer.text
    return {one["email"]: one["role"] for one in answer.json()["items"]}


async def account_of(caller: Caller) -> str:
    return str((await caller.get("/me")).json()["id"])


async def test_anonymous(anonymous: Caller) -> None:
    path = f"{V1}/installer/projects/prj_x/collaborators"
    for method, end in (("POST", ""), ("GET", ""), ("PATCH", "/usr_x"), ("DELETE", "/usr_x")):
        problem(await anonymous.call(method, path + end), 401, "token_missing")
    problem(await anonymous.get("/invitations"), 401, "token_missing")


class TestInvite:
    async def test_a_colleague_gets_an_account_of_the_company(
        self, anonymous: Caller, outbox: Outbox
    ) -> None:
        signup = {"name": "Alex", "email": "alex@acme.com", "password": PASSWORD, "company": "Acme"}
        await anonymous.post("/signup", signup)
        login = await anonymous.post("/login", {"email": "alex@acme.com", "password": PASSWORD})
        alex = Caller(http=anonymous.http, token=login.json()["token"], email="alex@acme.com")
        project = await alex.project()
        identity = await alex.charge_point(project)
        answer = await invite(alex, project)
        assert answer.json() == {
            "invitation_id": answer.json()["invitation_id"],
            "email": SAM,
            "role": "technician",
            "expires_at": answer.json()["expires_at"],
        }
        to, subject, text = outbox.sent[-1]
        assert to == SAM
        assert subject.startswith("You are invited to work on a project (inv_")
        assert "as a technician" in " ".join(text.split())
        assert 'Invited by: "Acme"' in text
        body = {"token": outbox.token(), "password": PASSWORD, "name": "Sam Field"}
        accepted = await anonymous.post("/invitations/accept", body)
        assert accepted.status_code == 201, accepted.text
        assert accepted.json()["role"] == "installer"
        assert accepted.json()["project_role"] == "technician"
        login = await anonymous.post("/login", {"email": SAM, "password": PASSWORD})
        sam = Caller(http=anonymous.http, token=login.json()["token"], email=SAM)
        assert (await sam.get("/me")).json()["company"] == "Acme"
        (listed,) = (await sam.get("/projects")).json()["items"]
        assert (listed["id"], listed["role"]) == (project, "technician")
        assert (await sam.get(f"/charge-points/{identity}")).status_code == 200
        assert await people(sam, project) == {"alex@acme.com": "lead", SAM: "technician"}

    async def test_an_account_that_is_there_is_linked(
        self, installer: Caller, stranger: Caller, outbox: Outbox, database: Database
    ) -> None:
        await verify(database, stranger.email)
        project, other = await installer.project(), await installer.project()
        assert (await stranger.get(f"/projects/{project}")).status_code == 404
        await invite(installer, project, stranger.email)
        (mine,) = (await stranger.get("/invitations")).json()["items"]
        assert (mine["project_id"], mine["role"], mine["status"]) == (
            project,
            "technician",
            "pending",
        )
        body = {"token": outbox.token(), "password": "not the password"}
        problem(await stranger.post("/invitations/accept", body), 401, "login_failed")
        accepted = await stranger.post("/invitations/accept", body | {"password": PASSWORD})
        assert accepted.status_code == 200, accepted.text
        assert (await stranger.get(f"/projects/{project}")).json()["role"] == "technician"
        assert (await stranger.get(f"/projects/{other}")).status_code == 404

    async def test_an_account_that_nobody_has_proven_gives_way(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        """Somebody has signed up with an address of another, who is invited now."""
        email = {"email": "sam@acme.com"}
        squatter = {"name": "Eve", "company": "Eve Ltd", "password": "the squatter's own"} | email
        assert (await anonymous.post("/signup", squatter)).status_code == 201
        old = {"password": squatter["password"]} | email
        login = await anonymous.post("/login", old)
        eve = Caller(http=anonymous.http, token=login.json()["token"])
        theirs = await eve.project()
        await eve.charge_point(theirs)
        hook = (await eve.post("/webhooks", {"url": "https://93.184.216.34/"})).json()["id"]

        project = await installer.project()
        await invite(installer, project, email["email"])
        page = await anonymous.call("GET", f"/invitations/{outbox.token()}")
        assert "whose address nobody has confirmed" in page.text
        body = {"token": outbox.token(), "password": PASSWORD, "name": "Sam"}
        accepted = await anonymous.post("/invitations/accept", body)
        assert accepted.status_code == 200, accepted.text

        problem(await eve.get("/me"), 401, "token_revoked")
        problem(await anonymous.post("/login", old), 401, "login_failed")
        login = await anonymous.post("/login", {"password": PASSWORD} | email)
        sam = Caller(http=anonymous.http, token=login.json()["token"])
        me = (await sam.get("/me")).json()
        assert (me["name"], me["email_verified"]) == ("Sam", True)
        assert (await sam.get(f"/projects/{project}")).json()["role"] == "technician"
        # What was in it stays, and hears of nothing that comes.
        assert len((await sam.get("/charge-points")).json()["items"]) == 1
        disabled = (await sam.get(f"/webhooks/{hook}")).json()
        assert disabled["status"] == "disabled"
        assert "before the owner of the e-mail address" in disabled["disabled_reason"]
        events = (await sam.get("/account-events")).json()["items"]
        assert [one["event"] for one in events] == ["email.verified", "account.taken_over"]

        # From now on it is theirs: another invitation does not open it.
        await invite(installer, await installer.project(), email["email"])
        body |= {"token": outbox.token(), "password": "the squatter's own"}
        problem(await anonymous.post("/invitations/accept", body), 401, "login_failed")

    async def test_who_has_signed_up_before_is_proven_by_an_invitation(
        self, installer: Caller, stranger: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        await invite(installer, project, stranger.email)
        assert (await stranger.get("/me")).json()["email_verified"] is False
        body = {"token": outbox.token(), "password": PASSWORD}
        assert (await stranger.post("/invitations/accept", body)).status_code == 200
        # The password was right: everybody stays logged in.
        assert (await stranger.get("/me")).json()["email_verified"] is True

    async def test_a_right_token_is_held_up_by_nobody(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        await invite(installer, await installer.project(), "sam@acme.com")
        guess = {"token": "0" * 64, "password": PASSWORD}
        for _ in range(ACCEPT_ADDRESS.attempts):
            problem(await anonymous.post("/invitations/accept", guess), 404, "invitation_unknown")
        answer = await anonymous.post("/invitations/accept", guess)
        problem(answer, 429, "too_many_attempts")
        right = guess | {"token": outbox.token()}
        assert (await anonymous.post("/invitations/accept", right)).status_code == 201

    async def test_the_name_of_a_company_opens_nothing(
        self, anonymous: Caller, installer: Caller
    ) -> None:
        await installer.project()
        company = {"name": "Eve", "email": "eve@acme.com", "password": PASSWORD, "company": "Acme"}
        await anonymous.post("/signup", company)
        login = await anonymous.post("/login", {"email": "eve@acme.com", "password": PASSWORD})
        eve = Caller(http=anonymous.http, token=login.json()["token"])
        assert (await eve.get("/projects")).json()["items"] == []

    async def test_who_works_there_already_is_not_invited(
        self, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        problem(await invite(installer, project, installer.email), 409, "already_collaborator")
        sam = await join(installer, project, outbox)
        problem(await invite(installer, project, sam.email, "lead"), 409, "already_collaborator")

    async def test_wrong_input(self, installer: Caller) -> None:
        project = await installer.project()
        answer = await invite(installer, project, "no address", "site_owner")
        assert fields(problem(answer, 422, "invalid_input")) == {"email", "role"}

    async def test_a_second_one_replaces_that_of_the_same_person_alone(
        self, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        await installer.post(f"/projects/{project}/invite-site-owner", {"email": SAM})
        await invite(installer, project)
        first = outbox.token()
        await invite(installer, project, "kim@acme.com")
        await invite(installer, project, SAM, "lead")
        listed = (await installer.get(f"/projects/{project}/invitations")).json()["items"]
        assert [(one["email"], one["role"], one["status"]) for one in reversed(listed)] == [
            (SAM, "site_owner", "pending"),
            (SAM, "technician", "replaced"),
            ("kim@acme.com", "technician", "pending"),
            (SAM, "lead", "pending"),
        ]
        body = {"token": first, "password": PASSWORD}
        problem(await installer.post("/invitations/accept", body), 409, "invitation_replaced")


class TestEnds:
    async def test_it_is_not_for_the_other_side(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        await invite(installer, project)
        body = {"token": outbox.token(), "password": PASSWORD}
        for way, sent in (("accept", body), ("decline", {"token": outbox.token()})):
            answer = await anonymous.call("POST", f"{V1}/site-owner/invitations/{way}", sent)
            problem(answer, 404, "invitation_unknown")
        await installer.post(f"/projects/{project}/invite-site-owner", {"email": SAM})
        body = {"token": outbox.token(), "password": PASSWORD}
        problem(await anonymous.post("/invitations/accept", body), 404, "invitation_unknown")
        owner = await accept_invitation(anonymous, outbox)
        assert (await owner.get(f"/projects/{project}")).status_code == 403

    async def test_declined_and_the_inviter_is_told(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        lead = await join(installer, project, outbox, email="kim@acme.com", role="lead")
        await invite(lead, project)
        body = {"token": outbox.token(), "reason": "On holiday."}
        declined = await anonymous.post("/invitations/decline", body)
        assert declined.json()["status"] == "declined"
        again = {"token": outbox.token(), "password": PASSWORD}
        problem(await anonymous.post("/invitations/accept", again), 409, "invitation_declined")

        def told() -> None:
            assert [to for to, subject, _ in outbox.sent if "declined" in subject] == [lead.email]

        await eventually(told)

    async def test_revoked_while_pending_and_not_after(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        identity = (await invite(installer, project)).json()["invitation_id"]
        revoke = f"/projects/{project}/invitations/{identity}/revoke"
        assert (await installer.post(revoke)).json()["status"] == "revoked"
        body = {"token": outbox.token(), "password": PASSWORD}
        problem(await anonymous.post("/invitations/accept", body), 409, "invitation_revoked")
        await join(installer, project, outbox)
        newest = (await installer.get(f"/projects/{project}/invitations")).json()["items"][0]
        revoke = f"/projects/{project}/invitations/{newest['id']}/revoke"
        refused = problem(await installer.post(revoke), 409, "invitation_not_pending")
        assert "Remove the collaborator" in refused["detail"]


class TestRoles:
    async def test_a_technician_does_all_but_what_leads_decide(
        self, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        identity = await installer.charge_point(project)
        sam = await join(installer, project, outbox)
        owner = (
            await installer.post(f"/projects/{project}/invite-site-owner", {"email": "o@x.example"})
        ).json()["invitation_id"]

        def path_of(path: str) -> str:
            return path.format(
                project_id=project,
                charge_point_id=identity,
                invitation_id=owner,
                account_id=maker,
                session_id=new_id(Prefix.SESSION),
                commissioning_id=new_id(Prefix.COMMISSIONING),
                identity="SN-0",
                link=1,
                photo_id=new_id(Prefix.PHOTO),
                id_tag="04A2B3C4",
            )

        maker = await account_of(installer)
        # Deletions last: what is gone would be a 404 for everybody.
        for (method, path), body in sorted(CASES.items(), key=lambda case: case[0][0] == "DELETE"):
            if re.search(r"{(webhook|service_visit)_id}", path) or path.endswith("/events"):
                continue
            answer = await sam.call(method, path_of(path), body)
            if (method, path) in LEADS_ONLY:
                problem(answer, 403, "lead_needed")
            else:
                # What it lacks is a file, a photo, a run: never the right.
                assert answer.status_code < 500, (method, path, answer.text)
                assert answer.status_code != 403, (method, path, answer.text)
                assert "project_not_found" not in answer.text, (method, path)

    async def test_a_technician_works(self, installer: Caller, outbox: Outbox) -> None:
        project = await installer.project()
        sam = await join(installer, project, outbox)
        identity = await sam.charge_point(project)
        answer = await sam.post(f"/commissioning/{identity}/start", {"wait_for_connection": "P1D"})
        assert answer.status_code == 202, answer.text
        status = (await installer.get(f"/commissioning/{identity}/status")).json()
        assert status["commissioning_id"] == answer.json()["commissioning_id"]
        assert (await installer.post(f"/commissioning/{identity}/cancel")).status_code == 202

    async def test_a_lead_of_another_project_is_nobody_here(
        self, installer: Caller, stranger: Caller, outbox: Outbox
    ) -> None:
        mine, theirs = await installer.project(), await stranger.project()
        sam = await join(installer, mine, outbox, role="lead")
        assert (await sam.get(f"/projects/{mine}")).status_code == 200
        assert (await sam.get(f"/projects/{theirs}/collaborators")).status_code == 404
        problem(await invite(sam, theirs), 404, "project_not_found")
        body = GUIDE_CHARGE_POINT | {"project_id": theirs}
        assert (await sam.post("/charge-points", body)).status_code == 404


class TestChange:
    async def test_a_lead_changes_roles_and_removes(
        self, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        sam = await join(installer, project, outbox)
        one = f"/projects/{project}/collaborators/{await account_of(sam)}"
        changed = await installer.patch(one, {"role": "lead"})
        assert (changed.status_code, changed.json()["role"]) == (200, "lead")
        assert (await sam.patch(f"/projects/{project}", {"name": "Phase 2"})).status_code == 200
        assert (await installer.delete(one)).status_code == 204
        assert (await sam.get(f"/projects/{project}")).status_code == 404
        assert (await sam.get("/projects")).json()["items"] == []
        problem(await installer.delete(one), 404, "collaborator_not_found")
        assert (await join(installer, project, outbox)).email == SAM  # and may come back

    async def test_who_made_the_project_stays_its_lead(
        self, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        kim = await join(installer, project, outbox, email="kim@acme.com", role="lead")
        maker = f"/projects/{project}/collaborators/{await account_of(installer)}"
        problem(await kim.delete(maker), 409, "project_maker")
        problem(await kim.patch(maker, {"role": "technician"}), 409, "project_maker")
        problem(await installer.delete(maker), 409, "project_maker")

    async def test_everybody_can_leave(self, installer: Caller, outbox: Outbox) -> None:
        project = await installer.project()
        sam = await join(installer, project, outbox)
        me = f"/projects/{project}/collaborators/{await account_of(sam)}"
        assert (await sam.delete(me)).status_code == 204
        assert await people(installer, project) == {installer.email: "lead"}

    async def test_the_trail_tells_who_has_declined(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        await invite(installer, project)
        body = {"token": outbox.token(), "reason": "On leave."}
        assert (await anonymous.post("/invitations/decline", body)).status_code == 200
        declined = (await trail(installer, project))[-1]
        assert (declined["action"], declined["email"]) == ("invitation.declined", SAM)
        assert declined["after"] == {"email": SAM, "role": "technician", "reason": "On leave."}

    async def test_the_trail_tells_of_it(self, installer: Caller, outbox: Outbox) -> None:
        project = await installer.project()
        sam = await join(installer, project, outbox)
        one = f"/projects/{project}/collaborators/{await account_of(sam)}"
        await installer.patch(one, {"role": "lead"})
        await installer.patch(one, {"role": "lead"})  # nothing changes
        await installer.delete(one)
        entries = (await trail(installer, project))[1:]
        assert [(entry["action"], entry["email"]) for entry in entries] == [
            ("invitation.sent", installer.email),
            ("invitation.accepted", SAM),
            ("collaborator.changed", installer.email),
            ("collaborator.removed", installer.email),
        ]
        technician, lead = ({"email": SAM, "role": role} for role in ("technician", "lead"))
        assert [(entry["before"], entry["after"]) for entry in entries] == [
            (None, technician),
            ({"status": "pending"}, technician),
            (technician, lead),
            (lead, None),
        ]
        assert entries[1]["role"] == "installer"


async def test_webhooks_and_mails_go_to_the_people_of_the_project(
    enrol: Enrol, installer: Caller, outbox: Outbox
) -> None:
    project = await installer.project()
    sam = await join(installer, project, outbox)
    outsider = await enrol()
    hooks: dict[str, Any] = {}
    for caller in (installer, sam, outsider):
        made = await caller.post("/webhooks", {"url": "https://93.184.216.34/"})
        hooks[caller.email] = made.json()["id"]
    identity = await sam.charge_point(project)
    body = {"wait_for_connection": 1, "notify_on_complete": True}
    await sam.post(f"/commissioning/{identity}/start", body)

    def told() -> None:
        assert [to for to, subject, _ in outbox.sent if "failed its" in subject] == [SAM]

    await eventually(told)
    for caller, heard in ((installer, 1), (sam, 1), (outsider, 0)):
        listed = await caller.get(f"/webhooks/{hooks[caller.email]}/deliveries")
        events = [one["event"] for one in listed.json()["items"]]
        assert events == ["commissioning.failed"] * heard, caller.email
