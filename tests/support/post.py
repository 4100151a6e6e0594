"""The way of mails with a mailer of a test's, on its database."""

from collections.abc import Callable
from datetime import UTC, datetime

from activities.post import Post
from domain.ports import Mailer
from storage.engine import Database
from storage.mail_notices import StoredMailNotices

SECRET = "test secret, long enough to be one"


def mail_notices(
    database: Database,
    *,
    per_hour: int = 12,
    per_day: int = 60,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> StoredMailNotices:
    """Count notices by rows of that database."""
    return StoredMailNotices(database, secret=SECRET, per_hour=per_hour, per_day=per_day, now=now)


def post_of(mailer: Mailer, database: Database) -> Post:
    """Send by that mailer."""
    return Post(
        mailer, mail_notices(database), secret=SECRET, public_url="https://charging.example/"
    )
