"""The tables, one class each, by context: who imports one has all, as rows refer to each other."""

from storage.models import (
    accounts,
    billing,
    charge_points,
    configuration,
    connections,
    documents,
    facts,
    invitations,
    mail,
    projects,
    runs,
    transactions,
    webhooks,
)

__all__ = [
    "accounts",
    "billing",
    "charge_points",
    "configuration",
    "connections",
    "documents",
    "facts",
    "invitations",
    "mail",
    "projects",
    "runs",
    "transactions",
    "webhooks",
]
