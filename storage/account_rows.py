"""What an account has outside of projects: for its export."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, false, or_, select
from sqlmodel import col

from storage.engine import Database
from storage.models.accounts import Account, AccountEventRow, AccountSession
from storage.models.invitations import Invitation, ServiceVisit
from storage.models.mail import MailNotice
from storage.models.projects import ProjectMember
from storage.models.webhooks import Webhook, WebhookDelivery

_LEFT_OUT: Final = frozenset({"token_hash", "recipient", "secret_version", "retired_at"})
_PAGE: Final = 500


async def lines_of_account(
    database: Database, account: Account, *, reads_its_mail: bool
) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """Give its memberships, invitations, visits, webhooks, and mail that waits.

    ``reads_its_mail``: also the invitations to its e-mail, which is another's as long as nothing
    shows that it is its own.
    """
    to_it = col(Invitation.email) == account.email if reads_its_mail else false()
    mine = select(col(Webhook.id)).where(col(Webhook.account_id) == account.id)
    kinds: tuple[tuple[str, Table, ColumnElement[bool]], ...] = (
        ("membership", ProjectMember.__table__, col(ProjectMember.account_id) == account.id),
        ("invitation", Invitation.__table__, or_(col(Invitation.invited_by) == account.id, to_it)),
        (
            "service_visit",
            ServiceVisit.__table__,
            or_(
                col(ServiceVisit.installer_id) == account.id,
                col(ServiceVisit.opened_by) == account.id,
            ),
        ),
        ("session", AccountSession.__table__, col(AccountSession.account_id) == account.id),
        ("account_event", AccountEventRow.__table__, col(AccountEventRow.account_id) == account.id),
        ("webhook", Webhook.__table__, col(Webhook.account_id) == account.id),
        ("webhook_delivery", WebhookDelivery.__table__, col(WebhookDelivery.webhook_id).in_(mine)),
        (
            "mail_notice",
            MailNotice.__table__,
            (col(MailNotice.account_id) == account.id) & col(MailNotice.left_at).is_(None),
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
