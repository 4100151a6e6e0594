"""What an account has outside of projects: for its export."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, false, or_, select

from storage.accounts import Account
from storage.engine import Database
from storage.tables import (
    account_events,
    account_sessions,
    invitations,
    mail_notices,
    project_members,
    service_visits,
    webhook_deliveries,
    webhooks,
)

_LEFT_OUT: Final = frozenset({"token_hash", "recipient", "secret_version", "retired_at"})
_PAGE: Final = 500


async def lines_of_account(
    database: Database, account: Account, *, reads_its_mail: bool
) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """Give its memberships, invitations, visits, webhooks, and mail that waits.

    ``reads_its_mail``: also the invitations to its e-mail, which is another's as long as nothing
    shows that it is its own.
    """
    to_it = invitations.c.email == account.email if reads_its_mail else false()
    mine = select(webhooks.c.id).where(webhooks.c.account_id == account.id)
    kinds: tuple[tuple[str, Table, ColumnElement[bool]], ...] = (
        ("membership", project_members, project_members.c.account_id == account.id),
        (
            "invitation",
            invitations,
            or_(invitations.c.invited_by == account.id, to_it),
        ),
        (
            "service_visit",
            service_visits,
            or_(
                service_visits.c.installer_id == account.id,
                service_visits.c.opened_by == account.id,
            ),
        ),
        ("session", account_sessions, account_sessions.c.account_id == account.id),
        ("account_event", account_events, account_events.c.account_id == account.id),
        ("webhook", webhooks, webhooks.c.account_id == account.id),
        ("webhook_delivery", webhook_deliveries, webhook_deliveries.c.webhook_id.in_(mine)),
        (
            "mail_notice",
            mail_notices,
            (mail_notices.c.account_id == account.id) & mail_notices.c.left_at.is_(None),
        ),
    )
    for kind, table, whose in kinds:
        key = next(iter(table.primary_key.columns))
        after: Any = None
        while True:
            query = select(table).where(whose).order_by(key).limit(_PAGE)
            if after is not None:
                query = query.where(key > after)
            async with database.read() as connection:
                rows = (await connection.execute(query)).mappings().all()
            for row in rows:
                yield kind, {str(name): row[name] for name in row if name not in _LEFT_OUT}
            if len(rows) < _PAGE:
                break
            after = rows[-1][key.name]
