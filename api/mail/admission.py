"""Whether an account may mail an invitation: how many it had today, and whether it is wanted."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from api.deps import now
from api.parts import Parts
from api.protocol.limits import forget
from api.security.throttling import INVITE_PROJECT, Limit
from domain.errors import ConflictError, TooManyRequestsError
from domain.mail import recipient_key
from domain.proxies import source_network
from storage.invitations import Invitations
from storage.mail_notices import MailBlocks
from storage.models.accounts import Account
from storage.models.invitations import Invitation

_DAY = timedelta(days=1)
_OFFICE = 3
"""So many times as many as one account's go to an address from one network."""
RECIPIENT_BLOCKED = "Whoever reads that address has stopped the mail that the account causes."


async def admit_invitation(
    parts: Parts,
    *,
    inviter: Account,
    project_id: str,
    email: str,
    address: str | None,
    sent_by: str | None = None,
) -> None:
    """Count the mail of an invitation, before anything is written.

    One to somebody who has accepted an invitation of that account before counts for the account
    alone: they know each other. ``address``: where it is asked for. ``sent_by``: whose it is, where
    it is sent again by another.

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
    network = source_network(address or "")
    ways = _ways_to(parts, inviter.id, email, network, accepted=accepted, knows=knows)
    waits: list[int] = []
    for way in ways:
        limits = [(account, inviter.id), (INVITE_PROJECT, project_id), *way]
        if waits:
            forget([limit.name for limit, _ in limits + list(ways[0])])
        try:
            await parts.throttle.attempt(*limits)
        except TooManyRequestsError as error:
            waits.append(error.retry_after)
        else:
            return
    soonest = min(waits)
    again = now() + timedelta(seconds=soonest, minutes=1)  # the whole minute in which it can
    raise TooManyRequestsError(
        "too_many_invitations",
        "There were as many invitations of your account, for this project or to this address as "
        f"may be mailed. The next can leave at {again:%H:%M} UTC on {again:%Y-%m-%d}; what was "
        "sent already stays good.",
        retry_after=soonest,
    )


def _ways_to(
    parts: Parts, inviter_id: str, email: str, network: str, *, accepted: bool, knows: bool
) -> Sequence[Sequence[tuple[Limit, str]]]:
    """By what the address may be written to, one after the other: the first that is free is taken.

    Those of whom nobody has accepted an invitation yet share a number. When others have used it up,
    each has one left, out of as many again for all who are in one network. Who has had one accepted
    has a number to itself, out of three times as many for its network, and one left beyond: an
    invitation is accepted soon by whoever has a second address.
    """
    most = parts.settings.mail_invitations_to_address
    first = Limit(name="invite-address-first", attempts=1, window=_DAY)
    if knows:
        return [[]]
    if accepted:
        own = Limit(name="invite-address-own", attempts=most, window=_DAY)
        mine = own, f"{inviter_id}:{email}"
        office = Limit(name="invite-address-office", attempts=_OFFICE * most, window=_DAY)
        return [
            [mine, (office, f"{network}:{email}")],
            [mine, (first, f"{inviter_id}:{email}")],
        ]
    shared = Limit(name="invite-address", attempts=most, window=_DAY)
    near = Limit(name="invite-address-network", attempts=most, window=_DAY)
    return [
        [(shared, email)],
        [(first, f"{inviter_id}:{email}"), (near, f"{network}:{email}")],
    ]


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
