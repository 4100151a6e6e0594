"""Which columns hold data of people, and what becomes of each.

``docs/topics/what-is-kept.md`` says the same for people; a test keeps both whole, and has the list
of the columns that say nothing of a person.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ERASED: Final = "erased"
"""What stands where something has to."""


class Fate(StrEnum):
    """What becomes of personal data."""

    EMPTIED = "emptied"
    """With the project's personal data: the column is null."""
    REPLACED = "replaced"
    """With the project's personal data: it says ``erased``."""
    ROW = "row"
    """With the project's personal data: the row goes."""
    TAG = "tag"
    """The card's tag becomes a word of its own, when the session is old, live site or not."""
    ACCOUNT = "account"
    """With the account."""
    AGED = "aged"
    """By an age of its own, whatever becomes of the project."""
    KEPT = "kept"
    """For a reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Personal:
    """What becomes of a column, and why it is not gone sooner."""

    fate: Fate
    why: str = ""


def _all(fate: Fate, *columns: str, why: str = "") -> dict[str, Personal]:
    return dict.fromkeys(columns, Personal(fate=fate, why=why))


PERSONAL: Final = {
    **_all(
        Fate.ACCOUNT,
        "accounts.email",
        "accounts.name",
        "accounts.company",
        "accounts.password_hash",
        "account_events.address",
        "account_letters.email",
        "account_sessions.address",
        "account_sessions.user_agent",
        "mail_notices.email",
        "mail_notices.detail",
        "webhooks.url",
        "webhooks.description",
    ),
    **_all(
        Fate.AGED,
        "kept_answers.body",
        "kept_answers.headers",
        why="A day after the request.",
    ),
    **_all(Fate.AGED, "request_words.words", why="A month after the request."),
    **_all(
        Fate.AGED,
        "webhook_deliveries.body",
        "webhook_attempts.response",
        "webhook_attempts.error",
        why="Some weeks after the delivery.",
    ),
    **_all(
        Fate.EMPTIED,
        "audit_entries.email",
        "audit_entries.address",
        "audit_entries.before",
        "audit_entries.after",
        "charge_points.location_address",
        "charge_points.withdrawn_by",
        "charge_points.withdrawn_reason",
        "checklist_answers.remark",
        "commissioning_runs.id_tag",
        "connection_attempts.remote_address",
        "connections.remote_address",
        "connections.arrivals",
        "connections.rivals",
        "connections.kept_address",
        "held_records.decided_by",
        "invitations.message",
        "invitations.reason",
        "projects.contractor",
        "projects.installer_signature",
        "projects.sign_off_notes",
        "service_visits.installer_signature",
        "service_visits.reason",
        "service_visits.sign_off_notes",
    ),
    **_all(
        Fate.REPLACED,
        "audit_entries.target",
        "checklist_answers.answered_by",
        "commissioning_runs.request",
        "commissioning_runs.view",
        "declarations.declared_by",
        "invitations.email",
        "irregularities.excerpt",
        "projects.name",
        "projects.address",
        "projects.site_owner_email",
        "service_visits.email",
        "service_visits.purpose",
    ),
    **_all(
        Fate.ROW,
        "awaited_tags.asked_email",
        "awaited_tags.id_tag",
        "awaited_tags.label",
        "batches.cancel",
        "batches.request",
        "id_tags.id_tag",
        "id_tags.label",
        "id_tags.tag_key",
        "log_entries.text",
        "photos.added_by",
        "photos.caption",
        "photos.picture",
        "photos.thumbnail",
    ),
    **_all(Fate.TAG, "transactions.id_tag"),
    **_all(
        Fate.KEPT,
        "certificates.file",
        "certificates.summary",
        "declarations.declared",
        why="Proof that an electrical installation was tested, and by whom.",
    ),
    **_all(
        Fate.KEPT,
        "billing_issuers.address",
        "billing_issuers.name",
        "billing_issuers.vat_number",
        "cdrs.document",
        "held_records.decision",
        "held_records.document",
        why="The law on invoices asks for them.",
    ),
    **_all(
        Fate.KEPT,
        "mail_blocks.recipient",
        why="An HMAC: whoever has stopped mail is not written to again.",
    ),
}
"""By ``table.column``."""
