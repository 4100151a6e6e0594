"""All rows of a site, or of an account, for its owner: in pages, each in a unit of work."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from sqlalchemy import (
    JSON,
    ColumnElement,
    LargeBinary,
    Table,
    and_,
    false,
    or_,
    select,
    tuple_,
    type_coerce,
)
from sqlmodel import col

from domain.places import number_of
from storage.dialects import among
from storage.engine import Database
from storage.models.accounts import Account, AccountEventRow, AccountSession
from storage.models.base import Document
from storage.models.billing import (
    BillingIssuer,
    BillingPause,
    ChargeDetailRecord,
    HeldRecord,
    Tariff,
)
from storage.models.charge_points import AwaitedTag, ChargePoint, ChargePointFeature
from storage.models.connections import ChargePointConnection, ConnectionAttempt
from storage.models.documents import Certificate, ChecklistAnswer, Declaration, Photo
from storage.models.facts import Boot, Connector, Irregularity, LogEntry
from storage.models.invitations import Invitation, ServiceVisit, ServiceVisitChargePoint
from storage.models.mail import MailNotice
from storage.models.projects import AuditEntry, IdTag, Project, ProjectMember
from storage.models.runs import Batch, CommissioningRun
from storage.models.transactions import MeterValue, Transaction
from storage.models.webhooks import Webhook, WebhookDelivery
from storage.rows import Rows

Line = tuple[str, Mapping[str, Any]]
"""The name of a kind, and one row of it."""

OF_PROJECT: Final[Mapping[str, Table]] = {
    "id_tag": IdTag.__table__,
    "tariff": Tariff.__table__,
    "billing_issuer": BillingIssuer.__table__,
    "billing_pause": BillingPause.__table__,
    "charge_point": ChargePoint.__table__,
    "commissioning_run": CommissioningRun.__table__,
    "certificate": Certificate.__table__,
    "cdr": ChargeDetailRecord.__table__,
    "held_record": HeldRecord.__table__,
    "service_visit": ServiceVisit.__table__,
    "batch": Batch.__table__,
    "audit_entry": AuditEntry.__table__,
}
OF_CHARGE_POINT: Final[Mapping[str, Table]] = {
    "connector": Connector.__table__,
    "connection": ChargePointConnection.__table__,
    "connection_attempt": ConnectionAttempt.__table__,
    "awaited_tag": AwaitedTag.__table__,
    "irregularity": Irregularity.__table__,
    "log_entry": LogEntry.__table__,
    "feature": ChargePointFeature.__table__,
    "boot": Boot.__table__,
    "declaration": Declaration.__table__,
    "checklist_answer": ChecklistAnswer.__table__,
    "photo": Photo.__table__,
    "service_visit_charge_point": ServiceVisitChargePoint.__table__,
}
_OF_SESSIONS: Final = ("cdr", "held_record")
_PAGE: Final = 500
_LARGE: Final = {"boot": 50, "log_entry": 50, "meter_value": 50}
"""Rows of a page where each may have 60 KB; a page is kept until it is read."""
_TRANSACTIONS: Final = 50  # whose meter values are read at once
# Secrets, and what the engine needs for itself.
_LEFT_OUT: Final = frozenset(
    {
        "credential_hash",
        "token",
        "serial_key",
        "near_key",
        "tag_key",
        "watched_by",
        "node_id",
        "identity_key",
        "entry_key",
        "digest",
        "content_hash",
        "token_hash",
        "recipient",
        "secret_version",
        "retired_at",
    }
)


async def lines_of_project(database: Database, project_id: str) -> AsyncIterator[Line]:
    """Give the project and all of it, the oldest first within each kind."""
    async for line in _rows(database, "project", Project.__table__, col(Project.id) == project_id):
        yield line
    for kind, table in OF_PROJECT.items():
        async for _, row in _rows(database, kind, table, table.c.project_id == project_id):
            if kind in _OF_SESSIONS:  # they name it by the id that its charge point knows
                yield kind, {**row, "transaction_id": row["document"]["session_id"]}
            else:
                yield kind, row
    async with database.read() as connection:
        identities = await Rows(connection).values(
            select(col(ChargePoint.id))
            .where(col(ChargePoint.project_id) == project_id)
            .order_by(col(ChargePoint.id))
        )
    for identity in identities:
        for kind, table in OF_CHARGE_POINT.items():
            async for line in _rows(database, kind, table, table.c.charge_point_id == identity):
                yield line
        async for line in _sessions(database, identity):
            yield line


async def _sessions(database: Database, charge_point_id: str) -> AsyncIterator[Line]:
    """Its transactions, each page followed by its meter values, and those of none."""
    page: dict[int, str] = {}
    of_it = col(Transaction.charge_point_id) == charge_point_id
    async for kind, row in _rows(database, "transaction", Transaction.__table__, of_it):
        told = dict(row)
        name = page[row["id"]] = told.pop("ocpp_id")
        yield kind, told | {"id": name}
        if len(page) == _TRANSACTIONS:
            async for line in _readings(database, page):
                yield line
            page = {}
    async for line in _readings(database, page):
        yield line
    of_none = and_(
        col(MeterValue.charge_point_id) == charge_point_id, col(MeterValue.transaction_id).is_(None)
    )
    async for line in _rows(database, "meter_value", MeterValue.__table__, of_none):
        yield line


async def _readings(database: Database, names: Mapping[int, str]) -> AsyncIterator[Line]:
    if not names:
        return
    async with database.read() as connection:
        of_them = among(connection, col(MeterValue.transaction_id), names.keys())
    async for kind, row in _rows(database, "meter_value", MeterValue.__table__, of_them):
        yield kind, {**row, "transaction_id": names[row["transaction_id"]]}


async def lines_of_account(
    database: Database, account: Account, *, reads_its_mail: bool
) -> AsyncIterator[Line]:
    """Give what it has outside of projects: memberships, webhooks, mail that waits, and the like.

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
        async for line in _rows(database, kind, table, whose):
            yield line


async def _rows(
    database: Database, kind: str, table: Table, which: ColumnElement[bool]
) -> AsyncIterator[Line]:
    """Give those rows of a table in the order of their keys; documents as they are kept."""
    shown_columns = (
        type_coerce(column, JSON).label(column.name)
        if isinstance(column.type, Document)
        else column
        for column in table.columns
        if column.name not in _LEFT_OUT and not isinstance(column.type, LargeBinary)
    )
    key = list(table.primary_key.columns)
    keys = (column.label(f"key_{n}") for n, column in enumerate(key))
    most = min(_PAGE, _LARGE.get(kind, _PAGE))
    query = select(*shown_columns, *keys).where(which).order_by(*key).limit(most)
    last: tuple[Any, ...] | None = None
    while True:
        after = query if last is None else query.where(tuple_(*key) > tuple_(*last))
        async with database.read() as connection:
            rows = (await connection.execute(after)).mappings().all()
        for row in rows:
            shown = {str(name): row[name] for name in row if not name.startswith("key_")}
            if "evse_id" in shown:
                shown["connector_id"] = number_of(shown["evse_id"])
            for word in ("status", "error_code"):
                if f"raw_{word}" in shown:
                    shown[word] = shown[word] or shown[f"raw_{word}"]
            yield kind, shown
        if len(rows) < most:
            return
        last = tuple(rows[-1][f"key_{n}"] for n in range(len(key)))
