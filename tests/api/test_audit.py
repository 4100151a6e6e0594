"""The audit trail: who did what, when, from where, before and after."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import pytest
from fastapi import FastAPI

from api.deps import now
from api.temporal import TemporalGateway
from domain.audit import Actor
from domain.batch import BatchOwner
from domain.checks import Waiting
from domain.commissioning import RunAnswer
from domain.errors import UnavailableError
from domain.states import Feature, InstallerAnswer, ProjectStatus, WaitingFor
from storage.billing_activation import BillingActivation
from storage.engine import Database
from storage.projects import Projects
from tests.api.callers import GUIDE_CHARGE_POINT, V1, Caller, problem
from tests.api.conftest import Outbox, Own, accept_invitation
from tests.api.test_connection_attempts import refuse
from tests.api.test_declarations import picture
from tests.api.test_tenancy import (
    CHARGE_POINT,
    COMMISSIONING,
    OWNED,
    OWNED_CP,
    PROJECT,
    TARIFF,
    operations,
)
from tests.support.eventually import eventually
from tests.support.holding import held_record

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OWNER = "facilities@riversidebp.com"
SERIAL = str(GUIDE_CHARGE_POINT["serial_number"])
INSTALLER = "/api/v1/installer"
SIDES = (INSTALLER, "/api/v1/site-owner")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the trail tells of a change: of what, and of what in it before and after."""

    action: str
    body: Any = None
    content: bytes | None = None
    of: str = "{project}"
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


# Changes that need the database alone, in an order in which they can be made on one site.
BY_TABLE: dict[tuple[str, str], Told] = {
    ("PATCH", PROJECT): Told(
        action="project.changed",
        body={"name": "Phase 2"},
        before={"name": "Riverside Business Park"},
        after={"name": "Phase 2"},
    ),
    ("PATCH", CHARGE_POINT): Told(
        action="charge_point.changed",
        body={"location": {"address": "Bay 4"}},
        of="{charge_point}",
        after={"serial_number": SERIAL},
    ),
    ("POST", f"{CHARGE_POINT}/withdraw"): Told(
        action="charge_point.withdrawn",
        body={"reason": "Dead on arrival"},
        of="{charge_point}",
        before={"status": "registered"},
        after={"status": "withdrawn", "reason": "Dead on arrival"},
    ),
    ("POST", f"{CHARGE_POINT}/reinstate"): Told(
        action="charge_point.reinstated",
        of="{charge_point}",
        before={"status": "withdrawn", "reason": "Dead on arrival"},
        after={"status": "registered"},
    ),
    ("PUT", f"{PROJECT}/power"): Told(
        action="power.changed",
        body={"max_amps_per_phase": 63},
        before={"amps": None},
        after={"amps": 63},
    ),
    ("PUT", f"{CHARGE_POINT}/electrical"): Told(
        action="electrical.changed",
        body={"max_amps": 16},
        of="{charge_point}",
        before={"max_amps": 32},
        after={"max_amps": 16},
    ),
    ("POST", f"{CHARGE_POINT}/config/customize"): Told(
        action="configuration.chosen",
        body={"parameters": [{"key": "HeartbeatInterval", "value": 30}]},
        of="{charge_point}",
        before={"HeartbeatInterval": None},
        after={"HeartbeatInterval": "30"},
    ),
    ("PUT", f"{CHARGE_POINT}/declaration"): Told(
        action="declaration.put",
        body={"rcd_trip_time_ms": 18.4},
        of="{charge_point}",
        after={"rcd_trip_time_ms": "18.4"},
    ),
    ("PUT", f"{PROJECT}/checklist"): Told(
        action="checklist.chosen",
        body={"checklist": "generic-1"},
        before={"checklist": None},
        after={"checklist": "generic-1"},
    ),
    ("PATCH", f"{CHARGE_POINT}/checklist"): Told(
        action="checklist.answered",
        body={"answers": [{"item": "enclosure", "answer": "compliant", "remark": "Seen."}]},
        of="{charge_point}",
        before={"enclosure": None},
        after={"enclosure": {"answer": "compliant", "remark": "Seen."}},
    ),
    ("PUT", f"{PROJECT}/contractor"): Told(
        action="contractor.changed",
        body={"company": "Volt & Sons Ltd", "registration": "no. 40213"},
        before={"company": None, "address": None, "registration": None},
        after={"company": "Volt & Sons Ltd", "address": None, "registration": "no. 40213"},
    ),
    ("POST", f"{CHARGE_POINT}/photos"): Told(
        action="photo.added", content=picture(), of="{charge_point}", after={"caption": None}
    ),
    ("DELETE", f"{CHARGE_POINT}/photos/{{photo_id}}"): Told(
        action="photo.removed", of="{charge_point}", before={"caption": None}
    ),
    ("POST", f"{PROJECT}/charge-points/import"): Told(
        action="charge_points.imported",
        content=b"serial_number,model,vendor\nSN-8,M,V\nSN-9,M,V\n",
        after={"charge_points": 2},
    ),
    ("POST", f"{PROJECT}/unclaimed/{{identity}}/claim"): Told(
        action="identity.claimed",
        body={"charge_point_id": "{charge_point}"},
        of="{charge_point}",
        after={"identity": SERIAL},
    ),
    ("PUT", f"{PROJECT}/default-tariff"): Told(
        action="tariff.set",
        body=TARIFF,
        of="trf_",
        after={"currency": "GBP", "prices": ["ENERGY 0.30"]},
    ),
    ("POST", f"{PROJECT}/commission"): Told(
        action="batch.started", of="bat_", after={"charge_points": 3, "max_parallel": 10}
    ),
    ("POST", f"{PROJECT}/commissioning/cancel"): Told(
        action="batch.cancelled", of="bat_", body={"reason": "Rain"}, after={"reason": "Rain"}
    ),
    ("PUT", f"{PROJECT}/access"): Told(
        action="access.changed",
        body={"mode": "open"},
        before={"mode": "listed"},
        after={"mode": "open"},
    ),
    ("PUT", f"{PROJECT}/id-tags/{{id_tag}}"): Told(
        action="id_tag.put", body={"label": "Van 2"}, of="04A2B3C4", after={"label": "Van 2"}
    ),
    ("DELETE", f"{PROJECT}/id-tags/{{id_tag}}"): Told(action="id_tag.removed", of="04A2B3C4"),
    ("PUT", f"{OWNED}/access"): Told(
        action="access.changed",
        body={"mode": "listed"},
        before={"mode": "open"},
        after={"mode": "listed"},
    ),
    ("PUT", f"{OWNED}/id-tags/{{id_tag}}"): Told(
        action="id_tag.put", body={"label": "Van 1"}, of="04A2B3C4", after={"label": "Van 1"}
    ),
    ("DELETE", f"{OWNED}/id-tags/{{id_tag}}"): Told(action="id_tag.removed", of="04A2B3C4"),
    ("PUT", f"{OWNED}/tariff"): Told(
        action="tariff.set",
        body=TARIFF,
        of="trf_",
        before={"prices": ["ENERGY 0.30"]},
        after={"currency": "GBP", "prices": ["ENERGY 0.30"]},
    ),
    ("PUT", f"{OWNED}/billing/time-zone"): Told(
        action="time_zone.changed",
        body={"time_zone": "Europe/Paris"},
        before={"time_zone": "UTC"},
        after={"time_zone": "Europe/Paris"},
    ),
    ("PUT", f"{OWNED}/billing/issuer"): Told(
        action="issuer.changed",
        body={"name": "Riverside Ltd", "vat_number": "gb123456789"},
        after={"name": "Riverside Ltd", "vat_number": "GB123456789"},
    ),
    ("POST", f"{OWNED}/held-records/{{held_record_id}}/release"): Told(
        action="record.released",
        body={"energy_kwh": "1.5", "note": "Asked."},
        of="hld_",
        before={"cause": "above_bound", "session_id": "700"},
        after={"energy_kwh": "1.5", "note": "Asked."},
    ),
    ("POST", f"{OWNED}/held-records/drop"): Told(
        action="record.dropped",
        body={"cause": "above_bound"},
        of="hld_",
        before={"cause": "above_bound", "session_id": "701"},
    ),
    ("PUT", f"{OWNED}/charge-points/{{charge_point_id}}/electrical"): Told(
        action="electrical.changed",
        body={"max_amps": 20},
        of="{charge_point}",
        before={"max_amps": 16},
        after={"max_amps": 20},
    ),
    ("PUT", f"{OWNED}/power"): Told(
        action="power.changed",
        body={"max_amps_per_phase": 40},
        before={"amps": 63},
        after={"amps": 40},
    ),
}
# Each is shown by a test of its own, below or where that is said.
AUDITED = set(BY_TABLE) | {
    ("POST", f"{INSTALLER}/projects"),
    ("POST", f"{INSTALLER}/charge-points"),
    ("POST", f"{OWNED}/held-records/{{held_record_id}}/drop"),  # tests/api/test_held.py
    ("POST", f"{OWNED}/held-records/release"),
    ("DELETE", CHARGE_POINT),
    ("POST", f"{CHARGE_POINT}/replace"),  # tests/api/test_exchanges.py
    ("POST", f"{INSTALLER}/charge-points/swap"),
    ("PUT", f"{OWNED}/features/{{feature}}"),
    ("PUT", f"{OWNED_CP}/connectors/{{connector_id}}/availability"),  # tests/api/test_commands.py
    ("POST", f"{OWNED_CP}/connectors/{{connector_id}}/unlock"),
    ("POST", f"{OWNED_CP}/connectors/{{connector_id}}/start"),
    ("POST", f"{OWNED_CP}/transactions/{{transaction_id}}/stop"),
    ("POST", f"{OWNED_CP}/reset"),
    ("POST", f"{CHARGE_POINT}/links/{{link}}/keep"),  # tests/api/test_links.py
    ("POST", f"{OWNED_CP}/links/{{link}}/keep"),
    ("POST", f"{CHARGE_POINT}/links/disconnect"),
    ("POST", f"{OWNED_CP}/links/disconnect"),
    ("POST", f"{OWNED_CP}/config/customize"),
    ("POST", f"{OWNED_CP}/awaited-id-tag"),  # tests/api/test_access.py
    ("DELETE", f"{OWNED_CP}/awaited-id-tag"),
    ("POST", f"{COMMISSIONING}/start"),
    ("POST", f"{COMMISSIONING}/retry"),
    ("POST", f"{COMMISSIONING}/cancel"),
    ("POST", f"{COMMISSIONING}/answer"),
    ("POST", f"{PROJECT}/invite-site-owner"),
    ("POST", f"{PROJECT}/invitations/{{invitation_id}}/resend"),
    ("POST", f"{PROJECT}/invitations/{{invitation_id}}/revoke"),
    ("POST", "/api/v1/site-owner/invitations/accept"),
    ("POST", "/api/v1/site-owner/invitations/decline"),
    ("POST", f"{PROJECT}/complete-handover"),  # tests/api/test_handover.py
    ("POST", f"{PROJECT}/archive"),  # tests/api/test_project_shelf.py
    ("POST", f"{PROJECT}/unarchive"),
    ("DELETE", PROJECT),
    ("POST", f"{PROJECT}/collaborators"),  # tests/api/test_collaborators.py
    ("PATCH", f"{PROJECT}/collaborators/{{account_id}}"),
    ("DELETE", f"{PROJECT}/collaborators/{{account_id}}"),
    ("POST", f"{INSTALLER}/invitations/accept"),
    ("POST", f"{INSTALLER}/invitations/decline"),
    ("POST", f"{OWNED}/service-visits"),  # tests/api/test_service_visits.py
    ("PATCH", f"{OWNED}/service-visits/{{service_visit_id}}"),
    ("POST", f"{OWNED}/service-visits/{{service_visit_id}}/close"),
    ("POST", f"{INSTALLER}/service-visits/{{service_visit_id}}/close"),
}
# They change no project.
OUTSIDE = (
    f"{INSTALLER}/account/delete",
    "/api/v1/site-owner/account/delete",
    f"{INSTALLER}/signup",
    f"{INSTALLER}/log",
    f"{INSTALLER}/webhooks",
    "/api/v1/site-owner/log",
    "/api/v1/site-owner/webhooks",
    # They are in the history of the account: tests/api/test_credentials.py.
    *(f"{side}/{path}" for side in SIDES for path in ("password", "sessions", "verification")),
    f"{CHARGE_POINT}/test-connection",
    f"{OWNED_CP}/test-connection",
)


class Unwilling(TemporalGateway):
    """Temporal is there, until something is to be started."""

    def __init__(self, whole: TemporalGateway) -> None:
        vars(self).update(vars(whole))

    def client(self) -> NoReturn:
        raise UnavailableError("temporal_away", "Try again.")

    async def wake_batch(self, owner: BatchOwner) -> None:
        raise UnavailableError("temporal_away", owner.project_id)


class Asking(TemporalGateway):
    """A run asks for an answer; this keeps what it is given."""

    def __init__(self, whole: TemporalGateway) -> None:
        vars(self).update(vars(whole))
        self.given: list[RunAnswer] = []

    async def answer_run(self, charge_point_id: str, given: RunAnswer) -> Waiting:
        self.given.append(given)
        return Waiting(
            waiting_for=WaitingFor.INSTALLER,
            since=now(),
            until=now(),
            prompt=f"Update {charge_point_id}.",
            answers=(InstallerAnswer.DONE,),
        )


async def trail(caller: Caller, project: str, side: str = "installer") -> list[dict[str, Any]]:
    """Entries, oldest first."""
    answer = await caller.call("GET", f"{V1}/{side}/projects/{project}/audit?limit=200")
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["items"]))


async def test_anonymous(anonymous: Caller) -> None:
    for side in ("installer", "site-owner"):
        answer = await anonymous.call("GET", f"{V1}/{side}/projects/prj_x/audit")
        problem(answer, 401, "token_missing")


async def test_every_change_is_told(app: FastAPI) -> None:
    changes = {
        (method, path)
        for method, path in operations(app)
        if method != "GET" and not path.startswith(OUTSIDE)
    }
    assert changes == AUDITED


async def test_projects_and_charge_points(installer: Caller) -> None:
    project = await installer.project()
    await installer.patch(f"/projects/{project}", {"name": "Phase 2"})
    identity = await installer.charge_point(project)
    await installer.patch(f"/charge-points/{identity}", {"serial_number": "SN-2"})
    await installer.delete(f"/charge-points/{identity}")
    entries = await trail(installer, project)
    assert [entry["action"] for entry in entries] == [
        "project.created",
        "project.changed",
        "charge_point.registered",
        "charge_point.changed",
        "charge_point.removed",
    ]
    assert {(entry["email"], entry["role"], entry["address"]) for entry in entries} == {
        (installer.email, "installer", "127.0.0.1")
    }
    assert entries[1]["before"] == {"name": "Riverside Business Park"}
    assert entries[1]["after"] == {"name": "Phase 2"}
    assert entries[3]["before"]["serial_number"] == "CP-SN-00483921"
    assert entries[3]["after"]["serial_number"] == "SN-2"
    assert [entry["target"] for entry in entries] == [project] * 2 + [identity] * 3


async def test_what_was_refused_is_not_told(installer: Caller) -> None:
    project = await installer.project()
    await installer.charge_point(project)
    body = {"project_id": project, "serial_number": "cp-sn-00483921", "model": "M", "vendor": "V"}
    problem(await installer.post("/charge-points", body), 409, "duplicate_serial")
    actions = [entry["action"] for entry in await trail(installer, project)]
    assert actions == ["project.created", "charge_point.registered"]


async def test_by_table(installer: Caller, owner: Own, database: Database) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    of_site = await owner(OWNER, project)
    await refuse(database, SERIAL, code="unknown_identity")
    begun, photo = len(await trail(installer, project)), ""
    held = await held_record(database, project, charge_point, 700)
    await held_record(database, project, charge_point, 701)

    def filled(text: str) -> str:
        return text.format(
            project=project,
            project_id=project,
            charge_point=charge_point,
            charge_point_id=charge_point,
            identity=SERIAL,
            id_tag="04A2B3C4",
            photo_id=photo,
            held_record_id=held,
        )

    for (method, path), told in BY_TABLE.items():
        caller = of_site if "/site-owner/" in path else installer
        options: dict[str, Any] = {"json": told.body}
        if told.content is not None:
            options = {"content": told.content, "headers": {"Content-Type": "text/csv"}}
        elif told.of == "{charge_point}" and "charge_point_id" in (told.body or {}):
            options = {"json": {"charge_point_id": charge_point}}
        answer = await caller.call(method, filled(path), **options)
        assert answer.is_success, (path, answer.text)
        if path.endswith("/photos"):
            photo = answer.json()["id"]
        entries = (await trail(of_site, project, "site-owner"))[begun:]
        assert len(entries) == 1, (path, entries)
        begun += 1
        (entry,) = entries
        assert entry["action"] == told.action
        assert entry["target"].startswith(filled(told.of)), (path, entry)
        role = "site_owner" if caller is of_site else "installer"
        who = (caller.email, role, "127.0.0.1")
        assert (entry["email"], entry["role"], entry["address"]) == who
        for side, expected in (("before", told.before), ("after", told.after)):
            assert (entry[side] or {}).items() >= (expected or {}).items(), (path, entry)
        assert len(str(entry)) < 2_000
    whole = await trail(of_site, project, "site-owner")
    of_drivers = [
        one for one in whole if one["role"] == "site_owner" and one["action"].startswith("id_tag.")
    ]
    assert len(of_drivers) == len({"put", "removed"})
    assert await trail(installer, project) == [one for one in whole if one not in of_drivers]


async def test_what_changes_nothing_is_told_once(
    installer: Caller, owner: Own, database: Database
) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    of_site = await owner(OWNER, project)
    await refuse(database, SERIAL, code="unknown_identity")
    claim = (f"/projects/{project}/unclaimed/{SERIAL}/claim", {"charge_point_id": charge_point})
    for _ in range(2):
        await installer.post(*claim)
        await installer.post(f"/charge-points/{charge_point}/photos", content=picture())
        await of_site.call("PUT", OWNED.format(project_id=project) + "/power", {"max_power_kw": 22})
    actions = [entry["action"] for entry in await trail(installer, project)]
    assert actions[2:] == ["identity.claimed", "photo.added", "power.changed"]


async def test_a_change_to_what_it_is_already_is_not_told(installer: Caller, owner: Own) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    callers = {"installer": installer, "site-owner": await owner(OWNER, project)}
    changes = [one for one in BY_TABLE.items() if one[1].action.endswith(".changed")]
    assert len(changes) > 5
    for (method, path), told in changes:
        caller = callers["site-owner" if "/site-owner/" in path else "installer"]
        target = path.format(project_id=project, charge_point_id=charge_point)
        seen = []
        for _ in range(3):
            answer = await caller.call(method, target, told.body)
            assert answer.is_success, answer.text
            seen.append(len(await trail(installer, project)))
        assert seen[0] == seen[1] == seen[2], told.action
        assert (await trail(installer, project))[-1]["action"] == told.action


async def test_a_batch_without_temporal_is_taken_back(installer: Caller, app: FastAPI) -> None:
    project = await installer.project()
    await installer.charge_point(project)
    app.state.parts = replace(app.state.parts, temporal=Unwilling(app.state.parts.temporal))
    answer = await installer.post(f"/projects/{project}/commission")
    assert answer.status_code == 503, answer.text
    entries = (await trail(installer, project))[2:]
    assert [(entry["action"], entry["role"]) for entry in entries] == [
        ("batch.started", "installer"),
        ("batch.taken_back", "engine"),
    ]


@pytest.mark.usefixtures("engine")
async def test_runs(installer: Caller) -> None:
    project = await installer.project()
    identity = await installer.charge_point(project)
    path = f"/commissioning/{identity}"
    first = (await installer.post(f"{path}/start")).json()["commissioning_id"]
    problem(await installer.post(f"{path}/start"), 409, "run_open")

    async def cancelled() -> None:
        assert (await installer.get(f"{path}/status")).json()["status"] == "cancelled"

    await installer.post(f"{path}/cancel", {"reason": "Wrong bay"})
    await eventually(cancelled)
    second = (await installer.post(f"{path}/retry")).json()["commissioning_id"]
    entries = (await trail(installer, project))[2:]
    assert [(one["action"], one["email"], one["address"], one["target"]) for one in entries] == [
        (action, installer.email, "127.0.0.1", identity)
        for action in (
            "commissioning.started",
            "commissioning.cancelled",
            "commissioning.retried",
        )
    ]
    assert entries[0]["after"] == {
        "run": first,
        "test_transaction": True,
        "test_connectors": "all",
        "update_firmware": False,
    }
    assert entries[1]["after"] == {"run": first, "reason": "Wrong bay"}
    assert entries[2]["after"].items() >= {"run": second, "retries": first}.items()


async def test_a_run_that_is_taken_back(installer: Caller, app: FastAPI) -> None:
    project = await installer.project()
    identity = await installer.charge_point(project)
    app.state.parts = replace(app.state.parts, temporal=Unwilling(app.state.parts.temporal))
    answer = await installer.post(f"/commissioning/{identity}/start")
    assert answer.status_code == 503, answer.text
    entries = (await trail(installer, project))[2:]
    assert [(entry["action"], entry["role"]) for entry in entries] == [
        ("commissioning.started", "installer"),
        ("commissioning.taken_back", "engine"),
    ]


async def test_an_answer_travels_with_who_gives_it(installer: Caller, app: FastAPI) -> None:
    """The run writes it down; see tests/storage/test_runs.py and tests/workflows."""
    identity = await installer.charge_point()
    await installer.post(f"/commissioning/{identity}/start")
    asking = Asking(app.state.parts.temporal)
    app.state.parts = replace(app.state.parts, temporal=asking)
    answer = await installer.post(f"/commissioning/{identity}/answer", {"answer": "done"})
    assert answer.status_code == 200, answer.text
    (given,) = asking.given
    assert given.actor == Actor(
        email=installer.email,
        role="installer",
        account_id=(await installer.get("/me")).json()["id"],
        address="127.0.0.1",
    )


@pytest.mark.usefixtures("engine")
async def test_features_and_power_of_a_site_that_was_handed_over(
    installer: Caller, owner: Own, database: Database
) -> None:
    project = await installer.project()
    of_site = await owner(OWNER, project)
    base = OWNED.format(project_id=project)
    await of_site.call("PUT", f"{base}/tariff", TARIFF)
    async with database.write() as connection:
        await Projects(connection).change(project, {"status": ProjectStatus.HANDED_OVER})
        await BillingActivation(connection, project).begin(at=now())
    pausable = (Feature.BILLING, Feature.SMART_CHARGING)
    for _ in range(2):  # a repeat changes nothing
        for feature in pausable:
            for paused in (True, False):
                path = f"{base}/features/{feature}"
                answer = await of_site.call("PUT", path, {"paused": paused})
                assert answer.status_code == 200, answer.text
                again = await of_site.call("PUT", path, {"paused": paused})
                assert again.status_code == 200
        answer = await of_site.call("PUT", f"{base}/power", {"max_amps_per_phase": 40})
        assert answer.status_code == 200, answer.text
    entries = (await trail(of_site, project, "site-owner"))[2:]
    pauses = [
        (action, feature)
        for feature in pausable
        for action in ("feature.paused", "feature.resumed")
    ]
    told = [(entry["action"], entry["target"]) for entry in entries]
    assert told == [*pauses, ("power.changed", project), *pauses]
    assert {(entry["email"], entry["address"]) for entry in entries} == {(OWNER, "127.0.0.1")}


@pytest.mark.usefixtures("engine")
async def test_invitations_to_both_sides(
    anonymous: Caller, installer: Caller, outbox: Outbox
) -> None:
    project = await installer.project()
    invite = f"/projects/{project}/invite-site-owner"
    first = (await installer.post(invite, {"email": OWNER})).json()["invitation_id"]
    await installer.post(f"/projects/{project}/invitations/{first}/resend")
    await installer.post(f"/projects/{project}/invitations/{first}/revoke")
    await installer.post(invite, {"email": OWNER})
    decline = {"token": outbox.token(), "reason": "Not yet."}
    await anonymous.call("POST", f"{V1}/site-owner/invitations/decline", decline)
    await installer.post(invite, {"email": OWNER})
    owner = await accept_invitation(anonymous, outbox)
    entries = await trail(owner, project, "site-owner")
    assert entries == await trail(installer, project)
    told = [(entry["action"], entry["email"], entry["role"]) for entry in entries[1:]]
    mine, theirs = (installer.email, "installer"), (OWNER, "site_owner")
    assert told == [
        ("invitation.sent", *mine),
        ("invitation.resent", *mine),
        ("invitation.revoked", *mine),
        ("invitation.sent", *mine),
        ("invitation.declined", *theirs),
        ("invitation.sent", *mine),
        ("invitation.accepted", *theirs),
    ]
    assert entries[5]["after"] == {"email": OWNER, "role": "site_owner", "reason": "Not yet."}
    assert {entry["address"] for entry in entries} == {"127.0.0.1"}
    assert outbox.token() not in str(entries)
