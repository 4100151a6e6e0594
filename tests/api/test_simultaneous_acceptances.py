"""Invitations that are accepted at the same moment: each grants once, whoever comes first."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from api.deps import now
from domain.audit import ENGINE
from domain.ids import Prefix, new_id
from domain.states import InvitationStatus, ProjectRole, Role
from domain.tokens import hash_token
from storage.accounts import Accounts
from storage.engine import Database
from storage.invitations import Invitations
from storage.models.accounts import Account
from storage.models.invitations import Invitation
from tests.api.callers import PASSWORD, V1, Caller, problem

OWNER = "facilities@riversidebp.com"


async def invited(database: Database, project: str) -> str:
    """Store an invitation as the project's workflow does; returns its token."""
    token = new_id(Prefix.INVITATION)
    invitation = Invitation(
        id=token,
        project_id=project,
        email=OWNER,
        role=ProjectRole.SITE_OWNER,
        token_hash=hash_token(token),
        status=InvitationStatus.PENDING,
        created_at=now(),
        expires_at=now() + timedelta(days=1),
    )
    async with database.write() as connection:
        await Invitations(connection).create(invitation, by=ENGINE, asked_at=invitation.created_at)
    return token


async def accept(anonymous: Caller, *tokens: str) -> list[httpx.Response]:
    path = f"{V1}/site-owner/invitations/accept"
    bodies = [{"token": token, "password": PASSWORD} for token in tokens]
    return await asyncio.gather(*(anonymous.call("POST", path, body) for body in bodies))


async def test_one_token_grants_once(
    anonymous: Caller, installer: Caller, database: Database
) -> None:
    token = await invited(database, await installer.project())
    answers = await accept(anonymous, token, token, token)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "invitation_used")


async def test_an_owner_of_two_projects_gets_one_account(
    anonymous: Caller, installer: Caller, database: Database
) -> None:
    projects = [await installer.project() for _ in range(2)]
    answers = await accept(anonymous, *[await invited(database, one) for one in projects])
    assert sorted(answer.status_code for answer in answers) == [200, 201], [
        answer.text for answer in answers
    ]
    assert {answer.json()["project_id"] for answer in answers} == set(projects)
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_an_account_that_always_changes_meanwhile_is_said_to(
    anonymous: Caller, installer: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose account nobody has proven is taken over; another request is faster, twice."""
    token = await invited(database, await installer.project())
    account = Account(
        id=new_id(Prefix.ACCOUNT),
        role=Role.SITE_OWNER,
        email=OWNER,
        name="Nobody",
        company=None,
        password_hash="none",
        token_epoch=0,
        created_at=now(),
    )
    async with database.write() as connection:
        await Accounts(connection).create(account)

    async def slower(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr("api.invitations.service.set_password_of_reader", slower)
    (answer,) = await accept(anonymous, token)
    problem(answer, 409, "changed_meanwhile")
