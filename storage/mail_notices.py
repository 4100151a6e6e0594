"""Mail that accounts cause: how much of it there was, what waits, and who wants none."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.mail import Admission, GatheredMail, MailNotice, recipient_key
from storage.dialects import among
from storage.engine import Database
from storage.models.mail import MailBlock
from storage.models.mail import MailNotice as MailNoticeRow
from storage.records import Records
from storage.rows import Repository, Rows
from storage.sessions import Throttles

GATHERED_FOR: Final = timedelta(minutes=15)
"""So long after the first one a gathered mail waits for more of them."""
GATHERED_LONGER: Final = timedelta(hours=4)
"""The same, once there were as many mails as a day has."""
KEPT: Final = timedelta(days=3)
"""So long a notice that leaves by itself is tried at most, and is known to have left."""
RESETS_APART: Final = timedelta(days=7)
"""So far apart ways to a new password go to an address that has stopped the mail of the account."""
_SHOWN: Final = 300
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


class MailBlocks(Repository):
    """Which accounts' mail an address does not want; the address itself is not stored."""

    async def block(self, account_id: str, recipient: str, *, at: datetime) -> None:
        """Let no more mail of that account's go there; what waits is dropped."""
        await self._rows.add_if_new(
            MailBlock, account_id=account_id, recipient=recipient, blocked_at=at
        )
        await self.drop(account_id, recipient)

    async def drop(self, account_id: str, recipient: str) -> None:
        """Drop what waits to go there."""
        await self._rows.those(MailNoticeRow, _is_between(account_id, recipient)).remove()

    async def allow(self, account_id: str, recipient: str) -> None:
        """Let it go there again."""
        await self._rows.at(MailBlock, (account_id, recipient)).remove()

    async def is_blocked(self, account_id: str, recipient: str) -> bool:
        """Tell whether it may not."""
        return await self._rows.look_up(MailBlock, (account_id, recipient)) is not None

    async def let_through(
        self, account_id: str, recipient: str, letter_id: str, *, now: datetime
    ) -> bool:
        """Let the way to a new password go there though it is blocked, once a week.

        Tried again, a letter has its turn already.
        """
        is_its_turn = or_(
            col(MailBlock.reset_at).is_(None),
            col(MailBlock.reset_at) <= now - RESETS_APART,
            col(MailBlock.reset_letter) == letter_id,
        )
        block = self._rows.at(MailBlock, (account_id, recipient), is_its_turn)
        return await block.set(reset_letter=letter_id, reset_at=now)

    async def give_back(self, account_id: str, recipient: str, letter_id: str) -> None:
        """Let another have the turn of this letter, which did not leave."""
        has_it = col(MailBlock.reset_letter) == letter_id
        block = self._rows.at(MailBlock, (account_id, recipient), has_it)
        await block.set(reset_letter=None, reset_at=None)

    async def blocked(self, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these accounts and addresses that are."""
        if not pairs:
            return set()
        recipients = sorted({recipient for _, recipient in pairs})
        rows = await self._rows.all(
            select(col(MailBlock.account_id), col(MailBlock.recipient)).where(
                among(self._connection, col(MailBlock.recipient), recipients)
            )
        )
        return {(account_id, recipient) for account_id, recipient in rows} & set(pairs)


class StoredMailNotices(Records):
    """Implements :class:`domain.ports.MailNotices`.

    ``per_hour`` and ``per_day`` are how many single notices go to one address, and how many one
    account causes. Rows count them, so several processes count together.
    """

    def __init__(
        self,
        database: Database,
        *,
        secret: str,
        per_hour: int,
        per_day: int,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(database, now=now)
        self._secret = secret
        self._per_hour = per_hour
        self._per_day = per_day

    async def is_blocked(self, *, account_id: str, to: str) -> bool:
        """Tell whether whoever reads the address wants no mail that the account causes."""
        async with self._database.read() as connection:
            return await MailBlocks(connection).is_blocked(
                account_id, recipient_key(self._secret, to)
            )

    async def let_through(self, *, account_id: str, to: str, letter_id: str) -> bool:
        """Tell whether this way to a new password goes there all the same; one a week does."""
        async with self._database.write() as connection:
            return await MailBlocks(connection).let_through(
                account_id, recipient_key(self._secret, to), letter_id, now=self._now()
            )

    async def give_back(self, *, account_id: str, to: str, letter_id: str) -> None:
        """Note that it did not leave."""
        async with self._database.write() as connection:
            await MailBlocks(connection).give_back(
                account_id, recipient_key(self._secret, to), letter_id
            )

    async def admit(self, notice: MailNotice) -> Admission:
        """Say whether it leaves, waits or is not wanted.

        A repeat hears the same and costs none, or that it has left.
        """
        now, recipient = self._now(), recipient_key(self._secret, notice.to)
        async with self._database.write() as connection:
            if await MailBlocks(connection).is_blocked(notice.account_id, recipient):
                return Admission.BLOCKED
            known = await Rows(connection).find(
                select(col(MailNoticeRow.due_at), col(MailNoticeRow.left_at)).where(
                    col(MailNoticeRow.about) == notice.about
                )
            )
            if known is not None and known.left_at is not None:
                return Admission.LEFT
            if known is not None:
                return Admission.SEND if known.due_at is None else Admission.WAIT
            admission, due_at = await self._decide(connection, notice, recipient, now)
            await Rows(connection).add_if_new(
                MailNoticeRow,
                notice,
                recipient=recipient,
                email=notice.to,
                created_at=now,
                due_at=due_at,
            )
        return admission

    async def sent(self, about: str) -> None:
        """Note that a notice has left."""
        async with self._database.write() as connection:
            await self._let_go(
                connection,
                (col(MailNoticeRow.about) == about) & col(MailNoticeRow.due_at).is_(None),
            )

    async def gathered(self, notice_id: int) -> GatheredMail | None:
        """All that wait with this one; None where it has left, or is not wanted any more.

        What came while the address was being blocked is dropped here, or it would be due for ever.
        """
        async with self._database.write() as connection:
            first = await Rows(connection).look_up(MailNoticeRow, notice_id)
            if first is None or first.due_at is None:
                return None
            blocks = MailBlocks(connection)
            if await blocks.is_blocked(first.account_id, first.recipient):
                await blocks.drop(first.account_id, first.recipient)
                return None
            rows = await Rows(connection).all(
                select(MailNoticeRow.__table__)
                .where(_is_between(first.account_id, first.recipient))
                .where(col(MailNoticeRow.due_at).is_not(None))
                .order_by(col(MailNoticeRow.urgent).desc(), col(MailNoticeRow.id))
            )
        return GatheredMail(
            account_id=first.account_id,
            to=first.email,
            ids=tuple(row.id for row in rows),
            lines=tuple((row.subject, row.detail) for row in rows[:_SHOWN]),
        )

    async def gathered_sent(self, gathered: GatheredMail) -> None:
        """Note that they have left; the mail counts as one."""
        async with self._database.write() as connection:
            await self._let_go(connection, among(connection, col(MailNoticeRow.id), gathered.ids))
            now, recipient = self._now(), recipient_key(self._secret, gathered.to)
            _, in_day = await self._hit(connection, gathered.account_id, recipient, now)
            pause = GATHERED_LONGER if in_day > self._per_day else GATHERED_FOR
            came_meanwhile = Rows(connection).those(
                MailNoticeRow,
                _is_between(gathered.account_id, recipient),
                col(MailNoticeRow.due_at).is_not(None),
            )
            await came_meanwhile.set(due_at=now + pause)

    async def _let_go(self, connection: AsyncConnection, which: ColumnElement[bool]) -> None:
        those = Rows(connection).those(MailNoticeRow, which)
        await those.set(email="", subject="", detail="", due_at=None, left_at=self._now())

    async def _decide(
        self, connection: AsyncConnection, notice: MailNotice, recipient: str, now: datetime
    ) -> tuple[Admission, datetime | None]:
        first = await connection.scalar(
            select(func.min(col(MailNoticeRow.due_at))).where(
                _is_between(notice.account_id, recipient)
            )
        )
        if first is not None:
            return Admission.WAIT, first  # in the order in which they came
        in_hour, in_day = await self._hit(connection, notice.account_id, recipient, now)
        if in_day > self._per_day:
            return Admission.WAIT, now + GATHERED_LONGER
        if in_hour > self._per_hour:
            return Admission.WAIT, now + GATHERED_FOR
        return Admission.SEND, None

    async def _hit(
        self, connection: AsyncConnection, account_id: str, recipient: str, now: datetime
    ) -> tuple[int, int]:
        """Count one mail; the most that there were in an hour and in a day, by either measure."""
        throttles = Throttles(connection)
        found = [
            [
                (await throttles.hit(f"mail-{name}-{subject}", window=window, now=now))[0]
                for subject in (f"to-{recipient}", f"by-{account_id}")
            ]
            for name, window in (("hour", _HOUR), ("day", _DAY))
        ]
        return max(found[0]), max(found[1])


def _is_between(account_id: str, recipient: str) -> ColumnElement[bool]:
    """Predicate of a notice: the account causes it, and it goes there."""
    return and_(
        col(MailNoticeRow.account_id) == account_id, col(MailNoticeRow.recipient) == recipient
    )


async def forget_notices(connection: AsyncConnection, *, now: datetime) -> None:
    """Forget those that have left, or were given up as the mail server was away for all tries."""
    left, old = col(MailNoticeRow.due_at).is_(None), col(MailNoticeRow.created_at) < now - KEPT
    await Rows(connection).those(MailNoticeRow, left, old).remove()


async def due_notices(
    connection: AsyncConnection, *, now: datetime, after: int, limit: int
) -> Sequence[int]:
    """The first notice of each mail that is due, in the order of their ids."""
    first = func.min(col(MailNoticeRow.id))
    return await Rows(connection).values(
        select(first)
        .where(col(MailNoticeRow.due_at) <= now)
        .group_by(col(MailNoticeRow.account_id), col(MailNoticeRow.recipient))
        .having(first > after)
        .order_by(first)
        .limit(limit)
    )
