"""Notices beyond the quota leave in one mail: none is lost, and none leaves where it is stopped."""

import asyncio
import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select

from activities.letters import Letter
from activities.mails import PostActivities
from activities.post import Post
from domain.mail import Admission, GatheredMailOrder, MailNotice, recipient_key, stop_token
from storage.engine import Database
from storage.mail_notices import (
    GATHERED_FOR,
    GATHERED_LONGER,
    RESETS_APART,
    MailBlocks,
    due_notices,
)
from storage.models.mail import MailBlock
from storage.models.mail import MailNotice as NoticeRow
from tests.storage.test_held_notices import Post as Outbox
from tests.support.figures import Figure
from tests.support.post import SECRET, mail_notices
from tests.support.rows import AT, one_charge_point

TO = "victim@example.com"
WHO = "usr_1"


class Clock:
    """A clock of the test's."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now


class Stage:
    """The way of mails, its outbox, and what is due."""

    def __init__(self, database: Database, *, per_hour: int = 12, per_day: int = 60) -> None:
        self.database = database
        self.clock, self.outbox = Clock(), Outbox()
        self.notices = mail_notices(database, per_hour=per_hour, per_day=per_day, now=self.clock)
        self.post = Post(
            self.outbox, self.notices, secret=SECRET, public_url="https://charging.example/"
        )

    async def verdict(self, number: int, *, urgent: bool = False, to: str = TO) -> str:
        letter = Letter(
            subject=f"A charge point failed (com_{number})",
            text="Hello,\n",
            detail=f'"SN-{number}"',
            urgent=urgent,
        )
        return await self.post.tell(letter, account_id=WHO, to=to, about=f"verdict:com_{number}")

    async def gather(self) -> int:
        """Mail what is due; how many mails that were."""
        async with self.database.read() as connection:
            due = await due_notices(connection, now=self.clock.now, after=0, limit=9)
        for notice_id in due:
            await PostActivities(self.post, self.notices).mail_gathered(
                GatheredMailOrder(notice_id=notice_id)
            )
        return len(due)


async def staged(database: Database, **quotas: int) -> Stage:
    await one_charge_point(database)
    return Stage(database, **quotas)


async def test_43_verdicts_in_39_seconds_are_13_mails_and_each_is_in_one(
    database: Database, figure: Figure
) -> None:
    stage = await staged(database)
    for number in range(43):
        await stage.verdict(number, urgent=number == 42)
        stage.clock.now += timedelta(seconds=0.9)
    assert len(stage.outbox.sent) == 12
    assert await stage.gather() == 0
    stage.clock.now += GATHERED_FOR
    assert await stage.gather() == 1
    figure(f"43 verdicts in 39 s to one address: {len(stage.outbox.sent)} mails")
    assert len(stage.outbox.sent) == 13
    _, subject, text = stage.outbox.sent[-1]
    assert subject == "31 notices, gathered into one mail"
    told = "".join(subject + text for _, subject, text in stage.outbox.sent)
    assert {int(one) for one in re.findall(r"com_(\d+)", told)} == set(range(43))
    assert text.index("com_42") < text.index("com_12")  # the alarm is first
    assert await stage.gather() == 0


async def test_who_goes_on_for_a_day_fills_no_mailbox(database: Database, figure: Figure) -> None:
    stage = await staged(database)
    for number in range(24 * 60):
        await stage.verdict(number)
        await stage.gather()
        stage.clock.now += timedelta(minutes=1)
    stage.clock.now += GATHERED_LONGER
    await stage.gather()
    told = "".join(subject + text for _, subject, text in stage.outbox.sent)
    assert len(set(re.findall(r"com_(\d+)", told))) > 1_300  # the rest: "and so many more"
    figure(f"1,440 verdicts in a day to one address: {len(stage.outbox.sent)} mails")
    assert len(stage.outbox.sent) < 80


async def test_those_that_come_at_once_are_all_counted(database: Database) -> None:
    stage = await staged(database)
    await asyncio.gather(*(stage.verdict(number) for number in range(30)))
    assert len(stage.outbox.sent) == 12


async def test_a_repeat_is_answered_as_the_first_and_counts_once(database: Database) -> None:
    stage = await staged(database, per_hour=1)
    notice = MailNotice(account_id=WHO, to=TO, about="verdict:com_1", subject="s")
    for _ in range(3):  # its mail server is away
        assert await stage.notices.admit(notice) is Admission.SEND
    await stage.notices.sent(notice.about)
    # Done again, as what came after it has failed.
    assert await stage.notices.admit(notice) is Admission.LEFT
    for _ in range(2):
        assert await stage.verdict(2) == "wait"
    await stage.notices.sent("verdict:com_2")  # it waits: that is no end
    stage.clock.now += GATHERED_FOR
    stage.outbox.away = True
    try:
        await stage.gather()
    except OSError:
        stage.outbox.away = False
    assert await stage.gather() == 1
    assert "com_2" in stage.outbox.sent[-1][2]
    assert await stage.verdict(2) == "left"
    # What has left says nothing of anybody any more.
    async with database.read() as connection:
        rows = (await connection.execute(select(NoticeRow.__table__))).all()
    assert {(row.email, row.subject, row.detail) for row in rows} == {("", "", "")}


async def test_one_account_has_its_quota_however_many_addresses(database: Database) -> None:
    stage = await staged(database)
    for number in range(30):
        await stage.verdict(number, to=f"victim-{number}@example.com")
    assert len(stage.outbox.sent) == 12


async def test_what_is_stopped_does_not_leave_and_can_be_allowed_again(
    database: Database,
) -> None:
    stage = await staged(database, per_hour=1)
    recipient = recipient_key(SECRET, TO.upper())
    await stage.verdict(1)
    await stage.verdict(2)
    link = f"https://charging.example/mail/stop/{stop_token(SECRET, WHO, TO)}"
    assert stage.outbox.sent[0][2].endswith(f"{link}\n")
    async with database.write() as connection:
        await MailBlocks(connection).block(WHO, recipient, at=AT)
        await MailBlocks(connection).block(WHO, recipient, at=AT)
    assert await stage.verdict(3) == "blocked"
    assert not await stage.post.wants(account_id=WHO, to=TO)
    assert await stage.post.wants(account_id="usr_2", to=TO)
    assert await stage.post.wants(account_id=WHO, to="other@example.com")
    stage.clock.now += 2 * GATHERED_LONGER
    assert await stage.gather() == 0
    async with database.write() as connection:
        await MailBlocks(connection).allow(WHO, recipient)
    await stage.verdict(4)
    assert len(stage.outbox.sent) == 2


async def test_what_waited_when_it_was_stopped_is_not_due_for_ever(database: Database) -> None:
    stage = await staged(database, per_hour=1)
    for number in range(3):
        await stage.verdict(number)
    async with database.write() as connection:  # in the moment in which another notice came
        await connection.execute(
            insert(MailBlock).values(
                account_id=WHO, recipient=recipient_key(SECRET, TO), blocked_at=AT
            )
        )
    stage.clock.now += GATHERED_FOR
    assert await stage.gather() == 1
    assert len(stage.outbox.sent) == 1
    assert await stage.gather() == 0


async def test_what_a_site_has_to_say_to_its_owner_is_neither_counted_nor_stopped(
    database: Database,
) -> None:
    stage = await staged(database, per_hour=1, per_day=1)
    async with database.write() as connection:
        await MailBlocks(connection).block(WHO, recipient_key(SECRET, TO), at=AT)
    for _ in range(3):
        await stage.post.of_ones_own(Letter(subject="2 sessions wait", text="Hello,"), to=TO)
    assert len(stage.outbox.sent) == 3


async def test_one_way_to_a_new_password_a_week_goes_where_they_are_stopped(
    database: Database,
) -> None:
    """Who needs it has it; who asks in a stranger's place has no more than that sent."""
    await one_charge_point(database)
    stage, letter = Stage(database), Letter(subject="Choose a new password", text="Hello,\n")
    async with database.write() as connection:
        await MailBlocks(connection).block(WHO, recipient_key(SECRET, TO), at=AT)

    async def send(letter_id: str) -> str | None:
        return await stage.post.caused_all_the_same(
            letter, account_id=WHO, to=TO, letter_id=letter_id
        )

    stage.outbox.away = True
    with pytest.raises(OSError, match="away"):
        await send("let_1")
    stage.outbox.away = False
    assert await send("let_2") is not None
    assert await send("let_2") is not None  # its activity is done again
    assert await send("let_3") is None
    stage.clock.now += RESETS_APART - timedelta(seconds=1)
    assert await send("let_4") is None
    stage.clock.now += timedelta(seconds=1)
    found = await asyncio.gather(*(send(f"let_{number}") for number in range(5, 9)))
    assert len([one for one in found if one is not None]) == 1
