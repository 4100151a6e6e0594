"""Mails about accounts. A code exists only in here, and in the mail."""

from typing import TYPE_CHECKING

from temporalio import activity

from activities.letters import Letter
from activities.post import Post
from domain.accounts import AccountLetter, LetterPurpose
from domain.invitations import day
from domain.states import Role
from domain.tokens import letter_token

if TYPE_CHECKING:
    from storage.account_letters import StoredLetters

_KINDS = {Role.INSTALLER: "installer", Role.SITE_OWNER: "site owner"}


class AccountActivities:
    """Codes for new passwords and for the proof of an address, and news of a password."""

    def __init__(
        self, letters: "StoredLetters", post: Post, *, secret: str, public_url: str
    ) -> None:
        self._letters = letters
        self._post = post
        self._secret = secret
        self._public_url = public_url.rstrip("/")

    @activity.defn
    async def mail_account(self, letter_id: str) -> None:
        """Mail it, unless that has been done, or nobody has an account with that address.

        Of an account whose address nobody has proven, whoever reads it can stop the mail, but for
        one way to a new password a week.
        """
        asked = await self._letters.letter(letter_id)
        if asked is None:
            return
        account, to = asked.account_id, asked.email
        wanted = asked.is_proven or await self._post.wants(account_id=account, to=to)
        if not wanted and asked.purpose is not LetterPurpose.RESET:
            return
        page = "verifications" if asked.purpose is LetterPurpose.VERIFICATION else "password-resets"
        letter = account_letter(
            asked,
            link=f"{self._public_url}/{page}/{letter_token(self._secret, letter_id)}",
            public_url=self._public_url,
        )
        where: str | None
        if asked.is_proven:
            where = await self._post.of_ones_own(letter, to=to)
        elif wanted:
            where = await self._post.caused(letter, account_id=account, to=to)
        else:
            where = await self._post.caused_all_the_same(
                letter, account_id=account, to=to, letter_id=letter_id
            )
        if where is None:
            return
        await self._letters.sent(letter_id)
        activity.logger.info("account_mailed", extra={"where": where})


def account_letter(asked: AccountLetter, *, link: str, public_url: str) -> Letter:
    """Compose the mail: nothing in it but our own words, a link and times."""
    kind = _KINDS[asked.role]
    at, until = asked.asked_at, asked.expires_at
    asked_at = f"{day(at)} at {at:%H:%M} UTC"
    good_until = f"{day(until)}, {until:%H:%M} UTC"
    match asked.purpose:
        case LetterPurpose.RESET:
            subject = "Choose a new password"
            lines = [
                f"somebody has asked, on {asked_at}, for a new password for your {kind} account",
                f"({asked.email}). If that was you, choose one here:",
                "",
                f"  {link}",
                "",
                f"The link works once, until {good_until}. Everybody who is logged in to the",
                "account is logged out by it.",
                "",
                "If it was not you, do nothing: your password stays as it is.",
            ]
        case LetterPurpose.VERIFICATION:
            subject = "Is this your e-mail address?"
            lines = [
                f"an account here (of the kind: {kind}) has your address, {asked.email}. If you",
                "have made it, say so:",
                "",
                f"  {link}",
                "",
                f"The link works until {good_until}.",
                "",
                "If you have not, do nothing. Whoever has made the account can do little with",
                "it; you can take it over by having a new password mailed to you:",
                "",
                f"  {public_url}/password-resets",
            ]
        case LetterPurpose.CHANGED:
            subject = "Your password was changed"
            lines = [
                f"the password of your {kind} account ({asked.email}) was changed on {asked_at}.",
                "Everybody who was logged in to it has been logged out.",
                "",
                "If that was not you, have a new one mailed to you now:",
                "",
                f"  {public_url}/password-resets",
            ]
    return Letter(subject=subject, text="\n".join(["Hello,", "", *lines, ""]))
