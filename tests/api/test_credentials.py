"""Passwords that are changed or set by mail, sessions, and the proof of an address."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from sqlmodel import col
from structlog.testing import capture_logs

from api.deps import now
from api.parts import Parts
from api.security.throttling import (
    LOGIN_ACCOUNT,
    LOGIN_ACCOUNT_FROM_ADDRESS,
    RESET_ADDRESS,
    RESET_EMAIL,
)
from domain.accounts import RESET_LIFETIME
from storage.engine import Database
from storage.models.accounts import AccountLetter, ThrottleWindow
from storage.sessions import MOST
from temporal.dispatcher import Dispatcher
from tests.api.callers import PASSWORD, V1, Caller, problem, told
from tests.api.conftest import Enrol, Outbox, Own
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("engine"),
]
ANOTHER = "an even b3tter one"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:126.0) Gecko/20100101 Firefox/126.0"


async def log_in(caller: Caller, password: str = PASSWORD, **options: object) -> httpx.Response:
    """Log in as somebody who keeps no cookies."""
    caller.http.cookies.clear()
    body = {"email": caller.email, "password": password}
    answer = await replace(caller, token=None).post("/login", body, **options)
    caller.http.cookies.clear()
    return answer


async def mailed(dispatcher: Dispatcher, outbox: Outbox, count: int) -> list[tuple[str, str, str]]:
    """Have what waits mailed, until there are so many mails."""
    await dispatcher.dispatch()

    async def all_there() -> None:
        assert len(outbox.sent) == count, outbox.sent

    await eventually(all_there)
    return outbox.sent


def code(text: str, page: str = "password-resets") -> str:
    """The code in a mail."""
    found = re.search(rf"https://api\.example\.com/{page}/([0-9a-f]{{64}})\s", text)
    assert found is not None, text
    return found[1]


class TestChange:
    async def test_every_token_is_void_but_the_new_one(
        self, installer: Caller, dispatcher: Dispatcher, outbox: Outbox
    ) -> None:
        other = replace(installer, token=(await log_in(installer)).json()["token"])
        body = {"password": PASSWORD, "new_password": ANOTHER}
        with capture_logs() as logs:
            changed = await installer.post("/password", body)
        assert changed.status_code == 200, changed.text
        for old in (installer, other):
            problem(await old.get("/me"), 401, "token_revoked")
        mine = replace(installer, token=changed.json()["token"])
        assert (await mine.get("/me")).status_code == 200
        problem(await log_in(installer), 401, "login_failed")
        assert (await log_in(installer, ANOTHER)).status_code == 200
        assert ANOTHER not in str(logs)
        (event,) = (await mine.get("/account-events")).json()["items"]
        assert (event["event"], event["token_epoch"]) == ("password.changed", 1)
        ((to, subject, text),) = await mailed(dispatcher, outbox, 1)
        assert (to, subject) == (installer.email, "Your password was changed")
        assert "https://api.example.com/password-resets" in text

    async def test_it_needs_the_present_one(self, installer: Caller) -> None:
        body = {"password": "a guess of mine", "new_password": ANOTHER}
        for _ in range(10):
            problem(await installer.post("/password", body), 403, "password_wrong")
        problem(await installer.post("/password", body), 429, "too_many_attempts")
        assert (await installer.get("/me")).status_code == 200

    async def test_of_two_at_once_one_wins(self, installer: Caller) -> None:
        body = {"password": PASSWORD, "new_password": ANOTHER}
        answers = await asyncio.gather(*(installer.post("/password", body) for _ in range(2)))
        won, lost = sorted(answers, key=lambda answer: answer.status_code)
        assert won.status_code == 200, won.text
        problem(lost, 409, "changed_meanwhile")
        assert (await log_in(installer, ANOTHER)).status_code == 200

    async def test_whoever_reads_the_mail_of_an_account_can_ask_again_after_a_change(
        self, installer: Caller, dispatcher: Dispatcher, outbox: Outbox
    ) -> None:
        """It has voided the codes that they had: else it would keep them out for an hour."""
        for _ in range(RESET_EMAIL.attempts + 1):
            await installer.post("/password-resets", {"email": installer.email})
        body = {"password": PASSWORD, "new_password": ANOTHER}
        assert (await installer.post("/password", body)).status_code == 200
        await installer.post("/password-resets", {"email": installer.email})
        mails = await mailed(dispatcher, outbox, 2)  # each by a workflow: in any order
        assert "Choose a new password" in {subject for _, subject, _ in mails}

    async def test_a_short_one_is_refused(self, installer: Caller) -> None:
        answer = await installer.post("/password", {"password": PASSWORD, "new_password": "short"})
        problem(answer, 422, "invalid_input")

    async def test_of_an_owner(self, installer: Caller, owner: Own) -> None:
        them = await owner("facilities@riversidebp.com", await installer.project())
        body = {"password": PASSWORD, "new_password": ANOTHER}
        changed = await them.call("POST", f"{V1}/site-owner/password", body)
        assert changed.status_code == 200, changed.text
        problem(await them.call("GET", f"{V1}/site-owner/me"), 401, "token_revoked")


class TestReset:
    async def test_a_mail_leads_to_another_password(
        self, installer: Caller, dispatcher: Dispatcher, outbox: Outbox, database: Database
    ) -> None:
        guess = {"password": "forgotten!", "new_password": ANOTHER}
        wrong = problem(await installer.post("/password", guess), 403, "password_wrong")
        assert "POST …/password-resets" in wrong["detail"]
        anonymous = replace(installer, token=None)
        asked = await anonymous.post("/password-resets", {"email": installer.email})
        assert asked.status_code == 202, asked.text
        ((to, subject, text),) = await mailed(dispatcher, outbox, 1)
        assert (to, subject) == (installer.email, "Choose a new password")
        assert (await installer.get("/me")).json()["email_verified"] is False
        body = {"token": code(text), "new_password": ANOTHER}
        done = await anonymous.post("/password-resets/complete", body)
        assert done.status_code == 200, done.text
        problem(await installer.get("/me"), 401, "token_revoked")
        mine = replace(installer, token=done.json()["token"])
        assert (await mine.get("/me")).json()["email_verified"] is True
        problem(await log_in(installer), 401, "login_failed")
        events = (await mine.get("/account-events")).json()["items"]
        assert [one["event"] for one in events] == ["email.verified", "password.reset"]
        async with database.read() as connection:
            kept = (await connection.execute(select(AccountLetter.__table__))).all()
        assert code(text) not in str(kept)

    async def test_a_code_works_once(
        self, installer: Caller, dispatcher: Dispatcher, outbox: Outbox
    ) -> None:
        for _ in range(2):
            await installer.post("/password-resets", {"email": installer.email})
        first, second = (code(text) for _, _, text in await mailed(dispatcher, outbox, 2))
        body = {"token": first, "new_password": ANOTHER}
        at_once = await asyncio.gather(
            *(installer.post("/password-resets/complete", body) for _ in range(3))
        )
        assert sorted(answer.status_code for answer in at_once) == [200, 404, 404]
        # Nor does any other that was mailed before, or one that never was.
        for token in (first, second, "0" * 64):
            answer = await installer.post(
                "/password-resets/complete", {"token": token, "new_password": "yet an0ther"}
            )
            refused = problem(answer, 404, "reset_code_invalid")
            assert "POST …/password-resets" in refused["detail"]
        assert (await log_in(installer, ANOTHER)).status_code == 200

    async def test_a_code_is_good_for_an_hour(
        self, installer: Caller, dispatcher: Dispatcher, outbox: Outbox, database: Database
    ) -> None:
        await installer.post("/password-resets", {"email": installer.email})
        ((_, _, text),) = await mailed(dispatcher, outbox, 1)
        async with database.write() as connection:
            (row,) = (await connection.execute(select(AccountLetter.__table__))).all()
            assert row.expires_at - row.asked_at == RESET_LIFETIME == timedelta(hours=1)
            await connection.execute(update(AccountLetter).values(expires_at=now()))
        body = {"token": code(text), "new_password": ANOTHER}
        answer = await installer.post("/password-resets/complete", body)
        problem(answer, 404, "reset_code_invalid")

    async def test_the_answer_tells_nobody_whether_there_is_an_account(
        self, installer: Caller, dispatcher: Dispatcher, outbox: Outbox, database: Database
    ) -> None:
        anonymous = replace(installer, token=None)
        answers = [
            told(await anonymous.post("/password-resets", {"email": email}), email)
            for email in ("nobody@acme.com", installer.email)
        ]
        assert answers[0] == answers[1]
        assert answers[0][0] == 202
        # Each has done the same: whether there is an account is looked up when the mail is due.
        async with database.read() as connection:
            assert await connection.scalar(select(func.count()).select_from(AccountLetter)) == 2
        ((to, _, _),) = await mailed(dispatcher, outbox, 1)
        assert to == installer.email
        # What was for nobody is gone then, and no workflow was started for it.
        async with database.read() as connection:
            rows = (await connection.execute(select(AccountLetter.__table__))).all()
        assert [row.email for row in rows] == [installer.email]

    async def test_a_neighbour_who_asks_for_many_keeps_nobody_out(
        self,
        installer: Caller,
        dispatcher: Dispatcher,
        outbox: Outbox,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        few = replace(RESET_ADDRESS, attempts=2)
        monkeypatch.setattr("api.accounts.credentials.RESET_ADDRESS", few)
        anonymous = replace(installer, token=None)
        anonymous.http.cookies.clear()
        for number in range(4):
            asked = {"email": f"made-up-{number}@acme.com"}
            assert (await anonymous.post("/password-resets", asked)).status_code == 202
        for _ in range(3):
            asked = {"email": installer.email}
            assert (await anonymous.post("/password-resets", asked)).status_code == 202
        # One an hour, as long as its code is good.
        ((to, _, text),) = await mailed(dispatcher, outbox, 1)
        assert to == installer.email
        body = {"token": code(text), "new_password": ANOTHER}
        done = await anonymous.post("/password-resets/complete", body)
        assert done.status_code == 200, done.text

    async def test_who_asks_in_the_owners_place_keeps_nobody_out(
        self, installer: Caller, dispatcher: Dispatcher, outbox: Outbox
    ) -> None:
        for _ in range(RESET_EMAIL.attempts * 2):
            asked = await installer.post("/password-resets", {"email": installer.email})
            assert asked.status_code == 202
        sent = await mailed(dispatcher, outbox, RESET_EMAIL.attempts)
        body = {"token": code(sent[0][2]), "new_password": ANOTHER}
        done = await installer.post("/password-resets/complete", body)
        assert done.status_code == 200, done.text

    async def test_a_code_of_an_owner_is_none_of_an_installer(
        self, installer: Caller, owner: Own, dispatcher: Dispatcher, outbox: Outbox
    ) -> None:
        them = await owner("facilities@riversidebp.com", await installer.project())
        path = f"{V1}/site-owner/password-resets"
        await them.call("POST", path, {"email": them.email})
        ((to, _, text),) = await mailed(dispatcher, outbox, 1)
        assert to == them.email
        body = {"token": code(text), "new_password": ANOTHER}
        answer = await installer.post("/password-resets/complete", body)
        problem(answer, 404, "reset_code_invalid")
        done = await them.call("POST", f"{path}/complete", body)
        assert done.status_code == 200, done.text

    async def test_on_the_page(
        self, installer: Caller, dispatcher: Dispatcher, outbox: Outbox
    ) -> None:
        http = installer.http

        async def submit(path: str, **fields: str) -> httpx.Response:
            return await http.post(
                path,
                content=urlencode(fields),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )

        assert 'name="email"' in (await http.get("/password-resets")).text
        assert (await submit("/password-resets", email="no address")).status_code == 422
        unknown = await submit("/password-resets", email="nobody@acme.com")
        asked = await submit("/password-resets", email=installer.email)
        assert told(asked, installer.email) == told(unknown, "nobody@acme.com")
        assert "If this address has an account" in asked.text
        ((_, _, text),) = await mailed(dispatcher, outbox, 1)
        path = f"/password-resets/{code(text)}"
        page = await http.get(path)
        assert installer.email in page.text
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "<script" not in page.text
        short = await submit(path, new_password="short")
        assert short.status_code == 422
        assert "autofocus" in short.text
        with capture_logs() as logs:
            done = await submit(path, new_password=ANOTHER)
        assert "Your password is set" in done.text
        assert code(text) not in str(logs)
        assert ANOTHER not in str(logs) + done.text
        # The link is dead, and the page of it has the way to a new one.
        for dead in (await http.get(path), await submit(path, new_password="yet an0ther")):
            assert dead.status_code == 404
            assert 'action="/password-resets"' in dead.text
        assert (await log_in(installer, ANOTHER)).status_code == 200


class TestVerification:
    async def test_a_code_of_a_mail_verifies(
        self, installer: Caller, dispatcher: Dispatcher, outbox: Outbox
    ) -> None:
        wrong = await installer.post("/verification/complete", {"token": "0" * 64})
        refused = problem(wrong, 404, "verification_code_invalid")
        assert "POST …/verification" in refused["detail"]
        assert (await installer.post("/verification")).status_code == 202
        ((to, subject, text),) = await mailed(dispatcher, outbox, 1)
        assert (to, subject) == (installer.email, "Is this your e-mail address?")
        token = code(text, "verifications")
        # Opening the link proves nothing: scanners open links too.
        assert installer.email in (await installer.http.get(f"/verifications/{token}")).text
        assert (await installer.get("/me")).json()["email_verified"] is False
        anonymous = replace(installer, token=None)
        done = await anonymous.post("/verification/complete", {"token": token})
        assert done.json()["email_verified"] is True
        assert (await installer.get("/me")).json()["email_verified"] is True
        problem(await installer.post("/verification"), 409, "already_verified")
        # It sets no password.
        body = {"token": token, "new_password": ANOTHER}
        problem(await installer.post("/password-resets/complete", body), 404, "reset_code_invalid")

    async def test_on_the_page(
        self, installer: Caller, dispatcher: Dispatcher, outbox: Outbox
    ) -> None:
        await installer.post("/verification")
        ((_, _, text),) = await mailed(dispatcher, outbox, 1)
        done = await installer.http.post(f"/verifications/{code(text, 'verifications')}")
        assert done.status_code == 200
        assert (await installer.get("/me")).json()["email_verified"] is True
        assert (await installer.http.post("/verifications/unknown")).status_code == 404


class TestSessions:
    async def test_a_person_recognises_each(self, installer: Caller) -> None:
        await log_in(installer, headers={"User-Agent": FIREFOX})
        newest, mine = (await installer.get("/sessions")).json()["items"]
        assert (newest["device"], newest["current"]) == ("Firefox on Windows", False)
        assert newest["user_agent"] == FIREFOX
        assert newest["address"] == mine["address"] == "127.0.0.1"
        assert (mine["device"], mine["current"]) == ("python-httpx", True)

    async def test_one_is_ended(self, installer: Caller, enrol: Enrol) -> None:
        stranger = await enrol()
        other = replace(installer, token=(await log_in(installer)).json()["token"])
        theirs, mine = (await installer.get("/sessions")).json()["items"]
        path = f"/sessions/{theirs['id']}"
        problem(await stranger.delete(path), 404, "session_not_found")
        problem(await installer.delete("/sessions/ses_x"), 404, "session_not_found")
        assert (await installer.delete(path)).status_code == 204
        problem(await other.get("/me"), 401, "token_revoked")
        problem(await installer.delete(path), 404, "session_not_found")
        assert [one["id"] for one in (await installer.get("/sessions")).json()["items"]] == [
            mine["id"]
        ]
        (event,) = (await installer.get("/account-events")).json()["items"]
        assert event["event"] == "session.revoked"

    async def test_all_others_are_ended(self, installer: Caller) -> None:
        others = [
            replace(installer, token=(await log_in(installer)).json()["token"]) for _ in range(3)
        ]
        assert (await installer.delete("/sessions")).status_code == 204
        for other in others:
            problem(await other.get("/me"), 401, "token_revoked")
        (mine,) = (await installer.get("/sessions")).json()["items"]
        assert mine["current"]

    async def test_a_logout_is_listed_no_more(self, installer: Caller) -> None:
        other = replace(installer, token=(await log_in(installer)).json()["token"])
        assert (await installer.post("/logout")).status_code == 204
        (left,) = (await other.get("/sessions")).json()["items"]
        assert left["current"]

    async def test_there_are_so_many_that_all_can_be_listed(
        self, installer: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert MOST == 200
        monkeypatch.setattr("storage.sessions.MOST", 3)
        newer = [
            replace(installer, token=(await log_in(installer)).json()["token"]) for _ in range(3)
        ]
        problem(await installer.get("/me"), 401, "token_revoked")
        assert len((await newer[0].get("/sessions")).json()["items"]) == 3


class TestKnownDevices:
    """A flood of wrong passwords slows strangers, never a device that has signed in before."""

    async def flood(self, caller: Caller) -> None:
        """Guess until nobody new may try the account any more, from anywhere."""
        caller.http.cookies.clear()
        stranger = replace(caller, token=None)
        guess = {"email": caller.email, "password": "a guess of mine"}
        for _ in range(LOGIN_ACCOUNT.attempts):
            if (await stranger.post("/login", guess)).status_code == 429:
                break
        refused = problem(
            await stranger.post("/login", guess | {"password": PASSWORD}), 429, "too_many_attempts"
        )
        assert "POST …/password-resets" in refused["detail"]

    async def counts(self, database: Database) -> dict[str, int]:
        """How many attempts are counted, by the name of their limit."""
        async with database.read() as connection:
            rows = await connection.execute(
                select(col(ThrottleWindow.key), ThrottleWindow.__table__.c["count"])
            )
            return {key.partition(":")[0]: count for key, count in rows}

    async def test_by_its_cookie(self, installer: Caller) -> None:
        body = {"email": installer.email, "password": PASSWORD}
        anonymous = replace(installer, token=None)
        first = await anonymous.post("/login", body)
        cookie = first.headers["set-cookie"]
        assert "httponly" in cookie.lower()
        assert "secure" in cookie.lower()
        assert "samesite=strict" in cookie.lower()
        mark = cookie.partition(";")[0]
        await self.flood(installer)
        with_it = {"Cookie": mark}
        assert (await anonymous.post("/login", body, headers=with_it)).status_code == 200
        # It has its own count, and opens nothing without the password.
        for _ in range(10):
            guess = body | {"password": "a guess of mine"}
            problem(await anonymous.post("/login", guess, headers=with_it), 401, "login_failed")
        problem(await anonymous.post("/login", body, headers=with_it), 429, "too_many_attempts")

    async def test_by_an_earlier_token(self, installer: Caller) -> None:
        await installer.post("/logout")
        await self.flood(installer)
        body = {"email": installer.email, "password": PASSWORD}
        assert (await installer.post("/login", body)).status_code == 200

    async def test_none_of_another_account_or_epoch_or_hand(
        self, installer: Caller, enrol: Enrol
    ) -> None:
        stranger = await enrol()
        mark = installer.http.cookies["dynamo_device"]
        foreign = next(one for one in mark.split("~") if one.count(".") == 3)
        forged = re.sub(r"[0-9a-f]{32}$", "0" * 32, foreign)
        old = installer.token
        changed = await installer.post("/password", {"password": PASSWORD, "new_password": ANOTHER})
        assert changed.status_code == 200, changed.text
        await self.flood(replace(installer, token=None))
        body = {"email": installer.email, "password": ANOTHER}
        for headers in (
            {"Authorization": f"Bearer {old}"},
            {"Authorization": f"Bearer {stranger.token}"},
            {"Cookie": f"dynamo_device={mark}"},
            {"Cookie": f"dynamo_device={forged}"},
            {"Cookie": "dynamo_device=" + "~" * 3000},
        ):
            installer.http.cookies.clear()
            answer = await replace(installer, token=None).post("/login", body, headers=headers)
            problem(answer, 429, "too_many_attempts")
        # Whoever has set the password is at a known device.
        mine = replace(installer, token=changed.json()["token"])
        assert (await mine.post("/login", body)).status_code == 200

    async def test_by_a_mail(
        self, installer: Caller, dispatcher: Dispatcher, outbox: Outbox
    ) -> None:
        """On a new device, the way in is a new password by mail."""
        await self.flood(installer)
        await replace(installer, token=None).post("/password-resets", {"email": installer.email})
        ((_, _, text),) = await mailed(dispatcher, outbox, 1)
        body = {"token": code(text), "new_password": ANOTHER}
        done = await replace(installer, token=None).post("/password-resets/complete", body)
        assert done.status_code == 200, done.text
        login = {"email": installer.email, "password": ANOTHER}
        installer.http.cookies.clear()
        mine = replace(installer, token=done.json()["token"])
        assert (await mine.post("/login", login)).status_code == 200

    async def test_they_and_who_holds_a_code_or_an_invitation_wait_for_no_stranger(
        self,
        app: FastAPI,
        installer: Caller,
        dispatcher: Dispatcher,
        outbox: Outbox,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        project = await installer.project()
        await installer.post(f"/projects/{project}/invite-site-owner", {"email": "o@x.example"})
        (_, _, text) = outbox.sent[-1]
        await installer.post("/password-resets", {"email": installer.email})
        reset = code((await mailed(dispatcher, outbox, 2))[-1][2])
        monkeypatch.setattr("api.security.passwords._MAX_WAITING", 0)
        body = {"email": "new@acme.com", "name": "New", "password": PASSWORD}
        problem(await replace(installer, token=None).post("/signup", body), 503, "busy")
        path = f"{V1}/site-owner/invitations/accept"
        body = {"token": code(text, "invitations"), "password": PASSWORD}
        accepted = await replace(installer, token=None).call("POST", path, body)
        assert accepted.status_code == 201, accepted.text
        done = await installer.post(
            "/password-resets/complete", {"token": reset, "new_password": ANOTHER}
        )
        mine = replace(installer, token=done.json()["token"])
        await mine.post(f"/projects/{project}/archive")
        gone = await mine.post("/account/delete", {"password": ANOTHER})
        assert gone.status_code == 200, gone.text

    async def test_a_success_forgets_no_guesses_of_others(
        self, app: FastAPI, installer: Caller
    ) -> None:
        """Else each login of the owner's would give those who guess fifty more."""
        parts: Parts = app.state.parts
        subject = f"installer:{installer.email}"
        for _ in range(4):  # from elsewhere
            await parts.throttle.attempt((LOGIN_ACCOUNT, subject))
        for _ in range(2):
            assert (await log_in(installer)).status_code == 200
        counts = await self.counts(parts.database)
        assert counts["login-account"] == 4
        assert "login-account-address" not in counts

    async def test_what_is_refused_is_counted_nowhere(
        self, app: FastAPI, installer: Caller, database: Database
    ) -> None:
        """Else a stranger would lock all others out by guesses that were not even looked at."""
        await self.flood(installer)
        counts = await self.counts(database)
        assert counts["login-account"] == LOGIN_ACCOUNT_FROM_ADDRESS.attempts

    async def test_a_flood_has_so_many_counters(
        self, app: FastAPI, anonymous: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Made-up addresses and accounts share what there is."""
        monkeypatch.setattr("api.security.throttling._BUCKET_DIGITS", 1)
        for number in range(60):
            await app.state.parts.throttle.attempt((LOGIN_ACCOUNT, f"nobody-{number}@acme.com"))
        async with database.read() as connection:
            count = await connection.scalar(select(func.count()).select_from(ThrottleWindow))
        assert count is not None
        assert count <= 16
