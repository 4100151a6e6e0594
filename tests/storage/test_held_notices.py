"""The owner gets one mail a day about held records, with all that no mail has told of."""

from datetime import timedelta

from activities.letters import held_letter
from activities.mails import HeldActivities
from domain.billing.messages import HeldDigest
from storage.engine import Database
from storage.held_notices import BETWEEN_MAILS, GATHERED_FOR, StoredHeldNotices, untold
from tests.support.holding import held_record
from tests.support.post import post_of
from tests.support.rows import AT, one_charge_point

SECOND = timedelta(seconds=1)


class Post:
    """A mail server that may be away."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.away = False
        self.refuses = ""

    async def send(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        html: str | None = None,
        stop_link: str | None = None,
    ) -> str:
        if self.away:
            raise OSError("the mail server is away")
        if to == self.refuses:
            raise OSError("no such mailbox")
        self.sent.append((to, subject, text))
        return "sent"


async def test_one_mail_a_day(database: Database) -> None:
    await one_charge_point(database)
    for session in (700, 701):
        await held_record(database, "prj_1", "cp_1", session)
    now = AT + GATHERED_FOR
    notices, post = StoredHeldNotices(database, now=lambda: now), Post()
    tell = HeldActivities(
        notices, post_of(post, database), public_url="https://charging.example/"
    ).mail_held

    async def due() -> list[str]:
        async with database.read() as connection:
            return list(await untold(connection, now=now, after="", limit=9))

    assert await due() == []  # more of them may come
    now += SECOND
    assert await due() == ["prj_1"]
    await tell("prj_1")
    ((to, subject, text),) = post.sent
    assert to == "usr_2@acme.example"
    assert subject == "2 sessions wait for your word (prj_1)"
    assert "7,930.000 kWh were told; no more than 56.000 kWh can have been." in text
    assert "2 wait for you altogether" in text
    assert "https://charging.example/api/v1/site-owner/projects/prj_1/held-records?state" in text
    await tell("prj_1")  # repeated, it tells nothing
    assert len(post.sent) == 1
    assert await due() == []
    await held_record(database, "prj_1", "cp_1", 702)
    assert await due() == []
    now += BETWEEN_MAILS
    assert await due() == ["prj_1"]
    await tell("prj_1")
    assert post.sent[1][1] == "A session waits for your word (prj_1)"
    assert "3 wait for you altogether" in post.sent[1][2]


async def test_a_project_without_anything_held_is_not_told(database: Database) -> None:
    await one_charge_point(database)
    post = Post()
    notices = StoredHeldNotices(database, now=lambda: AT)
    await HeldActivities(
        notices, post_of(post, database), public_url="https://charging.example"
    ).mail_held("prj_1")
    assert post.sent == []


async def test_of_very_many_some_are_shown(database: Database) -> None:
    await one_charge_point(database)
    for session in range(700, 730):
        await held_record(database, "prj_1", "cp_1", session)
    digest = await StoredHeldNotices(database, now=lambda: AT).digest("prj_1")
    assert isinstance(digest, HeldDigest)
    letter = held_letter(digest, public_url="https://charging.example")
    assert "… and 10 more." in letter.text
    assert letter.text.count("were told") == 20
