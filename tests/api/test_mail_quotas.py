"""How many invitations an account mails, and that who gets them stops them by one click."""

import re
from datetime import datetime, timedelta

import pytest
from fastapi import FastAPI

from api.deps import now
from api.mail.admission import admit_invitation
from domain.errors import TooManyRequestsError
from domain.mail import stop_token
from domain.states import Role
from runtime.settings import Settings
from storage.accounts import Accounts
from storage.engine import Database
from storage.invitations import Invitations
from storage.models.accounts import Account
from storage.models.mail import MailBlock
from tests.api.callers import PASSWORD, V1, Caller, problem
from tests.api.conftest import Enrol, Outbox, accept_invitation
from tests.support.figures import Figure

pytestmark = pytest.mark.usefixtures("engine")
VICTIM = "victim@example.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def invite(who: Caller, project: str, email: str) -> int:
    body = {"email": email, "role": "technician", "message": "See http://evil.example"}
    answer = await who.post(f"/projects/{project}/collaborators", body)
    if answer.status_code != 201:
        problem(answer, 429, "too_many_invitations")
        assert int(answer.headers["Retry-After"]) > 0
        assert "The next can leave at " in answer.json()["detail"]
    return answer.status_code


def account(identity: str) -> Account:
    """An installer who has just signed up."""
    return Account(
        id=identity,
        role=Role.INSTALLER,
        email=f"{identity}@example.org",
        name="A",
        company=None,
        password_hash="-",
        token_epoch=0,
        created_at=now(),
    )


async def admitted(
    app: FastAPI, inviter: Account, *, project: str | None = None, address: str = "198.51.100.1"
) -> bool:
    """Whether one more mail to the victim may leave; where not, what is said of the time is so."""
    began = now()
    refusal = None
    try:
        await admit_invitation(
            app.state.parts,
            inviter=inviter,
            project_id=project or f"prj_{inviter.id}",
            email=VICTIM,
            address=address,
        )
    except TooManyRequestsError as error:
        refusal = error
    if refusal is None:
        return True
    said = re.search(r"at (..:..) UTC on (\S+);", refusal.detail)
    assert said is not None
    at = datetime.fromisoformat(f"{said[2]}T{said[1]}:00+00:00")
    assert at >= began + timedelta(seconds=refusal.retry_after)
    return False


async def stop_link(account: Caller, settings: Settings, email: str = VICTIM) -> str:
    identity = (await account.get("/me")).json()["id"]
    return f"/mail/stop/{stop_token(settings.required_secret(), identity, email)}"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_300_invitations_of_three_free_accounts_are_30_mails(
    enrol: Enrol, outbox: Outbox, figure: Figure
) -> None:
    for number in range(3):
        free = await enrol()
        for place in range(10):
            project = await free.project(name=f"Site {place}")
            for index in range(10):
                email = f"victim-{number}-{place}-{index}@example.com"
                await invite(free, project, email)
    figure(f"invitations of three new accounts to 300 addresses: {len(outbox.sent)} mails")
    assert len(outbox.sent) == 30


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_one_address_gets_ten_a_day_of_new_accounts_and_each_of_them_has_one_left(
    app: FastAPI,
) -> None:
    """Nobody uses up what an honest installer has, and who is at their address but a part of it."""
    new = account("usr_eve")
    assert [await admitted(app, new, project=f"prj_{number}") for number in range(11)] == [
        *[True] * 10,
        False,
    ]
    for number in range(10):
        new = account(f"usr_{number}")
        assert await admitted(app, new)
        assert not await admitted(app, new)
    assert not await admitted(app, account("usr_10"))
    assert await admitted(app, account("usr_11"), address="203.0.113.9")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_has_had_one_accepted_shares_no_ten_with_those_who_have_not(
    app: FastAPI, anonymous: Caller, installer: Caller, outbox: Outbox, database: Database
) -> None:
    project = await installer.project()
    await installer.post(f"/projects/{project}/invite-site-owner", {"email": "o@x.example"})
    await accept_invitation(anonymous, outbox)
    async with database.read() as connection:
        established = await Accounts(connection).by_email(Role.INSTALLER, installer.email)
    assert established is not None
    for number in range(20):
        await admitted(app, account(f"usr_{number}"))
    assert [await admitted(app, established, project=f"prj_{one}") for one in range(11)] == [
        *[True] * 10,
        False,
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_accounts_that_have_accepted_each_others_invitations_share_what_one_network_has(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """Twenty of them mailed 200 to one address, who never had any of them accepted."""

    async def by_a_friend(*_: object, email: str | None = None) -> bool:
        return email is None

    monkeypatch.setattr(Invitations, "was_accepted", by_a_friend)
    mailed = 0
    for number in range(20):
        puppet = account(f"usr_{number}")
        mailed += sum([await admitted(app, puppet, project=f"prj_{one}") for one in range(10)])
    figure(f"twenty accounts, each of which a friend has accepted: {mailed} mails to one address")
    assert mailed == 3 * 10 + 17
    assert await admitted(app, account("usr_afar"), address="203.0.113.9")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_is_known_to_have_accepted_is_not_counted_and_the_account_has_more(
    anonymous: Caller, installer: Caller, outbox: Outbox
) -> None:
    """An owner of many sites, or a colleague at each."""
    project = await installer.project()
    answer = await installer.post(f"/projects/{project}/invite-site-owner", {"email": VICTIM})
    assert answer.status_code == 201
    await accept_invitation(anonymous, outbox)
    mails = len(outbox.sent)
    for place in range(12):
        other = await installer.project(name=f"Site {place}")
        answer = await installer.post(f"/projects/{other}/invite-site-owner", {"email": VICTIM})
        assert answer.status_code == 201, answer.text
    assert len(outbox.sent) >= mails + 12


async def test_who_gets_mail_stops_it_by_one_click_and_allows_it_again(
    anonymous: Caller, installer: Caller, stranger: Caller, outbox: Outbox, settings: Settings
) -> None:
    project = await installer.project()
    assert await invite(installer, project, VICTIM) == 201
    path = re.findall(r"https://api.example.com(/mail/stop/\S+)", outbox.sent[-1][2])[-1]
    assert path == await stop_link(installer, settings)
    for _ in range(2):  # a scanner that opens it changes nothing
        page = await anonymous.call("GET", path)
        assert "Stop mail of an account?" in page.text
        assert "Acme Installations" in page.text
        assert VICTIM not in page.text
    # As mail programs do it (RFC 8058 §3.2).
    answer = await anonymous.call("POST", path, content="List-Unsubscribe=One-Click", headers=FORM)
    assert answer.status_code == 200
    assert "These mails are stopped" in answer.text
    (shown,) = (await installer.get(f"/projects/{project}/invitations")).json()["items"]
    assert (shown["status"], shown["delivery"]) == ("pending", "blocked")
    mails = len(outbox.sent)
    resend = f"/projects/{project}/invitations/{shown['id']}/resend"
    problem(await installer.post(resend), 409, "recipient_blocked")
    another = await installer.project(name="Another")
    body = {"email": VICTIM, "role": "lead"}
    answer = await installer.post(f"/projects/{another}/collaborators", body)
    problem(answer, 409, "recipient_blocked")
    body = {"email": VICTIM}
    answer = await installer.post(f"/projects/{another}/invite-site-owner", body)
    problem(answer, 409, "recipient_blocked")
    assert len(outbox.sent) == mails
    # The invitation that is there can be accepted, and others write as before.
    assert await invite(stranger, await stranger.project(), VICTIM) == 201
    answer = await anonymous.call("POST", path.replace("/stop/", "/allow/"), content="")
    assert "Stop mail of an account?" in answer.text
    assert (await installer.post(resend)).status_code == 200
    assert len(outbox.sent) == mails + 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_link_that_is_not_ours_stops_nothing(
    anonymous: Caller, installer: Caller, settings: Settings, database: Database
) -> None:
    path = await stop_link(installer, settings)
    other = await stop_link(installer, settings, "other@example.com")
    account, recipient, _ = path.removeprefix("/mail/stop/").split(".")
    signed = other.rpartition(".")[2]
    for token in (f"{account}.{recipient}.{signed}", "x", f"..{signed}", f"{path[11:-1]}é"):
        for verb, where in (("GET", "stop"), ("POST", "stop"), ("POST", "allow")):
            answer = await anonymous.call(verb, f"/mail/{where}/{token}")
            assert answer.status_code == 404, token
    async with database.read() as connection:
        assert (await connection.execute(MailBlock.__table__.select())).all() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_of_an_account_that_is_gone_there_is_nothing_to_stop(
    anonymous: Caller, installer: Caller, settings: Settings, database: Database
) -> None:
    path = await stop_link(installer, settings)
    assert (await anonymous.call("POST", path)).status_code == 200
    answer = await installer.post("/account/delete", {"password": PASSWORD})
    assert answer.status_code == 200, answer.text
    for verb in ("GET", "POST"):
        page = await anonymous.call(verb, path)
        assert "There is no such account any more" in page.text
    async with database.read() as connection:
        assert (await connection.execute(MailBlock.__table__.select())).all() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_account_of_the_address_is_not_needed_and_not_touched(
    anonymous: Caller, installer: Caller, settings: Settings
) -> None:
    """Whose address a stranger has signed up with stops what that account causes to it."""
    path = await stop_link(installer, settings, installer.email)
    assert (await anonymous.call("POST", path)).status_code == 200
    answer = await anonymous.call(
        "POST", f"{V1}/installer/login", {"email": installer.email, "password": PASSWORD}
    )
    assert answer.status_code == 200
