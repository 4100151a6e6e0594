"""Shapes of sign-up, login and account."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from api.fields import Email, Name, Request, Shown, Timestamp, example
from api.security.passwords import MAX_LENGTH, MIN_LENGTH
from domain.accounts import AccountEvent
from domain.states import Role
from storage.models.accounts import Account


def _encodable(password: str) -> str:
    if "\0" in password:
        raise ValueError("must not contain NUL")
    return password


NewPassword = Annotated[
    str,
    StringConstraints(min_length=MIN_LENGTH, max_length=MAX_LENGTH),
    AfterValidator(_encodable),
    Field(json_schema_extra={"format": "password"}),
]
GivenPassword = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_LENGTH),
    Field(json_schema_extra={"format": "password"}),
]
MailedToken = Annotated[
    str, Field(min_length=1, max_length=200, description="From the link in the mail")
]
_CREATED: dict[str, Any] = {
    "id": "usr_01HX3K9VZAB2C4DEFG",
    "email": "installer@acme.com",
    "role": "installer",
    "created_at": "2026-05-01T09:00:00Z",
}


class Signup(Request):
    """A new installer."""

    model_config = example(
        {
            "name": "Acme Installations",
            "email": "installer@acme.com",
            "password": "s3cur3P@ssword!",
            "company": "Acme EV Solutions Ltd",
        }
    )

    name: Name
    email: Email
    password: NewPassword
    company: Name | None = None


class AccountCreated(Shown):
    """A new account."""

    model_config = example(_CREATED)

    id: str
    email: str
    role: Role
    created_at: Timestamp


class Me(AccountCreated):
    """The account that the token is of."""

    model_config = example(
        **_CREATED,
        name="Acme Installations",
        company="Acme EV Solutions Ltd",
        email_verified=True,
    )

    name: str
    company: str | None
    email_verified: bool = Field(
        description="Whether somebody has shown to read the mail of the address"
    )

    @classmethod
    def of(cls, it: Account, **others: Any) -> Self:
        """Show an account."""
        return super().of(it, email_verified=it.verified_at is not None, **others)


class Login(Request):
    """E-mail and password."""

    model_config = example({"email": "installer@acme.com", "password": "s3cur3P@ssword!"})

    email: Email
    password: GivenPassword


class LoggedIn(Shown):
    """A bearer token."""

    model_config = example(
        {"token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...", "expires_at": "2026-05-02T09:00:00Z"}
    )

    token: str
    expires_at: Timestamp


class PasswordChange(Request):
    """The present password, and the one to be."""

    model_config = example({"password": "s3cur3P@ssword!", "new_password": "an even b3tter one"})

    password: GivenPassword
    new_password: NewPassword


class ResetRequest(Request):
    """Whose password is forgotten."""

    model_config = example(email="installer@acme.com")

    email: Email


class MailAsked(BaseModel):
    """That a mail is on its way, if there is an account."""

    model_config = example(
        email="installer@acme.com", detail="If this address has an account, a mail is on its way."
    )

    email: str
    detail: str


class Code(Request):
    """The code of a mail."""

    model_config = example({"token": "4f0c…"})

    token: MailedToken


class PasswordReset(Code):
    """The code of a mail, and the password to be."""

    model_config = example({"token": "4f0c…", "new_password": "an even b3tter one"})

    new_password: NewPassword


class LoginShown(Shown):
    """Where an account is logged in: what a person recognises it by."""

    model_config = example(
        id="ses_01HX3KABCDEFGHJKMN",
        created_at="2026-05-01T09:00:00Z",
        expires_at="2026-05-02T09:00:00Z",
        address="203.0.113.7",
        device="Firefox on Windows",
        user_agent="Mozilla/5.0 (Windows NT 10.0; rv:126.0) Firefox/126.0",
        current=True,
    )

    id: str
    created_at: Timestamp = Field(description="When it was logged in")
    expires_at: Timestamp
    address: str = Field(description="From where, as the API saw it")
    device: str = Field(description="What it says to be, in words")
    user_agent: str | None
    current: bool = Field(description="Whether the request comes from it")


class AccountEventShown(Shown):
    """What has happened to an account."""

    model_config = example(
        at="2026-05-01T09:05:00Z", event="password.changed", token_epoch=1, address="203.0.113.7"
    )

    at: Timestamp
    event: AccountEvent
    token_epoch: int = Field(
        description="The account's after it: it goes up with each new password, and a token of a "
        "lower one is void"
    )
    address: str | None = Field(description="From where, as the API saw it")
