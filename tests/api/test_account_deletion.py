"""An account is deleted by its password; what stands in the way is said, and what is kept."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from sqlmodel import col

from api.deps import now
from domain.states import ProjectStatus
from storage.engine import Database
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.webhooks import Webhook
from storage.runs import Runs
from tests.api.callers import PASSWORD, V1, Caller, problem
from tests.api.conftest import Outbox, Own
from tests.support.rows import run_request

pytestmark = pytest.mark.usefixtures("engine")
RIGHT = {"password": PASSWORD}


def in_the_way(answer: httpx.Response) -> list[tuple[str, str]]:
    problem(answer, 409, "account_in_use")
    return [(one["code"], one["project_id"]) for one in answer.json()["in_the_way"]]


async def row_of(database: Database, role: str) -> Any:
    async with database.read() as connection:
        query = select(Account.__table__).where(col(Account.role) == role)
        return (await connection.execute(query)).mappings().one()


async def test_only_with_its_token_and_its_password(anonymous: Caller, installer: Caller) -> None:
    problem(await anonymous.post("/account/delete", RIGHT), 401, "token_missing")
    wrong = {"password": "not the password"}
    problem(await installer.post("/account/delete", wrong), 403, "password_wrong")
    answer = await installer.call("POST", f"{V1}/site-owner/account/delete", RIGHT)
    problem(answer, 403, "wrong_role")
    assert (await installer.get("/me")).status_code == 200


async def test_an_installer_archives_what_is_under_way_and_is_gone(
    anonymous: Caller, installer: Caller, database: Database
) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    await installer.post("/webhooks", {"url": "https://93.184.216.34/hook"})
    assert in_the_way(await installer.post("/account/delete", RIGHT)) == [("project_open", project)]
    answer = await installer.post(f"/projects/{project}/archive")
    assert answer.status_code == 200, answer.text
    answer = await installer.post("/account/delete", RIGHT)
    assert answer.status_code == 200, answer.text
    assert {"what", "why", "until"} == set(answer.json()["kept"][0])
    problem(await installer.get("/me"), 401, "token_revoked")
    login = {"email": installer.email, "password": PASSWORD}
    problem(await anonymous.post("/login", login), 401, "login_failed")
    row = await row_of(database, "installer")
    assert row["deleted_at"] is not None
    told = json.dumps(dict(row), default=str)
    for personal in (installer.email, "Acme"):
        assert personal not in told
    async with database.read() as connection:
        assert (await connection.execute(select(Webhook.__table__))).all() == []
        # Nobody's data but the account's own are touched.
        assert await connection.scalar(select(col(ChargePoint.id))) == charge_point
    # The address is free again.
    answer = await anonymous.post("/signup", login | {"name": "Alex"})
    assert answer.status_code == 201, answer.text


async def test_an_open_run_and_a_site_being_handed_over_come_first(
    installer: Caller, owner: Own, database: Database
) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    mine = await owner("facilities@riversidebp.com", project)
    async with database.write() as connection:
        request = replace(run_request(charge_point), project_id=project)
        await Runs(connection).create_starting(request)
    found = in_the_way(await installer.post("/account/delete", RIGHT))
    assert found == [("run_open", project), ("project_open", project)]
    answer = await mine.call("POST", f"{V1}/site-owner/account/delete", RIGHT)
    assert in_the_way(answer) == [("handover_open", project)]


async def test_an_owner_leaves_no_live_site_behind(
    installer: Caller, owner: Own, database: Database, outbox: Outbox
) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    mine = await owner("facilities@riversidebp.com", project)
    async with database.write() as connection:
        await connection.execute(
            update(Project).values(status=ProjectStatus.HANDED_OVER, handed_over_at=now())
        )
    path = f"{V1}/site-owner/account/delete"
    answer = await mine.call("POST", path, RIGHT)
    assert in_the_way(answer) == [("site_live", project)]
    assert "1 charge point of your site can charge" in answer.json()["detail"]
    async with database.write() as connection:
        await connection.execute(
            update(ChargePoint)
            .where(col(ChargePoint.id) == charge_point)
            .values(withdrawn_at=now())
        )
    answer = await mine.call("POST", path, RIGHT)
    assert answer.status_code == 200, answer.text
    assert any("Charge detail records" in one["what"] for one in answer.json()["kept"])
    row = await row_of(database, "site_owner")
    assert row["email"] == f"{row['id'].lower()}@deleted.invalid"
    async with database.read() as connection:
        assert await connection.scalar(select(col(Project.site_owner_email))) == row["email"]
    # The installer keeps what they had.
    assert (await installer.get(f"/projects/{project}")).status_code == 200
    assert outbox.sent == []


async def test_an_installer_takes_all_data_along_first(installer: Caller, stranger: Caller) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    await installer.post("/webhooks", {"url": "https://93.184.216.34/hook"})
    body = {"email": "colleague@acme.com", "role": "technician"}
    await installer.post(f"/projects/{project}/collaborators", body)
    theirs = await stranger.project(name="Not mine")
    answer = await installer.get("/export")
    assert answer.status_code == 200
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[-1] == {"kind": "end", "data": {"lines": len(lines) - 1}}
    kinds = [line["kind"] for line in lines]
    for kind in ("account", "membership", "invitation", "webhook", "project", "charge_point"):
        assert kinds.count(kind) == 1, kind
    for said in (charge_point, "colleague@acme.com", "https://93.184.216.34/hook"):
        assert said in answer.text
    for hidden in (theirs, "token_hash", "argon2", "whsec_"):
        assert hidden not in answer.text
