"""The outbox of mails about accounts: a worker takes what is there within a second."""

from sqlalchemy.ext.asyncio import AsyncConnection

from api.deps import now
from api.parts import Parts
from domain.accounts import RESET_LIFETIME, VERIFICATION_LIFETIME, LetterPurpose
from domain.ids import Prefix
from domain.tokens import hash_token, letter_token
from storage.account_letters import Addressed, Letters


async def send(
    parts: Parts, connection: AsyncConnection, purpose: LetterPurpose, to: Addressed
) -> None:
    """Put a mail into the outbox, in the caller's transaction."""
    letter_id = parts.new_id(Prefix.LETTER)
    token = letter_token(parts.settings.required_secret(), letter_id)
    await Letters(connection).ask(
        letter_id,
        purpose,
        to,
        token_hash=hash_token(token),
        at=now(),
        lifetime=RESET_LIFETIME if purpose is LetterPurpose.RESET else VERIFICATION_LIFETIME,
    )
