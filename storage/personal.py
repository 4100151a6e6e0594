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


def _all(fate: Fate, *, why: str = "", **columns: str) -> dict[str, Personal]:
    """Say it of columns, by their tables."""
    of_both = Personal(fate=fate, why=why)
    return {
        f"{table}.{column}": of_both for table, names in columns.items() for column in names.split()
    }


PERSONAL: Final = {
    **_all(
        Fate.ACCOUNT,
        accounts="email name company password_hash",
        account_events="address",
        account_letters="email",
        account_sessions="address user_agent",
        mail_notices="email detail",
        webhooks="url description",
    ),
    **_all(Fate.AGED, why="A day after the request.", kept_answers="body headers"),
    **_all(Fate.AGED, why="A month after the request.", request_words="words"),
    **_all(
        Fate.AGED,
        why="Some weeks after the delivery.",
        webhook_deliveries="body",
        webhook_attempts="response error",
    ),
    **_all(
        Fate.EMPTIED,
        audit_entries="email address before after",
        charge_points="location_address withdrawn_by withdrawn_reason",
        checklist_answers="remark",
        commissioning_runs="id_tag",
        connection_attempts="remote_address",
        connections="remote_address arrivals rivals kept_address",
        held_records="decided_by",
        invitations="message reason",
        projects="contractor installer_signature sign_off_notes",
        service_visits="installer_signature reason sign_off_notes",
    ),
    **_all(
        Fate.REPLACED,
        audit_entries="target",
        checklist_answers="answered_by",
        commissioning_runs="request view",
        declarations="declared_by",
        invitations="email",
        irregularities="excerpt",
        projects="name address site_owner_email",
        service_visits="email purpose",
    ),
    **_all(
        Fate.ROW,
        awaited_tags="asked_email id_tag label",
        batches="cancel request",
        id_tags="id_tag label tag_key",
        log_entries="text",
        photos="added_by caption picture thumbnail",
    ),
    **_all(Fate.TAG, transactions="id_tag"),
    **_all(
        Fate.KEPT,
        why="Proof that an electrical installation was tested, and by whom.",
        certificates="file summary",
        declarations="declared",
    ),
    **_all(
        Fate.KEPT,
        why="The law on invoices asks for them.",
        billing_issuers="address name vat_number",
        cdrs="document",
        held_records="decision document",
    ),
    **_all(
        Fate.KEPT,
        why="An HMAC: whoever has stopped mail is not written to again.",
        mail_blocks="recipient",
    ),
}
"""By ``table.column``."""
