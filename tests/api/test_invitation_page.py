"""The page behind an invitation's link, without a browser."""

import base64
import hashlib
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from markupsafe import escape
from sqlalchemy import update
from structlog.testing import capture_logs

from api.deps import now
from storage.engine import Database
from storage.models.invitations import Invitation
from tests.api.callers import PASSWORD, Caller
from tests.api.conftest import Outbox
from tests.api.verdicts import judge
from tests.documents.reports import WITHOUT_TEST

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("engine"),
]
NAME = 'Riverside <script>alert("1")</script>'


async def invited(installer: Caller, outbox: Outbox, message: str | None = None) -> tuple[str, str]:
    """A project with an invitation, and where its page is."""
    project = await installer.project(name=NAME)
    await installer.charge_point(project)
    body = {"email": "facilities@riversidebp.com", "message": message}
    answer = await installer.post(f"/projects/{project}/invite-site-owner", body)
    assert answer.status_code == 201, answer.text
    return project, f"/invitations/{outbox.token()}"


async def submit(anonymous: Caller, path: str, **fields: str) -> httpx.Response:
    return await anonymous.call(
        "POST",
        path,
        content=urlencode(fields),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


async def test_it_shows_what_is_handed_over_and_changes_nothing(
    anonymous: Caller, installer: Caller, outbox: Outbox
) -> None:
    project, path = await invited(installer, outbox, message="Ready & <b>tested</b>")
    with capture_logs() as logs:
        page = await anonymous.call("GET", path)
    assert page.status_code == 200
    for said in (
        "CP-SN-00483921",
        "Not tested yet",
        "Ready &amp; &lt;b&gt;tested",
        "&lt;script&gt;",
    ):
        assert said in page.text
    assert "<script" not in page.text
    assert outbox.token() not in str(logs)
    shown = (await installer.get(f"/projects/{project}/invitations")).json()["items"]
    assert shown[0]["status"] == "pending"


async def test_its_headers_keep_the_secret(
    anonymous: Caller, installer: Caller, outbox: Outbox
) -> None:
    _, path = await invited(installer, outbox)
    for page in (
        await anonymous.call("GET", path),
        await submit(anonymous, f"{path}/accept", password="short"),
        await submit(anonymous, f"{path}/decline"),
        await anonymous.call("GET", "/invitations/unknown"),
    ):
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        style = page.text.partition("<style>")[2].partition("</style>")[0]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


async def test_a_new_owner_accepts(anonymous: Caller, installer: Caller, outbox: Outbox) -> None:
    project, path = await invited(installer, outbox)
    answer = await submit(anonymous, f"{path}/accept", password="short", name='Robin "R" <b>')
    assert answer.status_code == 422
    # What was typed is still there, but for the password; what is wrong stands at its field too.
    assert answer.text.count("The password must have at least 10 characters.") == 2
    assert 'id="password-wrong"' in answer.text
    assert 'aria-describedby="password-wrong"' in answer.text
    assert 'value="Robin &#34;R&#34; &lt;b&gt;"' in answer.text
    assert "short" not in answer.text
    answer = await submit(anonymous, f"{path}/accept", password=PASSWORD, name="x" * 300)
    assert 'id="name-wrong"' in answer.text
    answer = await submit(anonymous, f"{path}/accept", password=PASSWORD, name="Robin")
    assert answer.status_code == 200
    assert f"<h1>Welcome to {escape(NAME)}</h1>" in answer.text
    assert "facilities@riversidebp.com" in answer.text
    assert "https://api.example.com/api/v1/site-owner/login" in answer.text
    assert (await installer.get(f"/projects/{project}")).json()["site_owner_accepted"] is True
    again = await anonymous.call("GET", path)
    assert (again.status_code, "Accepted already" in again.text) == (410, True)
    assert "There is no page to log in on" in again.text


async def test_an_owner_with_an_account_logs_in(
    anonymous: Caller, installer: Caller, outbox: Outbox
) -> None:
    _, path = await invited(installer, outbox)
    await submit(anonymous, f"{path}/accept", password=PASSWORD)
    project, path = await invited(installer, outbox)
    page = await anonymous.call("GET", path)
    assert "You have an account already" in page.text
    answer = await submit(anonymous, f"{path}/accept", password="not-the-password")
    assert answer.status_code == 401
    assert answer.text.count("The password is wrong") == 2
    assert (await submit(anonymous, f"{path}/accept", password=PASSWORD)).status_code == 200
    assert (await installer.get(f"/projects/{project}")).json()["site_owner_accepted"] is True


async def test_a_pass_without_a_test_charge_says_so(
    anonymous: Caller, installer: Caller, outbox: Outbox, database: Database
) -> None:
    project, path = await invited(installer, outbox)
    (charge_point,) = (await installer.get("/charge-points")).json()["items"]
    await judge(database, charge_point["id"], project, WITHOUT_TEST)
    page = await anonymous.call("GET", path)
    assert '<strong class="open">Passed, without a test charge</strong>' in page.text
    await judge(database, charge_point["id"], project)
    page = await anonymous.call("GET", path)
    assert '<strong class="good">Tested, passed</strong>' in page.text


async def test_a_reason_that_is_too_long_is_kept(
    anonymous: Caller, installer: Caller, outbox: Outbox
) -> None:
    _, path = await invited(installer, outbox)
    answer = await submit(anonymous, f"{path}/decline", reason="Not ours & " + "x" * 600)
    assert answer.status_code == 422
    assert "<details open>" in answer.text
    assert 'id="reason-wrong"' in answer.text
    assert ">Not ours &amp; xxx" in answer.text


async def test_an_owner_declines(anonymous: Caller, installer: Caller, outbox: Outbox) -> None:
    project, path = await invited(installer, outbox)
    answer = await submit(anonymous, f"{path}/decline", reason="Not\r\nours")
    assert answer.status_code == 200
    (shown,) = (await installer.get(f"/projects/{project}/invitations")).json()["items"]
    assert (shown["status"], shown["reason"]) == ("declined", "Not ours")
    again = await submit(anonymous, f"{path}/accept", password=PASSWORD)
    assert (again.status_code, "Declined" in again.text) == (410, True)


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({"status": "revoked"}, "Withdrawn"),
        ({"status": "replaced"}, "There is a newer invitation"),
        ({"expires_at": now() - timedelta(days=1)}, "Expired"),
    ],
)
async def test_how_it_ended(
    anonymous: Caller,
    installer: Caller,
    outbox: Outbox,
    database: Database,
    values: dict[str, object],
    title: str,
) -> None:
    _, path = await invited(installer, outbox)
    async with database.write() as connection:
        await connection.execute(update(Invitation).values(**values))
    page = await anonymous.call("GET", path)
    assert page.status_code == 410
    assert f"<h1>{title}</h1>" in page.text
    assert "<form" not in page.text


async def test_an_unknown_link(anonymous: Caller) -> None:
    page = await anonymous.call("GET", "/invitations/anything")
    assert (page.status_code, "Not a valid link" in page.text) == (404, True)
    assert (await submit(anonymous, "/invitations/x/accept", password="1")).status_code == 404


async def test_a_strange_form_is_no_error_of_ours(
    anonymous: Caller, installer: Caller, outbox: Outbox
) -> None:
    _, path = await invited(installer, outbox)
    for content, status in (
        (b"\xff\x00=%", 422),
        (b"&".join([b"a=1"] * 100), 422),
        (b"password=" + b"x" * 60_000, 422),
        (b"password=" + b"x" * 200_000, 413),
    ):
        answer = await anonymous.call("POST", f"{path}/accept", content=content)
        assert answer.status_code == status, content[:20]
