"""Invitations as both sides see them: sent, resent, replaced, revoked, declined, expired."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from api.deps import now
from storage.engine import Database
from storage.models.invitations import Invitation
from storage.models.webhooks import WebhookDelivery
from tests.api.callers import PASSWORD, V1, Caller, problem, told
from tests.api.conftest import Outbox, Own, accept_invitation, verify
from tests.api.test_audit import trail
from tests.api.test_tenancy import TARIFF
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("engine"),
]
OWNER = "facilities@riversidebp.com"


async def invite(installer: Caller, project: str, email: str = OWNER) -> str:
    answer = await installer.post(f"/projects/{project}/invite-site-owner", {"email": email})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["invitation_id"])


async def statuses(installer: Caller, project: str) -> dict[str, str]:
    """Status of each address's newest invitation, as the installer sees it."""
    page = (await installer.get(f"/projects/{project}/invitations")).json()
    return {item["email"]: item["status"] for item in reversed(page["items"])}


async def over(database: Database, identity: str) -> None:
    async with database.write() as connection:
        await connection.execute(
            update(Invitation)
            .where(col(Invitation.id) == identity)
            .values(expires_at=now() - timedelta(seconds=1))
        )


def mails_to(outbox: Outbox, who: str) -> list[str]:
    return [text for to, _, text in outbox.sent if to == who]


async def test_anonymous(anonymous: Caller) -> None:
    for path in ("", "/inv_x/resend", "/inv_x/revoke"):
        method = "POST" if path else "GET"
        answer = await anonymous.call(method, f"{V1}/installer/projects/prj_x/invitations{path}")
        problem(answer, 401, "token_missing")
    answer = await anonymous.call("GET", f"{V1}/site-owner/invitations")
    problem(answer, 401, "token_missing")


async def test_whoever_invites_is_not_told_whether_there_is_an_account(
    installer: Caller, stranger: Caller, owner: Own, database: Database
) -> None:
    """Nor from what is listed afterwards; whoever has the mail is told, by its link."""
    await verify(database, stranger.email)
    them = await owner("someone@else.example", await stranger.project())

    async def asked(path: str, email: str) -> list[tuple[int, str, dict[str, str]]]:
        project = await installer.project()
        body = {"email": email}
        if path == "collaborators":
            body["role"] = "technician"
        answer = await installer.post(f"/projects/{project}/{path}", body)
        listed = await installer.get(f"/projects/{project}/invitations")
        (shown,) = listed.json()["items"]
        own = (
            email,
            project,
            *(shown[key] for key in ("id", "created_at", "sent_at", "expires_at")),
        )
        return [told(answer, *own), told(listed, *own)]

    for path, known in (("collaborators", stranger), ("invite-site-owner", them)):
        there = await asked(path, known.email)
        assert there == await asked(path, "nobody@x.example"), path
        assert there[0][0] == 201


class TestResend:
    async def test_mails_the_same_link_and_begins_the_time_anew(
        self, installer: Caller, outbox: Outbox, database: Database
    ) -> None:
        project = await installer.project()
        identity = await invite(installer, project)
        first = outbox.token()
        async with database.write() as connection:
            soon = now() + timedelta(minutes=1)
            await connection.execute(update(Invitation).values(expires_at=soon))
        answer = await installer.post(f"/projects/{project}/invitations/{identity}/resend")
        assert answer.status_code == 200, answer.text
        assert len(mails_to(outbox, OWNER)) == 2
        assert outbox.token() == first
        (shown,) = (await installer.get(f"/projects/{project}/invitations")).json()["items"]
        assert shown["status"] == "pending"
        assert shown["expires_at"] == answer.json()["expires_at"]
        assert shown["expires_at"] > soon.isoformat()

    async def test_one_that_has_ended_is_not_sent_again(
        self, installer: Caller, outbox: Outbox, database: Database
    ) -> None:
        project = await installer.project()
        identity = await invite(installer, project)
        await over(database, identity)
        answer = await installer.post(f"/projects/{project}/invitations/{identity}/resend")
        assert "expired" in problem(answer, 409, "invitation_not_pending")["detail"]
        assert len(mails_to(outbox, OWNER)) == 1

    async def test_counts_as_an_invitation(self, installer: Caller) -> None:
        project = await installer.project()
        identity = await invite(installer, project)
        resend = f"/projects/{project}/invitations/{identity}/resend"
        for _ in range(9):
            assert (await installer.post(resend)).status_code == 200
        problem(await installer.post(resend), 429, "too_many_invitations")


class TestRevoke:
    async def test_the_link_stops_working(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        identity = await invite(installer, project)
        answer = await installer.post(f"/projects/{project}/invitations/{identity}/revoke")
        assert answer.json()["status"] == "revoked"
        body = {"token": outbox.token(), "password": PASSWORD}
        answer = await anonymous.call("POST", f"{V1}/site-owner/invitations/accept", body)
        problem(answer, 409, "invitation_revoked")
        answer = await installer.post(f"/projects/{project}/invitations/{identity}/revoke")
        problem(answer, 409, "invitation_not_pending")

    async def test_an_accepted_one_takes_the_project_back(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        identity = await invite(installer, project)
        owner = await accept_invitation(anonymous, outbox)
        theirs = f"{V1}/site-owner/projects/{project}"
        await owner.call("PUT", f"{theirs}/id-tags/04A2B3C4", {"label": "My own car"})
        await owner.call("PUT", f"{theirs}/access", {"mode": "open"})
        await owner.call("PUT", f"{theirs}/tariff", TARIFF)
        answer = await installer.post(
            f"/projects/{project}/invite-site-owner", {"email": "other@riversidebp.com"}
        )
        assert OWNER in problem(answer, 409, "owner_accepted")["detail"]
        await installer.post(f"/projects/{project}/invitations/{identity}/revoke")
        assert (await owner.call("GET", f"{V1}/site-owner/projects")).json()["items"] == []
        assert (await installer.get(f"/projects/{project}")).json()["site_owner_accepted"] is False
        await invite(installer, project, "other@riversidebp.com")
        other = await accept_invitation(anonymous, outbox)
        items = (await other.call("GET", f"{V1}/site-owner/projects")).json()["items"]
        assert [item["id"] for item in items] == [project]
        # Nothing of what the first had chosen is left to the second, or in the installer's way.
        base = f"{V1}/site-owner/projects/{project}"
        assert (await other.call("GET", f"{base}/id-tags")).json()["items"] == []
        access = (await other.call("GET", f"{base}/access")).json()
        assert access == {"mode": "listed", "id_tags": 0, "offline": "listed"}
        problem(await other.call("GET", f"{base}/tariff"), 404, "tariff_not_found")
        default = f"{V1}/installer/projects/{project}/default-tariff"
        assert (await installer.call("PUT", default, TARIFF)).status_code == 200
        revoked = next(
            one for one in await trail(installer, project) if one["action"] == "invitation.revoked"
        )
        assert revoked["before"] == {
            "status": "accepted",
            "access": "open",
            "id_tags": 1,
            "tariffs": 1,
        }
        # Who had it still sees that it was taken back.
        (seen,) = (await owner.call("GET", f"{V1}/site-owner/invitations")).json()["items"]
        assert (seen["id"], seen["status"]) == (identity, "revoked")


async def test_a_second_address_replaces_the_first(
    anonymous: Caller, installer: Caller, outbox: Outbox
) -> None:
    project = await installer.project()
    await invite(installer, project)
    first = outbox.token()
    await invite(installer, project, "other@riversidebp.com")
    assert await statuses(installer, project) == {
        OWNER: "replaced",
        "other@riversidebp.com": "pending",
    }
    body = {"token": first, "password": PASSWORD}
    answer = await anonymous.call("POST", f"{V1}/site-owner/invitations/accept", body)
    problem(answer, 409, "invitation_replaced")
    assert (await accept_invitation(anonymous, outbox)).email == "other@riversidebp.com"


class TestDecline:
    async def test_needs_no_account_and_the_installer_is_told_why(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        await invite(installer, project)
        body = {"token": outbox.token(), "reason": "We have sold the site."}
        decline = f"{V1}/site-owner/invitations/decline"
        answer = await anonymous.call("POST", decline, body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "declined"
        (shown,) = (await installer.get(f"/projects/{project}/invitations")).json()["items"]
        assert (shown["status"], shown["reason"]) == ("declined", "We have sold the site.")
        problem(await anonymous.call("POST", decline, body), 409, "invitation_declined")
        accept = f"{V1}/site-owner/invitations/accept"
        accepted = {"token": outbox.token(), "password": PASSWORD}
        problem(await anonymous.call("POST", accept, accepted), 409, "invitation_declined")

        def news() -> None:
            assert ["We have sold" in text for text in mails_to(outbox, installer.email)] == [True]

        await eventually(news)
        await invite(installer, project)  # another may be sent
        assert await statuses(installer, project) == {OWNER: "pending"}

    async def test_the_acceptance_is_told_once(
        self, anonymous: Caller, installer: Caller, outbox: Outbox
    ) -> None:
        project = await installer.project()
        await invite(installer, project)
        await accept_invitation(anonymous, outbox)

        def news() -> None:
            told = mails_to(outbox, installer.email)
            assert ["the site owner accepted" in text for text in told] == [True]

        await eventually(news)


class TestExpiry:
    async def test_the_status_is_right_though_nobody_has_written_it_down(
        self, anonymous: Caller, installer: Caller, outbox: Outbox, database: Database
    ) -> None:
        project = await installer.project()
        await over(database, await invite(installer, project))
        (shown,) = (await installer.get(f"/projects/{project}/invitations")).json()["items"]
        assert shown["status"] == "expired"
        assert shown["ended_at"] == shown["expires_at"]
        body = {"token": outbox.token()}
        answer = await anonymous.call("POST", f"{V1}/site-owner/invitations/decline", body)
        problem(answer, 409, "invitation_expired")

    async def test_it_is_announced_to_webhooks(
        self, anonymous: Caller, installer: Caller, outbox: Outbox, database: Database
    ) -> None:
        body = {"url": "https://93.184.216.34/", "events": ["invitation.declined"]}
        assert (await installer.post("/webhooks", body)).status_code == 201
        await invite(installer, await installer.project())
        await anonymous.call(
            "POST",
            f"{V1}/site-owner/invitations/decline",
            {"token": outbox.token(), "reason": "No"},
        )
        async with database.read() as connection:
            (sent,) = (await connection.scalars(select(col(WebhookDelivery.body)))).all()
        assert '"reason":"No"' in sent
