"""What an account may do whose e-mail nobody has verified, by the setting that asks for it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlmodel import col
from temporalio.client import Client

from api.security.throttling import PASSWORD_CHANGES, VERIFICATION_EMAIL
from domain.accounts import QUOTAS, Counted
from runtime.settings import Settings
from storage.engine import Database
from storage.models.accounts import AccountLetter
from temporal import starts
from temporal.dispatcher import Dispatcher
from tests.api.callers import PASSWORD, Caller, problem
from tests.api.conftest import Outbox, Own, verify
from tests.api.test_credentials import code, mailed
from tests.api.test_declarations import picture

Asked = Literal["off", "required"]
ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("engine"),
]
HOOK = {"url": "https://93.184.216.34/"}
SMALL = {
    "off": {Counted.PROJECTS: 500, Counted.CHARGE_POINTS: 2_000, Counted.PHOTOS: 1_000},
    "required": {Counted.PROJECTS: 3, Counted.CHARGE_POINTS: 10, Counted.PHOTOS: 20},
}
either_way = pytest.mark.parametrize("email_verification", SMALL)


@pytest.fixture
def email_verification() -> Asked:
    return "required"


@pytest.fixture
def settings(tmp_path: Path, email_verification: Asked) -> Settings:
    return Settings(
        data_dir=tmp_path,
        secret_key=SecretStr("test secret, long enough to be one"),
        certificate_key=SecretStr("0123456789abcdef" * 4),
        public_api_url="https://api.example.com/",
        public_ocpp_url="wss://ocpp.example.com/",
        smtp_url=SecretStr("smtp://mail.example.com") if email_verification == "required" else None,
        email_verification=email_verification,
    )


async def test_it_reaches_nobody(installer: Caller) -> None:
    project = await installer.project()
    identity = await installer.charge_point(project)
    invitation = {"email": "sam@acme.com", "role": "technician"}
    for method, path, body in (
        ("POST", f"/projects/{project}/invite-site-owner", {"email": "o@x.example"}),
        ("POST", f"/projects/{project}/collaborators", invitation),
        ("POST", f"/projects/{project}/invitations/inv_x/resend", None),
        ("POST", "/webhooks", HOOK),
        ("POST", f"/commissioning/{identity}/start", {"notify_on_complete": True}),
        ("POST", f"/projects/{project}/commission", {"notify_on_complete": True}),
        ("GET", f"/commissioning/{identity}/events", None),
        ("GET", f"/projects/{project}/events", None),
        ("GET", "/invitations", None),  # to an address that may be another's
    ):
        answer = await installer.call(method, f"/api/v1/installer{path}", body)
        refused = problem(answer, 403, "email_unverified")
        assert "POST /api/v1/installer/verification" in refused["detail"], path
    # It looks around.
    for path in ("/projects", "/webhooks", f"/charge-points/{identity}/config"):
        assert (await installer.get(path)).status_code == 200, path


async def test_its_export_has_no_invitation_that_another_may_have(
    installer: Caller, stranger: Caller, database: Database
) -> None:
    """Whoever signs up with somebody's address does not read what was sent there."""
    await verify(database, stranger.email)
    invitation = {"email": installer.email, "role": "technician"}
    answer = await stranger.post(f"/projects/{await stranger.project()}/collaborators", invitation)
    assert answer.is_success, answer.text

    async def listed() -> bool:
        answer = await installer.get("/export")
        return '"kind":"invitation"' in answer.text

    assert not await listed()
    await verify(database, installer.email)
    assert await listed()


async def test_a_site_owner_is_not_asked(installer: Caller, owner: Own) -> None:
    """An account of theirs is made by an invitation alone, which has proven the address."""
    project = await installer.project()
    them = await owner("facilities@riversidebp.com", project)
    path = "/api/v1/site-owner"
    assert (await them.call("POST", f"{path}/webhooks", HOOK)).status_code == 201
    visit = {"email": "o@x.example", "purpose": "A look", "ends_at": "2999-01-01T00:00:00Z"}
    answer = await them.call("POST", f"{path}/projects/{project}/service-visits", visit)
    assert answer.status_code != 403, answer.text
    answer = await them.call("GET", f"{path}/projects/prj_x/events")
    problem(answer, 404, "project_not_found")


async def test_a_mail_opens_the_rest(
    installer: Caller, dispatcher: Dispatcher, outbox: Outbox
) -> None:
    problem(await installer.post("/webhooks", HOOK), 403, "email_unverified")
    ((to, _, text),) = await mailed(dispatcher, outbox, 1)  # sent at sign-up
    assert to == installer.email
    assert (await installer.post("/verification")).status_code == 202
    (_, (_, _, again)) = await mailed(dispatcher, outbox, 2)
    assert code(text, "verifications") != code(again, "verifications")
    done = await installer.post("/verification/complete", {"token": code(text, "verifications")})
    assert done.status_code == 200, done.text
    assert (await installer.post("/webhooks", HOOK)).status_code == 201


async def test_mail_of_an_account_that_may_be_a_strangers_is_stopped_by_one_click(
    installer: Caller,
    dispatcher: Dispatcher,
    outbox: Outbox,
    database: Database,
    temporal_client: Client,
) -> None:
    """A proof of the address, and a new password; once it is proven nothing of it can be."""
    ((_, _, text),) = await mailed(dispatcher, outbox, 1)
    (stop,) = re.findall(r"https://api.example.com(/mail/stop/\S+)", text)
    before = (await installer.call("GET", stop)).text
    stopped = await installer.call("POST", stop, content="")
    assert stopped.status_code == 200
    for page in (before, stopped.text):  # else nobody would know why no new password comes
        assert "code for a new password" in page
        assert re.search("one (code for a new password )?a week", page)
        assert "Keep the mail with this link" in page
    # Who is logged in is told, and whoever asks for a new password learns nothing.
    problem(await installer.post("/verification"), 409, "recipient_blocked")

    async def ask() -> None:
        answer = await installer.post("/password-resets", {"email": installer.email})
        assert answer.status_code == 202
        assert "one such link a week" in answer.json()["detail"]

    await ask()
    _, (_, subject, again) = await mailed(dispatcher, outbox, 2)
    assert (subject, stop in again) == ("Choose a new password", True)
    await ask()
    await dispatcher.dispatch()
    async with database.read() as connection:
        letters = list(await connection.scalars(select(col(AccountLetter.id))))
    assert len(letters) == 3
    for letter in letters:
        workflow = starts.account_letter(letter).id
        await temporal_client.get_workflow_handle(workflow).result()
    assert len(outbox.sent) == 2
    allow = stop.replace("/stop/", "/allow/")
    assert (await installer.call("POST", allow, content="")).status_code == 200
    assert (await installer.post("/verification")).status_code == 202
    await mailed(dispatcher, outbox, 3)
    await installer.post("/verification/complete", {"token": code(text, "verifications")})
    assert (await installer.call("POST", stop, content="")).status_code == 200
    await installer.post("/password-resets", {"email": installer.email})
    (*_, (_, subject, text)) = await mailed(dispatcher, outbox, 4)
    assert (subject, "/mail/stop/" in text) == ("Choose a new password", False)


async def test_who_signs_up_again_and_again_fills_no_mailbox(
    anonymous: Caller, dispatcher: Dispatcher, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(VERIFICATION_EMAIL, attempts=2)
    monkeypatch.setattr("api.accounts.service.VERIFICATION_EMAIL", few)
    body = {"name": "Eve", "email": "victim@example.com", "password": PASSWORD}
    for mails in (1, 2, 2):
        assert (await anonymous.post("/signup", body)).status_code == 201
        login = await anonymous.post("/login", {name: body[name] for name in ("email", "password")})
        eve = replace(anonymous, token=login.json()["token"])
        await mailed(dispatcher, outbox, mails)
        assert (await eve.post("/account/delete", {"password": PASSWORD})).status_code == 200


async def test_a_password_that_is_changed_again_and_again_fills_no_mailbox(
    installer: Caller,
    dispatcher: Dispatcher,
    outbox: Outbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The address may be somebody's who has never heard of the account."""
    few = replace(PASSWORD_CHANGES, attempts=2)
    monkeypatch.setattr("api.accounts.credentials.PASSWORD_CHANGES", few)
    body = {"password": PASSWORD, "new_password": PASSWORD}
    mine, answers = installer, []
    for mails in (3, 5, 6, 6):  # after that of the sign-up: three codes, and each change
        for _ in range(2):
            asked = await installer.post("/password-resets", {"email": installer.email})
            assert asked.status_code == 202
        await mailed(dispatcher, outbox, mails)
        answers.append(await mine.post("/password", body))
        if answers[-1].status_code == 200:
            mine = replace(mine, token=answers[-1].json()["token"])
    assert [one.status_code for one in answers] == [200, 200, 429, 429]
    problem(answers[-1], 429, "too_many_attempts")
    told = [subject for _, subject, _ in await mailed(dispatcher, outbox, 6)]
    assert told.count("Your password was changed") == few.attempts


def test_what_is_not_verified_has_little_whatever_is_asked_and_the_page_says_how_little() -> None:
    assert QUOTAS == SMALL
    page = " ".join((ROOT / "docs" / "how-to" / "look-after-an-account.md").read_text().split())
    for few in SMALL.values():
        projects, charge_points, photos = few.values()
        said = (
            f"{projects:,} projects, {charge_points:,} charge points and {photos:,} photos at most"
        )
        assert page.count(said) == 1, said


@either_way
async def test_a_few_and_no_more(
    installer: Caller, dispatcher: Dispatcher, outbox: Outbox, email_verification: Asked
) -> None:
    project = await installer.project()
    most = SMALL[email_verification][Counted.CHARGE_POINTS]

    async def bring_in(first: int, count: int) -> int:
        rows = "".join(f"SN-{number},M,V\n" for number in range(first, first + count))
        answer = await installer.post(
            f"/projects/{project}/charge-points/import",
            content=f"serial_number,model,vendor\n{rows}".encode(),
            headers={"Content-Type": "text/csv"},
        )
        if answer.status_code == 403:
            refused = problem(answer, 403, "quota_until_verified")
            assert f"at most {most:,} charge points" in refused["detail"]
            assert "POST /api/v1/installer/verification" in refused["detail"]
            assert ("a file in mail/" in refused["detail"]) == (email_verification == "off")
        return answer.status_code

    assert await bring_in(0, most + 1) == 403
    assert await bring_in(0, most - 1) == 201
    identity = await installer.charge_point(project)
    answer = await installer.post(
        "/charge-points",
        {"project_id": project, "serial_number": "SN-X", "model": "M", "vendor": "V"},
    )
    problem(answer, 403, "quota_until_verified")
    successor = {"serial_number": "SN-Y", "reason": "Dead on arrival"}
    answer = await installer.post(f"/charge-points/{identity}/replace", successor)
    problem(answer, 403, "quota_until_verified")
    assert (await installer.post("/verification")).status_code == 202
    at_sign_up = email_verification == "required"
    (_, _, text) = (await mailed(dispatcher, outbox, 1 + at_sign_up))[-1]
    done = await installer.post("/verification/complete", {"token": code(text, "verifications")})
    assert done.status_code == 200, done.text
    assert await bring_in(most, 2) == 201


@either_way
async def test_of_projects_and_photos_too(
    installer: Caller, monkeypatch: pytest.MonkeyPatch, email_verification: Asked
) -> None:
    few = {Counted.PROJECTS: 2, Counted.CHARGE_POINTS: 10, Counted.PHOTOS: 1}
    monkeypatch.setitem(QUOTAS, email_verification, few)
    identity = await installer.charge_point(await installer.project())
    await installer.project()
    body = {"name": "Third", "address": "1 Main St", "site_owner_email": "o@x.example"}
    problem(await installer.post("/projects", body), 403, "quota_until_verified")
    path = f"/charge-points/{identity}/photos"
    shown = []
    for colour, status in (("red", 201), ("blue", 403), ("red", 201)):
        answer = await installer.post(
            path, content=picture(colour=colour), headers={"Content-Type": "image/jpeg"}
        )
        assert answer.status_code == status, answer.text
        shown.append(answer.json())
    assert shown[2] == shown[0], "the one that is there"
