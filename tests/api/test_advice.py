"""No refusal of the API is a dead end: what its sentence advises is done, and the way is free.

Each code that the API can answer with has a row: the test that follows it, or why there is nothing
to follow.
"""

import ast
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import update
from sqlmodel import col

from api.deps import now
from docs.generate.failures import blockers
from docs.generate.problems import scan
from domain.certificates import ChargePointReport
from domain.checks import Step
from domain.states import CheckResult, Role
from storage.engine import Database
from storage.models.invitations import Invitation
from tests.api.callers import PASSWORD, V1, Caller, problem
from tests.api.conftest import Enrol, Outbox, Own, accept_invitation
from tests.api.test_connection_attempts import refuse
from tests.api.test_tenancy import TARIFF
from tests.api.verdicts import judge
from tests.documents.reports import FAILED, PASSED
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("engine"),
]
ROOT = Path(__file__).parents[2]
THIS = Path(__file__)
OWNER = "facilities@riversidebp.com"
_HERE = "tests/api/test_advice.py::"
_SHELF = "tests/api/test_project_shelf.py::TestArchive::"
_IDEMPOTENCY = "tests/api/test_idempotency.py::"
_ACCOUNTS = "tests/api/test_credentials.py::"
_VISITS = "tests/api/test_service_visits.py::"
_WITHDRAWALS = "tests/api/test_withdrawals.py::TestWithdraw::"
_COMMANDS = "tests/api/test_commands.py::"
_SKIPPED = (
    "tests/faults/test_operators.py::TestAnswer::"
    "test_a_vehicle_that_never_comes_is_skipped_with_a_reason"
)

FOLLOWED: dict[str, str] = {
    "already_verified": _ACCOUNTS + "TestVerification::test_a_code_of_a_mail_verifies",
    "changed_meanwhile": _ACCOUNTS + "TestChange::test_of_two_at_once_one_wins",
    "email_unverified": "tests/api/test_verification.py::test_a_mail_opens_the_rest",
    "quota_until_verified": "tests/api/test_verification.py::test_a_few_and_no_more",
    "password_wrong": _ACCOUNTS + "TestReset::test_a_mail_leads_to_another_password",
    "reset_code_invalid": _ACCOUNTS + "TestReset::test_a_code_works_once",
    "verification_code_invalid": _ACCOUNTS + "TestVerification::test_a_code_of_a_mail_verifies",
    "account_in_use": "tests/api/test_account_deletion.py::"
    "test_an_installer_archives_what_is_under_way_and_is_gone",
    "words_gone": "tests/storage/test_request_words.py::"
    "test_they_are_with_their_request_for_a_month",
    "already_collaborator": _HERE + "test_a_colleague_gets_another_role_instead",
    "already_replaced": _HERE + "test_what_was_replaced_is_followed_to_the_end",
    "already_completed": _HERE + "test_a_run_that_passed_is_started_anew",
    "answer_not_possible": _SKIPPED,
    "batch_open": _HERE + "test_an_open_batch_is_cancelled_first",
    "certificate_key_missing": "tests/api/test_certificates.py::TestReportOfAChargePoint::"
    "test_an_engine_without_a_key_says_so",
    "commissioning_open": _SHELF + "test_not_while_something_of_it_is_being_commissioned",
    "contested": "tests/api/test_links.py::test_no_certificate_and_no_handover_until_one_is_kept",
    "currency_fixed": "tests/api/test_billing.py::TestTariffs::"
    "test_the_currency_stays_once_it_is_billed_in",
    "delivery_pending": "tests/api/test_webhooks.py::TestDelivery::"
    "test_a_delivered_one_is_delivered_again_on_demand",
    "different_projects": _HERE + "test_a_unit_of_another_project_is_registered_where_it_hangs",
    "done": _IDEMPOTENCY + "TestSecrets::"
    "test_the_repeat_says_that_it_is_done_and_how_to_get_another",
    "duplicate_serial": _WITHDRAWALS + "test_its_serial_number_is_free",
    "email_taken": _HERE + "test_who_has_an_account_logs_in",
    "handover_blocked": _HERE + "test_each_blocker_is_cleared_as_it_says",
    "charging": _WITHDRAWALS + "test_a_session_is_in_the_way",
    "has_runs": _HERE + "test_what_has_runs_is_withdrawn_and_reinstated",
    "id_tags_full": _HERE + "test_a_full_list_admits_everybody",
    "idempotency_key_in_use": _IDEMPOTENCY + "TestCrashes::test_before_the_effect",
    "idempotency_key_reused": _IDEMPOTENCY + "TestRepeats::"
    "test_another_body_with_the_key_is_refused",
    "idempotency_key_invalid": _IDEMPOTENCY + "TestTheKey::test_is_one",
    "implausible": "tests/api/test_plausibility.py::test_it_is_asked_confirmed_and_audited",
    "invitation_declined": _HERE + "test_another_invitation_is_accepted",
    "invitation_expired": _HERE + "test_another_invitation_is_accepted",
    "invitation_not_pending": _HERE + "test_an_invitation_that_ended_is_followed_by_a_new_one",
    "invitation_replaced": _HERE + "test_the_newer_link_works",
    "invitation_revoked": _HERE + "test_another_invitation_is_accepted",
    "invitation_unknown": _HERE + "test_another_invitation_is_accepted",
    "invitation_used": _HERE + "test_who_has_accepted_logs_in",
    "id_tag_not_admitted": _COMMANDS + "test_a_session_is_started_for_a_tag_that_may_charge",
    "kept_inoperative": "tests/sites/test_power_firmware.py::"
    "test_who_refuses_is_inoperative_where_the_supply_does_not_carry_it",
    "lead_needed": _HERE + "test_a_technician_finds_the_lead",
    "not_commissioned": _COMMANDS + "test_nobody_charges_where_no_run_has_passed",
    "no_batch": _HERE + "test_what_was_never_started_is_started",
    "no_charge_points": _HERE + "test_an_empty_project_gets_a_charge_point",
    "no_id_tag_awaited": "tests/api/test_access.py::TestPresenting::test_one_card_once",
    "no_run": _HERE + "test_what_was_never_started_is_started",
    "no_verdict": _HERE + "test_a_certificate_follows_a_verdict",
    "note_missing": _SKIPPED,
    "nothing_to_commission": _HERE + "test_all_are_commissioned_anew",
    "nothing_to_retry": _HERE + "test_what_was_never_started_is_started",
    "nothing_asked": _HERE + "test_the_status_says_what_a_run_waits_for",
    "owner_accepted": _HERE + "test_another_owner_after_the_first_is_revoked",
    "project_archived": _SHELF + "test_nothing_of_it_is_changed_or_started_until_it_is_back",
    "project_handed_over": _VISITS
    + "TestRights::test_a_list_says_of_every_route_whether_a_visit_opens_it",
    "project_not_empty": "tests/api/test_project_shelf.py::TestRemove::"
    "test_what_is_in_it_is_named_and_it_can_be_archived_instead",
    "recipient_blocked": "tests/api/test_mail_quotas.py::"
    "test_who_gets_mail_stops_it_by_one_click_and_allows_it_again",
    "replaced": _HERE + "test_what_was_replaced_is_followed_to_the_end",
    "outside_service_visit": _VISITS + "TestRights::test_the_owner_widens_it",
    "service_visit_blocked": _VISITS
    + "TestClosing::test_what_is_not_commissioned_stands_in_the_way",
    "service_visit_open": _VISITS + "TestOpening::test_a_charge_point_is_in_one_visit_at_a_time",
    "service_visit_over": _VISITS + "TestClosing::test_what_is_not_commissioned_stands_in_the_way",
    "run_open": _HERE + "test_an_open_run_is_cancelled_first",
    "same_serial": _HERE + "test_what_was_replaced_is_followed_to_the_end",
    "serial_mismatch": _HERE + "test_the_serial_number_is_corrected_and_the_claim_goes_through",
    "tariff_not_found": _HERE + "test_a_tariff_is_set",
    "token_expired": _HERE + "test_whoever_is_not_known_logs_in",
    "token_invalid": _HERE + "test_whoever_is_not_known_logs_in",
    "token_missing": _HERE + "test_whoever_is_not_known_logs_in",
    "token_revoked": _HERE + "test_whoever_is_not_known_logs_in",
    "no_checklist": "tests/api/test_checklists.py::test_without_a_checklist_one_is_chosen_first",
    "too_many_photos": "tests/api/test_declarations.py::TestPhotos::test_are_counted",
    "too_many_webhooks": _HERE + "test_a_webhook_fewer_makes_room_and_a_disabled_one_is_enabled",
    "webhook_disabled": _HERE + "test_a_webhook_fewer_makes_room_and_a_disabled_one_is_enabled",
    "withdrawn": _HERE + "test_what_has_runs_is_withdrawn_and_reinstated",
}
TEXTS: dict[str, dict[str, str | None]] = {
    "answer_not_possible": {
        "The run asks nothing about connector": "tests/workflows/test_every_connector.py::"
        "test_a_skip_that_comes_too_late_is_none_of_the_next",
        "The run asks: ": _SKIPPED,
    },
    "charging": {
        "then swap them": _VISITS + "TestClosing::test_two_are_not_swapped_while_one_charges",
        '"end_run": true': _WITHDRAWALS + "test_a_session_is_in_the_way",
        "Somebody charges there, as far as it has told.": "tests/sites/test_service_visit.py::"
        "test_a_session_is_ended_and_billed_and_the_test_charge_is_not",
        "Somebody charges there. Wait, or": _COMMANDS
        + "test_it_is_not_restarted_under_a_session_by_mistake",
    },
    "commissioning_open": {
        "A run is open for": _SHELF + "test_not_while_something_of_it_is_being_commissioned",
        "as a whole": _SHELF + "test_not_while_something_of_it_is_being_commissioned",
    },
    "duplicate_serial": {
        "registered again meanwhile": _WITHDRAWALS + "test_its_serial_number_is_free",
        "already has a charge point with": None,
    },
    "implausible": {
        "send it again with": "tests/api/test_plausibility.py::"
        "test_it_is_asked_confirmed_and_audited",
        "send the file again with": "tests/api/test_plausibility.py::TestImport::"
        "test_rows_are_asked_about_and_confirmed_in_the_query",
    },
    "no_verdict": {
        "There is no certificate.": _HERE + "test_a_certificate_follows_a_verdict",
        "Commission at least one": _HERE + "test_a_certificate_follows_a_verdict",
        "There is no report yet. …": _VISITS
        + "TestCertificate::test_a_replaced_unit_gets_number_2",
    },
    "project_archived": {
        "A lead of it brings it back": _SHELF
        + "test_nothing_of_it_is_changed_or_started_until_it_is_back",
        "this link works again then": _SHELF + "test_an_invitation_waits_for_it",
    },
    "project_handed_over": {
        "but for what a service visit opens": _VISITS
        + "TestRights::test_a_list_says_of_every_route_whether_a_visit_opens_it",
        "nobody is invited any more": None,
        "…": _VISITS + "TestRights::test_a_list_says_of_every_route_whether_a_visit_opens_it",
    },
    "recipient_blocked": {
        "Talk to them": "tests/api/test_mail_quotas.py::"
        "test_who_gets_mail_stops_it_by_one_click_and_allows_it_again",
        "allow it again": "tests/api/test_verification.py::test_mail_of_an_account_that_may_be_a_"
        "strangers_is_stopped_by_one_click",
    },
    "run_open": {
        "then start again": _HERE + "test_an_open_run_is_cancelled_first",
        "then send this again": "tests/api/test_charge_points.py::TestChange::"
        "test_its_identity_stays_while_a_run_is_open",
        "is being commissioned. Wait for the verdict.": _COMMANDS
        + "test_nothing_is_commanded_while_a_run_has_it",
    },
    "withdrawn": {
        "Its installer brings it back": _HERE + "test_what_has_runs_is_withdrawn_and_reinstated",
        "Leave them out": "tests/api/test_withdrawals.py::TestTheSite::"
        "test_the_site_is_commissioned_without_it",
    },
}
"""Where a code has several texts: a part of each, and the test that does what it says; None where
it says nothing to do."""

_WAIT = {
    "bodies_busy",
    "body_too_slow",
    "busy",
    "certificate_busy",
    "database_unavailable",
    "export_goes_on",
    "exports_busy",
    "no_answer",
    "pictures_away",
    "pictures_busy",
    "previous_run_closing",
    "shutting_down",
    "temporal_unavailable",
    "too_many_attempts",
    "too_many_bodies",
    "too_many_invitations",
    "too_many_listeners",
    "too_many_pictures",
    "too_many_streams",
    "update_failed",
}
"""Time alone, or what the server's people do, makes the way free: the same request again."""
_ANOTHER_REQUEST = {
    "body_too_large",
    "by_missing",
    "invalid_csv",
    "invalid_cursor",
    "invalid_input",
    "invalid_parameters",
    "invalid_rows",
    "login_failed",
    "malformed_json",
    "malformed_request",
    "method_not_allowed",
    "not_a_photo",
    "not_csv",
    "not_json",
    "not_within_bound",
    "photo_heic",
    "photo_too_costly",
    "photo_too_large",
    "same_charge_point",
    "too_many_charge_points",
    "url_refused",
}
"""The request itself is wrong, and says so; each other test of the route sends a right one."""
_FACTS = {
    "billing_not_active",
    "certificate_not_found",
    "cross_origin_refused",
    "charge_point_not_found",
    "collaborator_not_found",
    "connector_not_found",
    "delivery_not_found",
    "has_connected",
    "held_record_not_found",
    "id_tag_not_found",
    "identity_claimed",
    "identity_not_found",
    "internal_error",
    "invitation_not_found",
    "link_not_found",
    "no_open_batch",
    "not_contested",
    "not_held",
    "no_open_run",
    "not_found",
    "not_withdrawn",
    "owner_has_chosen",
    "photo_not_found",
    "project_maker",
    "project_not_found",
    "project_not_handed_over",
    "project_unknown",
    "run_closing",
    "run_not_found",
    "service_visit_not_found",
    "session_not_found",
    "tariff_set_by_owner",
    "transaction_not_found",
    "webhook_not_found",
    "wrong_role",
}
"""How it is. Nothing is to be done, or it is not the caller's to do."""

_EACH = _HERE + "test_each_blocker_is_cleared_as_it_says"
BLOCKERS = {
    "contested": "tests/api/test_links.py::test_no_certificate_and_no_handover_until_one_is_kept",
    "checklist_open": "tests/api/test_checklists.py::"
    "test_the_handover_waits_for_required_items_alone",
    "commissioning_failed": _EACH,
    "commissioning_in_progress": _EACH,
    "no_charge_points": _EACH,
    "not_commissioned": _EACH,
    "owner_not_accepted": _EACH,
    "project_archived": _SHELF + "test_nothing_of_it_is_changed_or_started_until_it_is_back",
    "stale_result": _EACH,
    "withdrawal_pending": _VISITS
    + "TestClosing::test_what_is_being_withdrawn_stands_in_the_way_until_it_is",
}
"""The test that does what the blocker says, until it is gone."""


_OF_TEXTS = (place for texts in TEXTS.values() for place in texts.values() if place)
_PLACES = sorted({*FOLLOWED.values(), *BLOCKERS.values(), *_OF_TEXTS})


def test_every_code_has_a_row() -> None:
    rows = [*FOLLOWED, *_WAIT, *_ANOTHER_REQUEST, *_FACTS]
    assert sorted(rows) == sorted({one.code for one in scan()})


def test_every_text_of_a_code_that_advises_has_a_row() -> None:
    said: dict[str, set[str]] = {}
    for one in scan():
        if one.code in FOLLOWED:
            said.setdefault(one.code, set()).add(one.sentence)
    several = {code: texts for code, texts in said.items() if len(texts) > 1}
    assert TEXTS.keys() == several.keys()
    for code, texts in several.items():
        found = {
            text: [part for part in TEXTS[code] if part == text or (part != "…" and part in text)]
            for text in texts
        }
        assert sorted(chain.from_iterable(found.values())) == sorted(TEXTS[code]), (code, found)
        assert all(len(parts) == 1 for parts in found.values()), (code, found)


_MET_BY_STATUS_ALONE = {
    "body_too_slow",
    "by_missing",
    "certificate_busy",
    "previous_run_closing",
    "project_unknown",
    "run_closing",
    "too_many_listeners",
    "update_failed",
}
"""Which tests see by their status or their words; one that gets a test by its code leaves."""


def test_every_code_that_is_listed_is_met() -> None:
    """A refusal that no route can give is none: it would be listed in the reference for nothing."""
    tests = [path.read_text() for path in (ROOT / "tests").rglob("*.py") if path != THIS]
    own = THIS.read_text()
    tests.append(own[own.index("async def") :])  # without the tables
    unmet = {one.code for one in scan() if not any(f'"{one.code}"' in text for text in tests)}
    assert unmet == _MET_BY_STATUS_ALONE


def test_every_429_is_looked_at() -> None:
    """By :func:`problem`, which asks each for the headers that tell how the limit stands."""
    tests = "".join(path.read_text() for path in THIS.parent.rglob("*.py"))
    codes = {one.code for one in scan() if one.status == 429}
    assert {code for code in codes if f'429, "{code}")' not in tests} == set()


async def test_what_is_not_there_is_not_found(installer: Caller) -> None:
    project = await installer.project()
    path = f"/projects/{project}/invitations/inv_x/revoke"
    problem(await installer.post(path), 404, "invitation_not_found")
    hook = fine(await installer.post("/webhooks", {"url": "https://93.184.216.34/hook"}))["id"]
    answer = await installer.get(f"/webhooks/{hook}/deliveries/del_x")
    problem(answer, 404, "delivery_not_found")


@pytest.mark.parametrize("place", _PLACES)
def test_what_follows_exists(place: str) -> None:
    path, *names = place.split("::")
    nodes: list[ast.stmt] = ast.parse((ROOT / path).read_text()).body
    for name in names:
        defined = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        found = [node for node in nodes if isinstance(node, defined) and node.name == name]
        assert found, place
        nodes = found[0].body


def test_every_blocker_has_a_row() -> None:
    told = {row.split("|")[1].strip(" `") for row in blockers().splitlines()[2:]}
    assert told == set(BLOCKERS)


def fine(answer: Any) -> Any:
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def no_run_is_open(installer: Caller, identity: str) -> None:
    async def closed() -> None:
        status = fine(await installer.get(f"/commissioning/{identity}/status"))
        assert status["status"] in {"cancelled", "failed"}

    await eventually(closed)


async def invite(installer: Caller, project: str, email: str = OWNER) -> str:
    body = {"email": email}
    answer = await installer.post(f"/projects/{project}/invite-site-owner", body)
    return str(fine(answer)["invitation_id"])


async def accept(anonymous: Caller, token: str) -> Any:
    path = f"{V1}/site-owner/invitations/accept"
    return await anonymous.call("POST", path, {"token": token, "password": PASSWORD})


async def test_whoever_is_not_known_logs_in(
    anonymous: Caller, installer: Caller, app: FastAPI
) -> None:
    account = fine(await installer.get("/me"))["id"]
    expired, _ = app.state.parts.tokens.issue(
        account_id=account, role=Role.INSTALLER, epoch=0, now=now() - timedelta(days=60)
    )
    fine(await installer.post("/logout"))
    for token, code in (
        (None, "token_missing"),
        ("x.y.z", "token_invalid"),
        (expired, "token_expired"),
        (installer.token, "token_revoked"),
    ):
        problem(await replace(installer, token=token).get("/me"), 401, code)
        login = await anonymous.post("/login", {"email": installer.email, "password": PASSWORD})
        fine(await replace(installer, token=fine(login)["token"]).get("/me"))


async def test_who_has_an_account_logs_in(anonymous: Caller, installer: Caller) -> None:
    body = {"name": "Acme", "email": installer.email, "password": PASSWORD}
    problem(await anonymous.post("/signup", body), 409, "email_taken")
    fine(await anonymous.post("/login", {"email": installer.email, "password": PASSWORD}))


async def test_what_was_never_started_is_started(installer: Caller) -> None:
    project = await installer.project()
    identity = await installer.charge_point(project)
    path = f"/commissioning/{identity}"
    problem(await installer.get(f"{path}/status"), 404, "no_run")
    problem(await installer.post(f"{path}/retry"), 409, "nothing_to_retry")
    problem(await installer.get(f"/projects/{project}/commissioning"), 404, "no_batch")
    fine(await installer.post(f"{path}/start"))
    fine(await installer.get(f"{path}/status"))
    fine(await installer.post(f"{path}/cancel"))
    await no_run_is_open(installer, identity)
    fine(await installer.post(f"{path}/retry"))
    fine(await installer.post(f"/projects/{project}/commission"))
    fine(await installer.get(f"/projects/{project}/commissioning"))


async def test_an_open_run_is_cancelled_first(installer: Caller) -> None:
    identity = await installer.charge_point()
    path = f"/commissioning/{identity}"
    fine(await installer.post(f"{path}/start"))
    problem(await installer.post(f"{path}/start"), 409, "run_open")
    fine(await installer.post(f"{path}/cancel"))
    await no_run_is_open(installer, identity)
    fine(await installer.post(f"{path}/start"))


async def test_the_status_says_what_a_run_waits_for(installer: Caller) -> None:
    path = f"/commissioning/{await installer.charge_point()}"
    fine(await installer.post(f"{path}/start"))

    async def asks_nothing() -> None:
        problem(await installer.post(f"{path}/answer", {"answer": "done"}), 409, "nothing_asked")

    await eventually(asks_nothing)

    async def says_so() -> None:
        assert fine(await installer.get(f"{path}/status"))["waiting"]["prompt"]

    await eventually(says_so)


async def test_an_open_batch_is_cancelled_first(installer: Caller) -> None:
    project = await installer.project()
    await installer.charge_point(project)
    path = f"/projects/{project}"
    fine(await installer.post(f"{path}/commission"))
    problem(await installer.post(f"{path}/commission"), 409, "batch_open")
    fine(await installer.post(f"{path}/commissioning/cancel"))

    async def starts_again() -> None:
        fine(await installer.post(f"{path}/commission"))

    await eventually(starts_again)


async def test_an_empty_project_gets_a_charge_point(installer: Caller) -> None:
    project = await installer.project()
    problem(await installer.post(f"/projects/{project}/commission"), 409, "no_charge_points")
    await installer.charge_point(project)
    fine(await installer.post(f"/projects/{project}/commission"))


async def test_all_are_commissioned_anew(installer: Caller, database: Database) -> None:
    project = await installer.project()
    await judge(database, await installer.charge_point(project), project)
    path = f"/projects/{project}/commission"
    problem(await installer.post(path), 409, "nothing_to_commission")
    fine(await installer.post(path, {"only": "all", "from_scratch": True}))


async def test_a_run_that_passed_is_started_anew(installer: Caller, database: Database) -> None:
    project = await installer.project()
    identity = await installer.charge_point(project)
    await judge(database, identity, project)
    problem(await installer.post(f"/commissioning/{identity}/retry"), 409, "already_completed")
    fine(await installer.post(f"/commissioning/{identity}/start"))


async def test_what_has_runs_is_withdrawn_and_reinstated(
    installer: Caller, database: Database
) -> None:
    project = await installer.project()
    identity = await installer.charge_point(project)
    await judge(database, identity, project, FAILED)
    problem(await installer.delete(f"/charge-points/{identity}"), 409, "has_runs")
    fine(await installer.post(f"/charge-points/{identity}/withdraw", {"reason": "Dead"}))
    problem(await installer.post(f"/commissioning/{identity}/start"), 409, "withdrawn")
    fine(await installer.post(f"/charge-points/{identity}/reinstate"))
    fine(await installer.post(f"/commissioning/{identity}/start"))


async def test_what_was_replaced_is_followed_to_the_end(installer: Caller) -> None:
    old = await installer.charge_point()
    path = f"/charge-points/{old}/replace"
    same = {"serial_number": "CP-SN-00483921"}
    problem(await installer.post(path, same), 409, "same_serial")
    new = fine(await installer.post(path, {"serial_number": "SN-2"}))["charge_point"]["id"]
    answer = await installer.post(path, {"serial_number": "SN-3"})
    assert problem(answer, 409, "already_replaced")["charge_point_id"] == new
    fine(await installer.post(f"/charge-points/{new}/replace", {"serial_number": "SN-3"}))
    answer = await installer.post(f"/charge-points/{new}/reinstate")
    newest = problem(answer, 409, "replaced")["charge_point_id"]
    fine(await installer.post(f"/charge-points/{newest}/withdraw", {"reason": "Sent back"}))
    fine(await installer.post(f"/charge-points/{new}/reinstate"))


async def test_a_unit_of_another_project_is_registered_where_it_hangs(installer: Caller) -> None:
    projects = [await installer.project() for _ in range(2)]
    serials = ("SN-A", "SN-B")
    both = [
        await installer.charge_point(project, serial_number=serial)
        for project, serial in zip(projects, serials, strict=True)
    ]
    swap = {"charge_point_ids": both, "exchange": "units"}
    problem(await installer.post("/charge-points/swap", swap), 409, "different_projects")
    for identity in both:
        fine(await installer.post(f"/charge-points/{identity}/withdraw", {"reason": "Elsewhere"}))
    for project, serial in zip(projects, reversed(serials), strict=True):
        await installer.charge_point(project, serial_number=serial)


async def test_a_certificate_follows_a_verdict(installer: Caller, database: Database) -> None:
    project = await installer.project()
    identity = await installer.charge_point(project)
    paths = (f"/commissioning/{identity}/report", f"/projects/{project}/report")
    for path in paths:
        problem(await installer.get(path), 409, "no_verdict")
    await judge(database, identity, project)
    for path in paths:
        assert (await installer.get(path)).status_code == 200, path


@dataclass(kw_only=True)
class Invited:
    """An invitation of an owner that does not work any more, and whose it was."""

    project: str
    token: str
    code: str
    status: int = 409


async def test_another_invitation_is_accepted(
    anonymous: Caller, installer: Caller, outbox: Outbox, database: Database
) -> None:
    dead: list[Invited] = []
    for code in ("declined", "revoked", "expired"):
        project = await installer.project()
        invitation = await invite(installer, project)
        dead.append(Invited(project=project, token=outbox.token(), code=f"invitation_{code}"))
        if code == "declined":
            path = f"{V1}/site-owner/invitations/decline"
            fine(await anonymous.call("POST", path, {"token": outbox.token()}))
        elif code == "revoked":
            fine(await installer.post(f"/projects/{project}/invitations/{invitation}/revoke"))
        else:
            async with database.write() as connection:
                await connection.execute(
                    update(Invitation)
                    .where(col(Invitation.id) == invitation)
                    .values(
                        created_at=now() - timedelta(days=8), expires_at=now() - timedelta(days=1)
                    )
                )
    project = await installer.project()
    dead.append(Invited(project=project, token="f" * 64, code="invitation_unknown", status=404))
    for one in dead:
        problem(await accept(anonymous, one.token), one.status, one.code)
        await invite(installer, one.project)
        fine(await accept(anonymous, outbox.token()))


async def test_the_newer_link_works(anonymous: Caller, installer: Caller, outbox: Outbox) -> None:
    project = await installer.project()
    await invite(installer, project)
    old = outbox.token()
    await invite(installer, project, "new@riversidebp.com")
    problem(await accept(anonymous, old), 409, "invitation_replaced")
    fine(await accept(anonymous, outbox.token()))


async def test_who_has_accepted_logs_in(
    anonymous: Caller, installer: Caller, outbox: Outbox
) -> None:
    await invite(installer, await installer.project())
    fine(await accept(anonymous, outbox.token()))
    problem(await accept(anonymous, outbox.token()), 409, "invitation_used")
    body = {"email": OWNER, "password": PASSWORD}
    fine(await anonymous.call("POST", f"{V1}/site-owner/login", body))


async def test_an_invitation_that_ended_is_followed_by_a_new_one(
    installer: Caller, outbox: Outbox, anonymous: Caller
) -> None:
    project = await installer.project()
    invitation = await invite(installer, project)
    path = f"/projects/{project}/invitations/{invitation}"
    fine(await installer.post(f"{path}/revoke"))
    problem(await installer.post(f"{path}/resend"), 409, "invitation_not_pending")
    await invite(installer, project)
    fine(await accept(anonymous, outbox.token()))


async def test_another_owner_after_the_first_is_revoked(
    anonymous: Caller, installer: Caller, outbox: Outbox
) -> None:
    project = await installer.project()
    invitation = await invite(installer, project)
    fine(await accept(anonymous, outbox.token()))
    body = {"email": "new@riversidebp.com"}
    answer = await installer.post(f"/projects/{project}/invite-site-owner", body)
    problem(answer, 409, "owner_accepted")
    fine(await installer.post(f"/projects/{project}/invitations/{invitation}/revoke"))
    await invite(installer, project, "new@riversidebp.com")


async def colleague(installer: Caller, project: str, enrol: Enrol, outbox: Outbox) -> Caller:
    """Somebody who works on the project as a technician."""
    sam = await enrol()
    body = {"email": sam.email, "role": "technician"}
    fine(await installer.post(f"/projects/{project}/collaborators", body))
    given = {"token": outbox.token(), "password": PASSWORD}
    fine(await sam.post("/invitations/accept", given))
    return sam


async def test_a_technician_finds_the_lead(installer: Caller, enrol: Enrol, outbox: Outbox) -> None:
    project = await installer.project()
    sam = await colleague(installer, project, enrol, outbox)
    change = {"name": "Phase 2"}
    problem(await sam.patch(f"/projects/{project}", change), 403, "lead_needed")
    people = fine(await sam.get(f"/projects/{project}/collaborators"))["items"]
    assert [one["email"] for one in people if one["role"] == "lead"] == [installer.email]
    fine(await installer.patch(f"/projects/{project}", change))


async def test_a_colleague_gets_another_role_instead(
    installer: Caller, enrol: Enrol, outbox: Outbox
) -> None:
    project = await installer.project()
    sam = await colleague(installer, project, enrol, outbox)
    path = f"/projects/{project}/collaborators"
    body = {"email": sam.email, "role": "lead"}
    problem(await installer.post(path, body), 409, "already_collaborator")
    account = fine(await sam.get("/me"))["id"]
    fine(await installer.patch(f"{path}/{account}", {"role": "lead"}))


async def test_a_tariff_is_set(installer: Caller) -> None:
    path = f"{V1}/installer/projects/{await installer.project()}/default-tariff"
    problem(await installer.call("GET", path), 404, "tariff_not_found")
    fine(await installer.call("PUT", path, TARIFF))
    fine(await installer.call("GET", path))


async def test_a_full_list_admits_everybody(
    installer: Caller, owner: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.access.MAX_TAGS", 1)
    project = await installer.project()
    of_site = await owner(OWNER, project)
    path = f"{V1}/site-owner/projects/{project}"
    fine(await of_site.call("PUT", f"{path}/id-tags/04A1", {}))
    problem(await of_site.call("PUT", f"{path}/id-tags/04A2", {}), 409, "id_tags_full")
    fine(await of_site.call("PUT", f"{path}/access", {"mode": "open"}))
    fine(await of_site.call("DELETE", f"{path}/id-tags/04A1"))
    fine(await of_site.call("PUT", f"{path}/id-tags/04A2", {}))


async def test_a_webhook_fewer_makes_room_and_a_disabled_one_is_enabled(
    installer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.webhooks.MOST_OF_AN_ACCOUNT", 1)
    body = {"url": "https://93.184.216.34/hook"}
    hook = fine(await installer.post("/webhooks", body))["id"]
    fine(await installer.patch(f"/webhooks/{hook}", {"enabled": False}))
    problem(await installer.post(f"/webhooks/{hook}/test"), 409, "webhook_disabled")
    fine(await installer.patch(f"/webhooks/{hook}", {"enabled": True}))
    fine(await installer.post(f"/webhooks/{hook}/test"))
    problem(await installer.post("/webhooks", body), 409, "too_many_webhooks")
    fine(await installer.delete(f"/webhooks/{hook}"))
    fine(await installer.post("/webhooks", body))


async def test_the_serial_number_is_corrected_and_the_claim_goes_through(
    installer: Caller, database: Database
) -> None:
    project = await installer.project()
    identity = await installer.charge_point(project)
    await refuse(database, "SN-77", code="unknown_identity")
    claim = (f"/projects/{project}/unclaimed/SN-77/claim", {"charge_point_id": identity})
    problem(await installer.post(*claim), 409, "serial_mismatch")
    fine(await installer.patch(f"/charge-points/{identity}", {"serial_number": "SN-77"}))
    fine(await installer.post(*claim))


def having_applied(key: str, value: str) -> ChargePointReport:
    """What a run leaves that has brought this value to the charge point."""
    handshake, *others = PASSED.run.checks
    applied = Step(
        name=f"configuration.{key}",
        result=CheckResult.PASSED,
        at=PASSED.run.started_at,
        detail=f"{key} is {value}; {value} is desired.",
        evidence={"desired": value},
    )
    handshake = replace(handshake, steps=(*handshake.steps, applied))
    run = replace(PASSED.run, checks=(handshake, *others))
    return replace(PASSED, run=run, transaction=None)


async def test_each_blocker_is_cleared_as_it_says(
    anonymous: Caller, installer: Caller, outbox: Outbox, database: Database
) -> None:
    """One after the other, until nothing stands between the project and its handover."""
    project = await installer.project()
    path = f"/projects/{project}/complete-handover"
    seen: set[str] = set()

    async def blocked() -> set[str]:
        answer = await installer.post(path, {"installer_signature": "J. Smith"})
        found = {one["code"] for one in problem(answer, 409, "handover_blocked")["blockers"]}
        seen.update(found)
        return found

    assert await blocked() == {"no_charge_points", "owner_not_accepted"}
    identity = await installer.charge_point(project)
    assert await blocked() == {"not_commissioned", "owner_not_accepted"}
    fine(await installer.post(f"/commissioning/{identity}/start"))
    assert await blocked() == {"commissioning_in_progress", "owner_not_accepted"}
    fine(await installer.post(f"/commissioning/{identity}/cancel"))
    await no_run_is_open(installer, identity)
    await judge(database, identity, project, FAILED)
    assert await blocked() == {"commissioning_failed", "owner_not_accepted"}
    await judge(database, identity, project)
    choice = {"parameters": [{"key": "HeartbeatInterval", "value": 60}]}
    fine(await installer.post(f"/charge-points/{identity}/config/customize", choice))
    assert await blocked() == {"stale_result", "owner_not_accepted"}
    batch = fine(await installer.post(f"/projects/{project}/commission"))
    assert batch["total"] == 1

    async def is_being_commissioned() -> None:
        assert await blocked() == {"commissioning_in_progress", "owner_not_accepted"}

    await eventually(is_being_commissioned)
    fine(await installer.post(f"/projects/{project}/commissioning/cancel"))
    await no_run_is_open(installer, identity)
    await judge(database, identity, project, having_applied("HeartbeatInterval", "60"))
    assert await blocked() == {"owner_not_accepted"}
    await invite(installer, project)
    await accept_invitation(anonymous, outbox)
    fine(await installer.post(path, {"installer_signature": "J. Smith"}))
    assert seen == {code for code, place in BLOCKERS.items() if place == _EACH}
