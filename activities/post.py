"""The way of every mail: what one person causes to another is counted, and can be stopped."""

from collections.abc import Sequence
from dataclasses import dataclass

from activities.letters import Letter
from domain.mail import Admission, MailNotice, stop_token
from domain.ports import Mailer, MailNotices


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """Somebody who is told: ``account_id`` has caused it; ``about`` is the same at a repeat."""

    account_id: str
    to: str
    about: str


class Post:
    """Sends letters, each by the rules of its kind."""

    def __init__(
        self, mailer: Mailer, notices: MailNotices, *, secret: str, public_url: str
    ) -> None:
        self._mailer = mailer
        self._notices = notices
        self._secret = secret
        self._public_url = public_url.rstrip("/")

    async def of_ones_own(self, letter: Letter, *, to: str) -> str:
        """Tell an owner of a site of theirs, or somebody of their account.

        It is not counted and cannot be stopped.
        """
        return await self._mailer.send(
            to=to, subject=letter.subject, text=letter.text, html=letter.html
        )

    def stop_link(self, *, account_id: str, to: str) -> str:
        """Where whoever reads the address stops the mail that this account causes."""
        return f"{self._public_url}/mail/stop/{stop_token(self._secret, account_id, to)}"

    async def caused(self, letter: Letter, *, account_id: str, to: str) -> str:
        """Send what the account causes, with the link that stops it.

        Whether it may leave has been asked before.
        """
        link = self.stop_link(account_id=account_id, to=to)
        return await self._mailer.send(
            to=to,
            subject=letter.subject,
            text=f"{letter.text}{_footer(link)}",
            html=letter.html,
            stop_link=link,
        )

    async def wants(self, *, account_id: str, to: str) -> bool:
        """Tell whether the address takes mail that the account causes."""
        return not await self._notices.is_blocked(account_id=account_id, to=to)

    async def caused_all_the_same(
        self, letter: Letter, *, account_id: str, to: str, letter_id: str
    ) -> str | None:
        """Send the way to a new password to an address that has stopped the account's mail.

        It is one a week, and each says how to allow the others; None: there was one.
        """
        turn = {"account_id": account_id, "to": to, "letter_id": letter_id}
        if not await self._notices.let_through(**turn):
            return None
        try:
            return await self.caused(letter, account_id=account_id, to=to)
        except OSError:
            await self._notices.give_back(**turn)
            raise

    async def tell(self, letter: Letter, *, account_id: str, to: str, about: str) -> str:
        """Send a notice, or have it gathered; says which, for the log. Safe to repeat."""
        notice = MailNotice(
            account_id=account_id,
            to=to,
            about=about,
            subject=letter.subject,
            detail=letter.detail,
            urgent=letter.urgent,
        )
        admission = await self._notices.admit(notice)
        if admission is not Admission.SEND:
            return admission.value
        where = await self.caused(letter, account_id=account_id, to=to)
        await self._notices.sent(about)
        return where

    async def tell_all(self, letter: Letter, told: Sequence[Recipient]) -> None:
        """Tell each, whatever becomes of the others; a repeat tells those that were not told.

        Raises:
            OSError: One of the mails could not leave.

        """
        failed: OSError | None = None
        for one in told:
            try:
                await self.tell(letter, account_id=one.account_id, to=one.to, about=one.about)
            except OSError as error:
                failed = error
        if failed is not None:
            raise failed


def _footer(link: str) -> str:
    return (
        "\n-- \nAn account has caused this mail. If you want no more mail that it causes, stop it "
        f"here (and allow it again, should you change your mind):\n{link}\n"
    )
