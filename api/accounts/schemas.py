"""Shapes of sign-up, login and account."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.fields import Email, Name, Request, Timestamp
from api.security.passwords import MAX_LENGTH, MIN_LENGTH
from domain.states import Role
from storage.accounts import Account


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


class Signup(Request):
    """A new installer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Acme Installations",
                    "email": "installer@acme.com",
                    "password": "s3cur3P@ssword!",
                    "company": "Acme EV Solutions Ltd",
                }
            ]
        }
    )

    name: Name
    email: Email
    password: NewPassword
    company: Name | None = None


class AccountCreated(BaseModel):
    """A new account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "usr_01HX3K9VZAB2C4DEFG",
                    "email": "installer@acme.com",
                    "role": "installer",
                    "created_at": "2026-05-01T09:00:00Z",
                }
            ]
        }
    )

    id: str
    email: str
    role: Role
    created_at: Timestamp


class Me(AccountCreated):
    """The account that the token is of."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "usr_01HX3K9VZAB2C4DEFG",
                    "email": "installer@acme.com",
                    "role": "installer",
                    "created_at": "2026-05-01T09:00:00Z",
                    "name": "Acme Installations",
                    "company": "Acme EV Solutions Ltd",
                }
            ]
        }
    )

    name: str
    company: str | None

    @classmethod
    def of(cls, account: Account) -> "Me":
        """Show an account."""
        return cls(
            id=account.id,
            email=account.email,
            role=account.role,
            created_at=account.created_at,
            name=account.name,
            company=account.company,
        )


class Login(Request):
    """E-mail and password."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "installer@acme.com", "password": "s3cur3P@ssword!"}]
        }
    )

    email: Email
    password: GivenPassword


class LoggedIn(BaseModel):
    """A bearer token."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...",
                    "expires_at": "2026-05-02T09:00:00Z",
                }
            ]
        }
    )

    token: str
    expires_at: Timestamp
