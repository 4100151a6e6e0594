from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from api.parts import Parts
from api.security.throttling import LOGIN_ACCOUNT_FROM_ADDRESS
from domain.states import Role
from storage.engine import Database
from storage.models.accounts import Account
from tests.api.callers import PASSWORD, V1, Caller, fields, problem

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BODY: dict[str, Any] = {
    "name": "Acme Installations",
    "email": "Installer@Acme.com",
    "password": PASSWORD,
    "company": "Acme EV Solutions Ltd",
}


class TestSignup:
    async def test_makes_an_installer(self, anonymous: Caller) -> None:
        answer = await anonymous.post("/signup", BODY)
        assert answer.status_code == 201
        assert answer.json()["role"] == "installer"
        assert answer.json()["email"] == "installer@acme.com"

    async def test_the_company_may_be_left_out(self, anonymous: Caller) -> None:
        body = {name: value for name, value in BODY.items() if name != "company"}
        assert (await anonymous.post("/signup", body)).status_code == 201

    async def test_the_same_email_in_another_case_is_taken(self, anonymous: Caller) -> None:
        await anonymous.post("/signup", BODY)
        again = await anonymous.post("/signup", BODY | {"email": "INSTALLER@acme.com"})
        problem(again, 409, "email_taken")

    async def test_it_is_throttled_by_email_and_by_address(self, anonymous: Caller) -> None:
        async def asked(email: str, *, times: int = 1) -> list[int]:
            answers = [
                await anonymous.post("/signup", BODY | {"email": email}) for _ in range(times)
            ]
            for answer in answers:
                if answer.status_code == 429:
                    problem(answer, 429, "too_many_attempts")
                    assert 0 < int(answer.headers["retry-after"]) <= 60 * 60
            return [answer.status_code for answer in answers]

        # What is refused of one e-mail takes nothing from the hundred of the address.
        assert await asked("0@acme.com", times=11) == [201, *[409] * 9, 429]
        for number in range(1, 10):
            assert await asked(f"{number}@acme.com", times=10) == [201, *[409] * 9]
        assert await asked("10@acme.com") == [429]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "  "}, "name"),
            ({"name": "x" * 201}, "name"),
            ({"name": "Acme\r\nBcc: all@example.com"}, "name"),
            ({"name": "Acme\u202eInstallations"}, "name"),
            ({"name": None}, "name"),
            ({"name": 7}, "name"),
            ({"email": "nobody"}, "email"),
            ({"email": "a@b@c.com"}, "email"),
            ({"email": "installer@acme.com\nBcc: x@y.com"}, "email"),
            ({"password": "short"}, "password"),
            ({"password": "x" * 129}, "password"),
            ({"password": "with\0nul-inside"}, "password"),
            ({"company": " "}, "company"),
            ({"role": "site_owner"}, "role"),
        ],
    )
    async def test_a_wrong_field_is_named(
        self, anonymous: Caller, change: dict[str, Any], field: str
    ) -> None:
        answer = await anonymous.post("/signup", BODY | change)
        document = problem(answer, 422, "invalid_input")
        assert fields(document) == {field}
        assert "password" not in change or str(change["password"]) not in answer.text

    async def test_a_lone_surrogate_is_refused(self, anonymous: Caller) -> None:
        answer = await anonymous.post(
            "/signup",
            content=b'{"name": "\\ud800", "email": "a@acme.com", "password": "0123456789"}',
            headers={"Content-Type": "application/json"},
        )
        assert fields(problem(answer, 422, "invalid_input")) == {"name"}


class TestLogin:
    async def test_gives_a_token_that_works(self, anonymous: Caller) -> None:
        await anonymous.post("/signup", BODY)
        answer = await anonymous.post(
            "/login", {"email": " installer@ACME.com ", "password": PASSWORD}
        )
        assert answer.status_code == 200
        expires_at = datetime.fromisoformat(answer.json()["expires_at"])
        assert timedelta(hours=23) < expires_at - datetime.now(UTC) <= timedelta(hours=24)
        me = await Caller(http=anonymous.http, token=answer.json()["token"]).get("/me")
        assert me.json()["email"] == "installer@acme.com"

    async def test_unknown_account_and_wrong_password_look_the_same(
        self, anonymous: Caller
    ) -> None:
        await anonymous.post("/signup", BODY)
        wrong = await anonymous.post("/login", {"email": BODY["email"], "password": "wrong"})
        unknown = await anonymous.post("/login", {"email": "no@acme.com", "password": "wrong"})
        one, other = problem(wrong, 401, "login_failed"), problem(unknown, 401, "login_failed")
        assert one["detail"] == other["detail"]

    async def test_guessing_is_throttled_and_the_wait_is_told(self, anonymous: Caller) -> None:
        await anonymous.post("/signup", BODY)
        guess = {"email": BODY["email"], "password": "guess"}
        for _ in range(LOGIN_ACCOUNT_FROM_ADDRESS.attempts):
            problem(await anonymous.post("/login", guess), 401, "login_failed")
        answer = await anonymous.post("/login", guess | {"password": PASSWORD})
        problem(answer, 429, "too_many_attempts")
        assert 0 < int(answer.headers["retry-after"]) <= 15 * 60
        # Another account is not held up by it.
        other = {"email": "other@acme.com", "password": "guess"}
        problem(await anonymous.post("/login", other), 401, "login_failed")

    async def test_a_success_forgets_the_failures(self, anonymous: Caller) -> None:
        await anonymous.post("/signup", BODY)
        right = {"email": BODY["email"], "password": PASSWORD}
        for _ in range(3):
            for _ in range(LOGIN_ACCOUNT_FROM_ADDRESS.attempts - 1):
                await anonymous.post("/login", right | {"password": "guess"})
            assert (await anonymous.post("/login", right)).status_code == 200


class TestToken:
    async def test_an_anonymous_caller_is_told_how_to_sign_in(self, anonymous: Caller) -> None:
        answer = await anonymous.get("/me")
        problem(answer, 401, "token_missing")
        assert answer.headers["www-authenticate"] == "Bearer"

    async def test_logout_revokes_this_token_alone(
        self, anonymous: Caller, installer: Caller
    ) -> None:
        answer = await anonymous.post("/login", {"email": installer.email, "password": PASSWORD})
        other = Caller(http=anonymous.http, token=answer.json()["token"])
        assert (await installer.post("/logout")).status_code == 204
        problem(await installer.get("/me"), 401, "token_revoked")
        problem(await installer.post("/logout"), 401, "token_revoked")
        assert (await other.get("/me")).status_code == 200

    async def test_a_token_of_an_older_epoch_is_void(
        self, installer: Caller, database: Database
    ) -> None:
        assert (await installer.get("/me")).status_code == 200
        async with database.write() as connection:
            await connection.execute(update(Account).values(token_epoch=1))
        problem(await installer.get("/me"), 401, "token_revoked")

    async def test_forged_tokens_are_refused(self, app: FastAPI, installer: Caller) -> None:
        parts: Parts = app.state.parts
        assert installer.token is not None
        key = parts.tokens._key
        claims = jwt.decode(installer.token, key, algorithms=["HS256"], audience="dynamo-api")
        forged = [
            jwt.encode(claims, "", algorithm="none"),
            jwt.encode(claims, b"another key of thirty-two bytes!", algorithm="HS256"),
            jwt.encode(claims, key * 2, algorithm="HS512"),
            jwt.encode(claims, key, algorithm="HS256", headers={"crit": ["exp"], "x": 1}),
            *(
                jwt.encode(claims | change, key, algorithm="HS256")
                for change in (
                    {"iss": "somebody"},
                    {"aud": "something"},
                    {"role": "admin"},
                    {"epoch": "x"},
                )
            ),
            *(
                jwt.encode({k: v for k, v in claims.items() if k != gone}, key, algorithm="HS256")
                for gone in ("exp", "iss", "aud", "jti", "sub", "role", "epoch")
            ),
            "no.token.at-all",
            "[" * 3000,
            installer.token[:-2],
        ]
        for token in forged:
            caller = Caller(http=installer.http, token=token)
            problem(await caller.get("/me"), 401, "token_invalid")

    async def test_a_token_of_an_api_whose_clock_is_ahead(
        self, app: FastAPI, installer: Caller
    ) -> None:
        parts: Parts = app.state.parts
        me = parts.tokens.read(installer.token or "")
        token, _ = parts.tokens.issue(
            account_id=me.account_id,
            role=me.role,
            epoch=me.epoch,
            now=datetime.now(UTC) + timedelta(seconds=40),
        )
        answer = await Caller(http=installer.http, token=token).get("/me")
        assert answer.status_code == 200, answer.text

    async def test_an_expired_token_says_so(self, app: FastAPI, installer: Caller) -> None:
        parts: Parts = app.state.parts
        token, _ = parts.tokens.issue(
            account_id="usr_x",
            role=Role.INSTALLER,
            epoch=0,
            now=datetime.now(UTC) - timedelta(days=2),
        )
        caller = Caller(http=installer.http, token=token)
        problem(await caller.get("/me"), 401, "token_expired")

    async def test_a_token_of_an_account_that_is_gone(
        self, app: FastAPI, installer: Caller
    ) -> None:
        parts: Parts = app.state.parts
        token, _ = parts.tokens.issue(
            account_id="usr_gone", role=Role.INSTALLER, epoch=0, now=datetime.now(UTC)
        )
        caller = Caller(http=installer.http, token=token)
        problem(await caller.get("/me"), 401, "token_revoked")

    async def test_another_scheme_is_no_token(self, installer: Caller) -> None:
        answer = await installer.http.get(
            f"{V1}/installer/me", headers={"Authorization": f"Basic {installer.token}"}
        )
        problem(answer, 401, "token_missing")
