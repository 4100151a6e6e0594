"""A contest of links is told once, by mail and webhook, to who is in charge of the charge point."""

import json
from datetime import UTC, datetime

from sqlalchemy import insert, select, update

from activities.contests import ContestActivities
from domain.states import ProjectStatus, WebhookStatus
from storage.contest_notices import StoredContestNotices, untold_contests
from storage.engine import Database
from storage.tables import accounts, project_members, projects, webhook_deliveries, webhooks
from tests.api.node import contest, hold
from tests.ocpp_server.bed import seed

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
OWNER = "facilities@riversidebp.com"


class Post:
    """Keeps what would have been mailed."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    async def of_own_site(self, letter: object, *, to: str) -> str:
        self.sent.append((to, str(getattr(letter, "text", ""))))
        return "kept"


async def contested(database: Database, *, handed_over: bool) -> str:
    """Have two links speak as a charge point; returns its id."""
    (charge_point,) = await seed(database)
    async with database.write() as connection:
        project = (await connection.execute(select(projects))).one()
        owner = {"id": "usr_owner", "role": "site_owner", "email": OWNER, "name": "Facilities"}
        await connection.execute(
            insert(accounts).values(**owner, password_hash="x", created_at=NOW)
        )
        await connection.execute(
            insert(project_members).values(
                project_id=project.id, account_id=project.installer_id, role="lead", joined_at=NOW
            )
        )
        status = ProjectStatus.HANDED_OVER if handed_over else ProjectStatus.IN_PROGRESS
        await connection.execute(update(projects).values(site_owner_id="usr_owner", status=status))
        for account in (project.installer_id, "usr_owner"):
            await connection.execute(
                insert(webhooks).values(
                    id=f"whk_{account}",
                    account_id=account,
                    url="https://hooks.example",
                    events=["charge_point.contested"],
                    status=WebhookStatus.ENABLED,
                    secret_version=1,
                    created_at=NOW,
                )
            )
    await hold(database, charge_point, "node_x")
    await contest(database, charge_point)
    return charge_point


async def mailed(database: Database, charge_point: str) -> list[tuple[str, str]]:
    """Mail what there is to be mailed, twice."""
    post = Post()
    activities = ContestActivities(
        StoredContestNotices(database, now=lambda: NOW),
        post,  # type: ignore[arg-type]
        public_url="https://api.example.com/",
    )
    async with database.read() as connection:
        assert await untold_contests(connection, after="", limit=9) == [charge_point]
    for _ in range(2):
        await activities.mail_contest(charge_point)
    async with database.read() as connection:
        assert await untold_contests(connection, after="", limit=9) == []
    return post.sent


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


async def test_webhooks_of_who_is_in_charge_are_told_once(database: Database) -> None:
    charge_point = await contested(database, handed_over=True)
    await contest(database, charge_point)
    async with database.read() as connection:
        (delivery,) = (await connection.execute(select(webhook_deliveries))).all()
    assert delivery.webhook_id == "whk_usr_owner"
    told = json.loads(delivery.body)
    assert told["type"] == "charge_point.contested"
    assert told["data"]["charge_point_id"] == charge_point
    assert [link["link"] for link in told["data"]["links"]] == [1, 2]
