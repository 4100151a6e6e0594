"""Shapes of the deletion of an account."""

from pydantic import BaseModel

from api.accounts.schemas import GivenPassword
from api.fields import Request, Shown, Timestamp, example


class Deletion(Request):
    """Delete the account that the token is of."""

    model_config = example({"password": "s3cur3P@ssword!"})

    password: GivenPassword


class KeptShown(Shown):
    """Something that stays, why, and for how long."""

    what: str
    why: str
    until: str


class Deleted(BaseModel):
    """The account is deleted. ``kept`` says what stays."""

    model_config = example(
        deleted_at="2026-05-01T09:00:00Z",
        kept=[
            {
                "what": "The id of the account, without name, e-mail and password",
                "why": "Other people's records point to it.",
                "until": "As long as those records.",
            }
        ],
    )

    deleted_at: Timestamp
    kept: list[KeptShown]
