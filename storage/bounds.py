"""Who makes each table grow, what bounds it, and how long a row stays; a new table needs its row.

The page ``docs/reference/tables.md`` is made of it, and ``tests/storage/test_bounds.py`` holds it
against :mod:`storage.models`. Ages that a setting decides name the setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """``owner`` makes the table grow, ``bound`` is how large it gets, ``age`` how old a row."""

    owner: str
    bound: str
    age: str


_PEOPLE: Final = "people, by the API"
_ENGINE: Final = "the engine"
_CHARGE_POINT: Final = "the charge point"
_NO_NUMBER: Final = "no number bounds them"
_QUOTA: Final = f"a quota of an account until it has proven an address; then {_NO_NUMBER}"
_STAYS: Final = "stays with its project"
_WITH_IT: Final = "stays with its charge point"


def _by_people(bound: str, age: str = _STAYS) -> Bound:
    return Bound(owner=_PEOPLE, bound=bound, age=age)


def _by_engine(bound: str, age: str) -> Bound:
    return Bound(owner=_ENGINE, bound=bound, age=age)


def _by_charge_point(bound: str, age: str) -> Bound:
    return Bound(owner=_CHARGE_POINT, bound=bound, age=age)


BOUNDS: Final[Mapping[str, Bound]] = {
    # What charge points send.
    "boots": _by_charge_point(
        "one a day for each different boot and answer; within `DYNAMO_CHARGE_POINT_DAILY_BYTES`, "
        "beyond it one a day",
        "the newest `DYNAMO_KEEP_BOOTS` of each charge point, and as many of those that came while "
        "several links spoke",
    ),
    "connectors": _by_charge_point("one for each of 1,001 connector numbers", _WITH_IT),
    "connection_attempts": _by_charge_point(
        "twenty different refusals of each identity; of identities that are no charge point's, "
        "20,000 in all",
        "until newer ones come",
    ),
    "connections": _by_charge_point("one for each charge point", _WITH_IT),
    "irregularities": _by_charge_point(
        "a hundred kinds outside of runs, a hundred in each run", "stays with its run"
    ),
    "log_entries": _by_charge_point(
        "what is repeated on a day is two entries; within `DYNAMO_CHARGE_POINT_DAILY_BYTES`, in a "
        "run as much again; with what a run says itself",
        "`DYNAMO_KEEP_FRAMES`, `DYNAMO_KEEP_LOG`, of reports the newest `DYNAMO_KEEP_REPORTS`; "
        "what a certificate quotes stays",
    ),
    "meter_values": _by_charge_point(
        "within `DYNAMO_CHARGE_POINT_DAILY_BYTES`, in a run as much again; beyond it those of ten "
        "moments a minute, and four of each of the ends of each session, up to four and ten times "
        "it",
        "one in five minutes after `DYNAMO_THIN_METER_VALUES_AFTER`; signed ones, and those that a "
        "bill or a verdict rests on, stay",
    ),
    "suspensions": _by_charge_point(
        "one for each time that a vehicle gets no power; beyond `DYNAMO_CHARGE_POINT_DAILY_BYTES` "
        "one a minute of each connector and session",
        "stays, as its session's bill rests on it",
    ),
    "transactions": _by_charge_point(
        "one for each session: 2,000 a day at once, then one in eight seconds on a link",
        "stays, as its bill rests on it",
    ),
    # What people enter.
    "accounts": _by_people(
        "one for each address and role; sign-up is throttled", "until it is deleted"
    ),
    "account_events": _by_people("the newest 1,000 of each account", "until newer ones come"),
    "account_letters": _by_people(
        "fewer than fifty an hour of each account; what is for nobody goes within seconds",
        "a day after its code has expired",
    ),
    "account_sessions": _by_people("the newest 200 of each account", "until its token expires"),
    "audit_entries": _by_people(f"one for each change; {_NO_NUMBER}", _STAYS),
    "awaited_tags": _by_people("one for each charge point", "until it is ended or asked for anew"),
    "batch_members": _by_people("one for each charge point of a batch", _STAYS),
    "batches": _by_people("one open of each project", _STAYS),
    "billing_accounts": _by_people("one for each project"),
    "billing_issuers": _by_people(f"one for each change; {_NO_NUMBER}"),
    "billing_pauses": _by_people("one open of each project"),
    "charge_points": _by_people(_QUOTA),
    "checklist_answers": _by_people("one for each item and charge point", _WITH_IT),
    "declarations": _by_people("one for each charge point", _WITH_IT),
    "id_tags": _by_people("10,000 of each project"),
    "identity_aliases": _by_people("one for each charge point", _WITH_IT),
    "invitations": _by_people("throttled by account, project and recipient"),
    "mail_blocks": _by_people(
        "one for each account and address that its mail has reached",
        "until whoever reads the address allows it again, or the account is deleted",
    ),
    "parameters": _by_people("one for each configuration key and charge point", _WITH_IT),
    "photos": _by_people("twelve of each charge point", _WITH_IT),
    "project_members": _by_people("one for each account and project"),
    "projects": _by_people(_QUOTA),
    "service_visit_charge_points": _by_people("one for each charge point of a visit"),
    "service_visits": _by_people(f"one for each visit, throttled as its invitation; {_NO_NUMBER}"),
    "tariffs": _by_people(f"one for each change; {_NO_NUMBER}"),
    "webhooks": _by_people("ten of each account", "until it is deleted"),
    # What the engine does.
    "cdrs": _by_engine("one for each session that is billed, and each correction", "stays"),
    "certificate_keys": _by_engine("one for each key", "stays: old certificates name it"),
    "certificates": _by_engine("one for each verdict that is certified", "stays"),
    "charge_point_features": _by_engine("one for each feature and charge point", _WITH_IT),
    "commands": _by_engine(
        "one for each command with an effect: a run gives a few, people the others",
        "`DYNAMO_KEEP_LOG`, longer while a run of its charge point goes on: a step that is done "
        "again must find it",
    ),
    "commissioning_runs": _by_engine("one open of each charge point", _STAYS),
    "held_records": _by_engine("one for each session that is held", "stays"),
    "kept_answers": _by_engine(
        "one for each Idempotency-Key that is used, the newest 10,000 of each account",
        "until it expires",
    ),
    "key_fingerprints": _by_engine("one for each key", "stays"),
    "local_lists": _by_engine("one for each charge point", _WITH_IT),
    "mail_notices": _by_engine(
        "one for each run, invitation, visit and contest of links that somebody is told of",
        "three days after its mail has left; its text goes when it leaves",
    ),
    "nodes": _by_engine("one for each OCPP server that runs", "a day after its last beat"),
    "reboot_slots": _by_engine(
        "one for each restart that a run or a person asks for",
        "a day, until the next one in its project",
    ),
    "reported_keys": _by_engine("one for each charge point", _WITH_IT),
    "request_words": _by_people("one for each invitation, handover and end of a visit", "30 days"),
    "retention_marks": _by_engine("one for each kind that retention goes over", "stays"),
    "revoked_tokens": _by_engine("one for each token that is revoked", "until it expires"),
    "throttles": _by_engine("one for each source and what it does", "until its window ends"),
    "webhook_attempts": _by_engine("those of a delivery: its retries end", "with its delivery"),
    "webhook_deliveries": _by_engine(
        f"one for each event and webhook, of which an account has ten; {_NO_NUMBER}",
        "30 days after it has ended",
    ),
}
