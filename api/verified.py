"""What an account may do whose e-mail nobody has verified."""

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncConnection

from api.call import Call
from api.deps import AnyCall
from api.parts import Parts
from domain.accounts import QUOTAS, Counted
from domain.errors import ForbiddenError
from storage.accounts import how_many
from storage.models.accounts import Account

_HOW = (
    "Verify it: follow the link in the mail that POST /api/v1/installer/verification sends you, "
    "again if need be."
)
_IN_A_FILE = " There is no mail server here: the mail is a file in mail/ of the data directory."


def is_verified_enough(parts: Parts, account: Account) -> bool:
    """Whether its address is proven, or the settings ask for no proof."""
    return account.verified_at is not None or parts.settings.email_verification == "off"


def refuse_unverified(parts: Parts, account: Account) -> None:
    """Let nobody whose address is not proven reach others, where the settings ask for proof.

    Raises:
        ForbiddenError: ``email_unverified``.

    """
    if not is_verified_enough(parts, account):
        raise ForbiddenError(
            "email_unverified",
            f"This needs a verified e-mail, and {account.email} is not verified. {_HOW}",
        )


async def refuse_beyond_quota(
    call: Call, connection: AsyncConnection, what: Counted, *, more: int = 1
) -> None:
    """Let an account whose address is not proven fill the engine so far and no further.

    Raises:
        ForbiddenError: ``quota_until_verified``.

    """
    if call.account.verified_at is not None:
        return
    most = QUOTAS[call.parts.settings.email_verification][what]
    if await how_many(connection, call.account.id, what, at_most=most) + more > most:
        how = _HOW + (_IN_A_FILE if call.parts.settings.smtp_url is None else "")
        raise ForbiddenError(
            "quota_until_verified",
            f"An account whose e-mail is not verified has at most {most:,} {what.value}. {how}",
        )


async def _verified(call: AnyCall) -> None:
    refuse_unverified(call.parts, call.account)


VERIFIED = [Depends(_verified)]
"""Dependencies of a route that an account may use once its address is proven."""
