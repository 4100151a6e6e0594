"""Whether an account may mail an invitation: how many it had today, and whether it is wanted."""

from collections.abc import Iterable
from datetime import timedelta

from api.deps import now
from api.parts import Parts
from api.security.throttling import INVITE_PROJECT, Limit
from domain.errors import ConflictError, TooManyRequestsError
from domain.mail import recipient_key
from storage.accounts import Account
from storage.invitations import Invitation, Invitations
from storage.mail_notices import MailBlocks

_DAY = timedelta(days=1)
RECIPIENT_BLOCKED = "Whoever reads that address has stopped the mail that the account causes."


async def admit_invitation(
    parts: Parts, *, inviter: Account, project_id: str, email: str, sent_by: str | None = None
) -> None:
    """Count the mail of an invitation, before anything is written.

    One to somebody who has accepted an invitation of that account before counts for the account
    alone: they know each other. ``sent_by``: whose it is, where it is sent again by another.

    Raises:
        TooManyRequestsError: ``too_many_invitations``; ``retry_after`` says for how long.
        ConflictError: ``recipient_blocked``.

    """
    recipient = recipient_key(parts.settings.required_secret(), email)
    async with parts.database.read() as connection:
        blocked = await MailBlocks(connection).is_blocked(sent_by or inviter.id, recipient)
        accepted = await Invitations(connection).was_accepted(inviter.id)
        knows = await Invitations(connection).was_accepted(inviter.id, email=email)
    if blocked:
        raise ConflictError(
            "recipient_blocked",
            f"Whoever reads {email} has stopped the mail of your account, so nothing was sent. "
            "Talk to them: the link at the end of an earlier mail of yours allows it again.",
        )
    per_day = parts.settings.mail_invitations_per_day
    account = Limit(
        name="invite-account", attempts=per_day if accepted else max(1, per_day // 3), window=_DAY
    )
    attempts = [(account, inviter.id), (INVITE_PROJECT, project_id)]
    if not knows:
        to_address = Limit(
            name="invite-address", attempts=parts.settings.mail_invitations_to_address, window=_DAY
        )
        attempts.append((to_address, email))
    try:
        await parts.throttle.attempt(*attempts)
    except TooManyRequestsError as error:
        again = now() + timedelta(seconds=error.retry_after)
        raise TooManyRequestsError(
            "too_many_invitations",
            "There were as many invitations of your account, for this project or to this address "
            f"as may be mailed. The next can leave at {again:%H:%M} UTC on {again:%Y-%m-%d}; what "
            "was sent already stays good.",
            retry_after=error.retry_after,
        ) from error


async def blocked_among(parts: Parts, invitations: Iterable[Invitation]) -> set[str]:
    """Ids of the invitations whose mail is not wanted where it goes to."""
    secret = parts.settings.required_secret()
    pairs = {
        one.id: (one.invited_by, recipient_key(secret, one.email))
        for one in invitations
        if one.invited_by is not None
    }
    async with parts.database.read() as connection:
        blocked = await MailBlocks(connection).blocked(list(pairs.values()))
    return {invitation_id for invitation_id, pair in pairs.items() if pair in blocked}
