"""What activities need from the outside and tests have in another form, as protocols."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from domain import commissioning
from domain.batch import WaitNote
from domain.facts import Snapshot
from domain.mail import Admission, GatheredMail, MailNotice
from domain.outbound import Destination
from domain.ownership import Claim, Owner, RebootRequest, Release, Released
from domain.webhooks import WebhookAnswer


class ChargePointGoneError(Exception):
    """The charge point's socket is not on this node; locate it again."""


class Mailer(Protocol):
    """Delivers one mail; raises OSError or a subclass when it cannot.

    Mail of an account's goes by :class:`activities.post.Post`, which counts it.
    """

    async def send(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        html: str | None = None,
        stop_link: str | None = None,
    ) -> str:
        """Deliver, and say where it went (for the log).

        ``stop_link``: where a POST stops such mail (RFC 8058).
        """
        ...


class MailNotices(Protocol):
    """Counts notices, gathers those beyond the quota, and knows who wants none. Safe to repeat."""

    async def is_blocked(self, *, account_id: str, to: str) -> bool: ...
    async def let_through(self, *, account_id: str, to: str, letter_id: str) -> bool: ...
    async def give_back(self, *, account_id: str, to: str, letter_id: str) -> None: ...
    async def admit(self, notice: MailNotice) -> Admission: ...
    async def sent(self, about: str) -> None: ...
    async def gathered(self, notice_id: int) -> GatheredMail | None: ...
    async def gathered_sent(self, gathered: GatheredMail) -> None: ...


class RunRecords(Protocol):
    """What is recorded of commissioning runs and by which workflow. Safe to repeat."""

    async def begin_run(
        self, request: commissioning.RunRequest, *, owner: Owner
    ) -> commissioning.Briefing: ...
    async def catch_up(self, request: commissioning.RunRequest, *, owner: Owner) -> Snapshot: ...
    async def finish_run(
        self, verdict: commissioning.RunVerdict, *, owner: Owner
    ) -> commissioning.Finished: ...
    async def note_wait(self, note: WaitNote) -> str | None: ...
    async def notice(self, commissioning_id: str) -> commissioning.VerdictNotice | None: ...
    async def notice_sent(self, commissioning_id: str) -> None: ...


class RunStarter(Protocol):
    """Starts runs, and ends them from outside. Every method is safe to repeat."""

    async def retry(self, order: commissioning.RetryOrder) -> commissioning.RunStarted: ...
    async def cancel(self, workflow_id: str, *, run_id: str) -> None: ...


class Directory(Protocol):
    """Who owns charge points for the moment. Safe to repeat."""

    async def claim(self, charge_point_id: str, *, owner: Owner) -> Claim: ...
    async def release(self, request: Release, *, owner: Owner) -> Released: ...


class RunControl(Protocol):
    """Starts and cancels the workflows of runs. Safe to repeat."""

    async def start(self, run: commissioning.RunToStart) -> None: ...
    async def cancel_open(
        self, charge_point_id: str, request: commissioning.CancelRequest
    ) -> bool: ...


class RebootStagger(Protocol):
    """Slots for reboots, one after the other in a project."""

    async def reserve(self, request: RebootRequest) -> timedelta: ...


class Rounds(Protocol):
    """Work that is done again and again, at a pace of its own. Two at it do no harm."""

    async def go_round(self) -> timedelta:
        """Do one round, whatever fails in it; return how long to rest before the next."""
        ...


class WebhookSender(Protocol):
    """Calls a webhook at one of its addresses."""

    async def post(
        self, destination: Destination, *, headers: Mapping[str, str], body: str
    ) -> WebhookAnswer:
        """Give the answer, whatever its status; no redirect is followed.

        Raises:
            OSError: there was no answer; its text says why.

        """
        ...
