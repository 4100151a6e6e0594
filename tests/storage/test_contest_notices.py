"""A contest of links is told once, by mail and webhook, to who is in charge of the charge point."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update
from sqlmodel import col

from activities.mails import ContestActivities
from activities.post import Post
from domain.mail import recipient_key
from domain.states import ProjectStatus, WebhookStatus
from domain.webhooks import WebhookEvent
from storage.contest_notices import StoredContestNotices, untold_contests
from storage.engine import Database
from storage.mail_notices import MailBlocks
from storage.models.accounts import Account
from storage.models.connections import ChargePointConnection
from storage.models.mail import MailNotice
from storage.models.projects import Project, ProjectMember
from storage.models.webhooks import Webhook, WebhookDelivery
from tests.api.node import contest, hold
from tests.ocpp_server.bed import seed
from tests.storage.test_held_notices import Post as Outbox
from tests.support.post import SECRET, mail_notices

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
OWNER = "facilities@riversidebp.com"


def contests(
    database: Database, outbox: Outbox, *, per_hour: int = 12, to_verified: bool = False
) -> ContestActivities:
    """What tells of contests, with an outbox of the test's."""
    notices = mail_notices(database, per_hour=per_hour, now=lambda: NOW)
    return ContestActivities(
        StoredContestNotices(database, to_verified=to_verified, now=lambda: NOW),
        Post(outbox, notices, secret=SECRET, public_url="https://api.example.com"),
        public_url="https://api.example.com/",
    )


async def contested(database: Database, *, handed_over: bool) -> str:
    """Have two links speak as a charge point; returns its id."""
    (charge_point,) = await seed(database)
    async with database.write() as connection:
        project = (await connection.execute(select(Project.__table__))).one()
        owner = {"id": "usr_owner", "role": "site_owner", "email": OWNER, "name": "Facilities"}
        await connection.execute(insert(Account).values(**owner, password_hash="x", created_at=NOW))
        await connection.execute(
            insert(ProjectMember).values(
                project_id=project.id, account_id=project.installer_id, role="lead", joined_at=NOW
            )
        )
        status = ProjectStatus.HANDED_OVER if handed_over else ProjectStatus.IN_PROGRESS
        await connection.execute(update(Project).values(site_owner_id="usr_owner", status=status))
        for account in (project.installer_id, "usr_owner"):
            await connection.execute(
                insert(Webhook).values(
                    id=f"whk_{account}",
                    account_id=account,
                    url="https://hooks.example",
                    events=[WebhookEvent.CHARGE_POINT_CONTESTED],
                    status=WebhookStatus.ENABLED,
                    secret_version=1,
                    created_at=NOW,
                )
            )
    await hold(database, charge_point, "node_x")
    await contest(database, charge_point)
    return charge_point


async def mailed(
    database: Database, charge_point: str, *, to_verified: bool = False
) -> list[tuple[str, str]]:
    """Mail what there is to be mailed, twice."""
    outbox = Outbox()
    activities = contests(database, outbox, to_verified=to_verified)
    async with database.read() as connection:
        assert await untold_contests(connection, after="", limit=9) == [charge_point]
    for _ in range(2):
        await activities.mail_contest(charge_point)
    async with database.read() as connection:
        assert await untold_contests(connection, after="", limit=9) == []
    return [(to, text) for to, _, text in outbox.sent]


async def join(database: Database, account_id: str, email: str) -> None:
    """Have a colleague work on the project, too."""
    async with database.write() as connection:
        colleague = {"id": account_id, "role": "installer", "email": email, "name": "Sam"}
        await connection.execute(
            insert(Account).values(**colleague, password_hash="x", created_at=NOW)
        )
        project_id = await connection.scalar(select(col(Project.id)))
        await connection.execute(
            insert(ProjectMember).values(
                project_id=project_id, account_id=account_id, role="technician", joined_at=NOW
            )
        )


async def test_the_installers_are_told_until_the_handover(database: Database) -> None:
    charge_point = await contested(database, handed_over=False)
    ((to, text),) = await mailed(database, charge_point)
    assert to != OWNER
    path = f"https://api.example.com/api/v1/installer/charge-points/{charge_point}/links/1/keep"
    assert f"POST {path}   from 203.0.113.7" in text
    assert "second charge point was given its OCPP endpoint" in text


async def test_the_owner_is_told_from_then_on(database: Database) -> None:
    charge_point = await contested(database, handed_over=True)
    ((to, text),) = await mailed(database, charge_point)
    assert to == OWNER
    assert f"/charge-points/{charge_point}/links/2/keep" in text
    assert "/api/v1/site-owner/projects/prj_" in text


async def test_a_mail_that_one_does_not_get_is_no_reason_to_mail_the_other_again(
    database: Database,
) -> None:
    charge_point = await contested(database, handed_over=False)
    for name in ("a", "z"):
        await join(database, f"usr_{name}", f"{name}@acme.example")
    outbox = Outbox()
    outbox.refuses = "a@acme.example"
    for _ in range(3):
        with pytest.raises(OSError, match="no such mailbox"):
            await contests(database, outbox).mail_contest(charge_point)
    assert sorted({to for to, _, _ in outbox.sent}) == sorted(to for to, _, _ in outbox.sent)
    assert len(outbox.sent) == 2
    outbox.refuses = ""
    await contests(database, outbox).mail_contest(charge_point)
    assert [to for to, _, _ in outbox.sent[2:]] == ["a@acme.example"]
    async with database.read() as connection:
        assert await untold_contests(connection, after="", limit=9) == []


async def test_whose_address_is_not_proven_gets_none_where_that_is_asked_for(
    database: Database,
) -> None:
    charge_point = await contested(database, handed_over=False)
    await join(database, "usr_a", "a@acme.example")
    async with database.write() as connection:
        await connection.execute(
            update(Account).where(col(Account.id) == "usr_a").values(verified_at=NOW)
        )
    told = await mailed(database, charge_point, to_verified=True)
    assert [to for to, _ in told] == ["a@acme.example"]


async def test_a_contest_after_the_other_fills_no_mailbox_and_can_be_stopped(
    database: Database,
) -> None:
    charge_point = await contested(database, handed_over=True)
    outbox = Outbox()
    activities = contests(database, outbox, per_hour=2)
    for number in range(4):
        await activities.mail_contest(charge_point)
        async with database.write() as connection:  # that one is decided, and another is there
            again = NOW + timedelta(minutes=number)
            await connection.execute(
                update(ChargePointConnection).values(contested_at=again, contest_told_at=None)
            )
    assert [to for to, _, _ in outbox.sent] == [OWNER, OWNER]
    assert "https://api.example.com/mail/stop/usr_owner." in outbox.sent[0][2]
    async with database.write() as connection:
        await MailBlocks(connection).block("usr_owner", recipient_key(SECRET, OWNER), at=NOW)
    async with database.read() as connection:
        assert (await connection.execute(select(MailNotice.__table__))).all() == []
    await activities.mail_contest(charge_point)
    assert len(outbox.sent) == 2


async def test_webhooks_of_who_is_in_charge_are_told_once(database: Database) -> None:
    charge_point = await contested(database, handed_over=True)
    await contest(database, charge_point)
    async with database.read() as connection:
        (delivery,) = (await connection.execute(select(WebhookDelivery.__table__))).all()
    assert delivery.webhook_id == "whk_usr_owner"
    told = json.loads(delivery.body)
    assert told["type"] == "charge_point.contested"
    assert told["data"]["charge_point_id"] == charge_point
    assert [link["link"] for link in told["data"]["links"]] == [1, 2]
