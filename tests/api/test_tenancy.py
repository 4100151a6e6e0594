"""Somebody else's id is a 404 on every route; a new route needs a case here, or this fails."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.deps import now
from domain.audit import Actor
from domain.commissioning import RunOptions, RunRequest
from domain.ids import Prefix, new_id
from storage.billing_activation import BillingActivation
from storage.engine import Database
from storage.runs import Runs
from storage.service_visits import ServiceVisit, ServiceVisits
from tests.api.callers import GUIDE_CHARGE_POINT, Caller
from tests.api.conftest import Own
from tests.support.holding import held_record

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PROJECT = "/api/v1/installer/projects/{project_id}"
CHARGE_POINT = "/api/v1/installer/charge-points/{charge_point_id}"
COMMISSIONING = "/api/v1/installer/commissioning/{charge_point_id}"
WEBHOOK = "/api/v1/installer/webhooks/{webhook_id}"
VISIT = "/api/v1/installer/service-visits/{service_visit_id}"
OWNED = "/api/v1/site-owner/projects/{project_id}"
OWNED_WEBHOOK = "/api/v1/site-owner/webhooks/{webhook_id}"
SESSION = "/api/v1/installer/sessions/{session_id}"
OWNED_SESSION = "/api/v1/site-owner/sessions/{session_id}"
OWNED_CP = f"{OWNED}/charge-points/{{charge_point_id}}"

TARIFF = {
    "currency": "GBP",
    "elements": [{"price_components": [{"type": "ENERGY", "price": "0.30"}]}],
}

# Each operation on an id, with a body that would do for one's own.
CASES: dict[tuple[str, str], Any] = {
    ("GET", PROJECT): None,
    ("PATCH", PROJECT): {"name": "Mine now"},
    ("DELETE", PROJECT): None,
    ("POST", f"{PROJECT}/archive"): None,
    ("POST", f"{PROJECT}/unarchive"): None,
    ("PUT", f"{PROJECT}/default-tariff"): TARIFF,
    ("GET", f"{PROJECT}/default-tariff"): None,
    ("POST", f"{PROJECT}/invite-site-owner"): {"email": "me@acme.com"},
    ("GET", f"{PROJECT}/handover"): None,
    ("POST", f"{PROJECT}/complete-handover"): {"installer_signature": "Me"},
    ("GET", f"{PROJECT}/access"): None,
    ("PUT", f"{PROJECT}/access"): {"mode": "open"},
    ("GET", f"{PROJECT}/id-tags"): None,
    ("PUT", f"{PROJECT}/id-tags/{{id_tag}}"): {"label": "Mine now"},
    ("DELETE", f"{PROJECT}/id-tags/{{id_tag}}"): None,
    ("POST", f"{PROJECT}/commission"): {},
    ("GET", f"{PROJECT}/commissioning"): None,
    ("POST", f"{PROJECT}/commissioning/cancel"): None,
    ("GET", f"{PROJECT}/invitations"): None,
    ("GET", f"{PROJECT}/audit"): None,
    ("POST", f"{PROJECT}/collaborators"): {"email": "me@acme.com", "role": "lead"},
    ("GET", f"{PROJECT}/collaborators"): None,
    ("PATCH", f"{PROJECT}/collaborators/{{account_id}}"): {"role": "technician"},
    ("DELETE", f"{PROJECT}/collaborators/{{account_id}}"): None,
    ("POST", f"{PROJECT}/invitations/{{invitation_id}}/resend"): None,
    ("POST", f"{PROJECT}/invitations/{{invitation_id}}/revoke"): None,
    ("POST", f"{PROJECT}/charge-points/import"): None,
    ("GET", f"{PROJECT}/connection-attempts"): None,
    ("GET", f"{PROJECT}/unclaimed"): None,
    ("POST", f"{PROJECT}/unclaimed/{{identity}}/claim"): {"charge_point_id": "cp_x"},
    ("GET", CHARGE_POINT): None,
    ("PATCH", CHARGE_POINT): {"location": {}},
    ("DELETE", CHARGE_POINT): None,
    ("POST", f"{CHARGE_POINT}/withdraw"): {"reason": "Dead"},
    ("POST", f"{CHARGE_POINT}/reinstate"): None,
    ("POST", f"{CHARGE_POINT}/links/{{link}}/keep"): None,
    ("POST", f"{CHARGE_POINT}/links/disconnect"): None,
    ("POST", f"{CHARGE_POINT}/replace"): {"serial_number": "SN-2"},
    ("GET", f"{CHARGE_POINT}/connection-attempts"): None,
    ("GET", f"{CHARGE_POINT}/config"): None,
    ("GET", f"{CHARGE_POINT}/config/template"): None,
    ("POST", f"{CHARGE_POINT}/config/customize"): {
        "parameters": [{"key": "HeartbeatInterval", "value": 30}]
    },
    ("POST", f"{CHARGE_POINT}/test-connection"): None,
    ("GET", f"{PROJECT}/power"): None,
    ("PUT", f"{PROJECT}/power"): {"max_power_kw": 22},
    ("GET", f"{PROJECT}/features"): None,
    ("GET", f"{CHARGE_POINT}/electrical"): None,
    ("PUT", f"{CHARGE_POINT}/electrical"): {"max_amps": 16},
    ("POST", f"{COMMISSIONING}/start"): {},
    ("GET", f"{COMMISSIONING}/status"): None,
    ("GET", f"{COMMISSIONING}/events"): None,
    ("GET", f"{PROJECT}/events"): None,
    ("DELETE", SESSION): None,
    ("GET", VISIT): None,
    ("POST", f"{VISIT}/close"): {"installer_signature": "Me"},
    ("GET", f"{VISIT}/report"): None,
    ("GET", WEBHOOK): None,
    ("PATCH", WEBHOOK): {"enabled": False},
    ("DELETE", WEBHOOK): None,
    ("POST", f"{WEBHOOK}/rotate-secret"): None,
    ("POST", f"{WEBHOOK}/test"): None,
    ("GET", f"{WEBHOOK}/deliveries"): None,
    ("GET", f"{WEBHOOK}/deliveries/{{delivery_id}}"): None,
    ("POST", f"{WEBHOOK}/deliveries/{{delivery_id}}/redeliver"): None,
    ("POST", f"{COMMISSIONING}/retry"): None,
    ("POST", f"{COMMISSIONING}/cancel"): None,
    ("POST", f"{COMMISSIONING}/answer"): {"answer": "done"},
    ("GET", f"{COMMISSIONING}/runs"): None,
    ("GET", f"{COMMISSIONING}/runs/{{commissioning_id}}"): None,
    ("GET", f"{COMMISSIONING}/logs"): None,
    ("GET", f"{COMMISSIONING}/report"): None,
    ("GET", f"{COMMISSIONING}/certificates"): None,
    ("PUT", f"{CHARGE_POINT}/declaration"): {"signature": "Me"},
    ("GET", f"{CHARGE_POINT}/declaration"): None,
    ("PUT", f"{PROJECT}/checklist"): {"checklist": "generic-1"},
    ("GET", f"{PROJECT}/checklist"): None,
    ("PATCH", f"{CHARGE_POINT}/checklist"): {
        "answers": [{"item": "enclosure", "answer": "compliant"}]
    },
    ("GET", f"{CHARGE_POINT}/checklist"): None,
    ("PUT", f"{PROJECT}/contractor"): {"company": "Mine"},
    ("GET", f"{PROJECT}/contractor"): None,
    ("POST", f"{CHARGE_POINT}/photos"): None,
    ("GET", f"{CHARGE_POINT}/photos"): None,
    ("GET", f"{CHARGE_POINT}/photos/{{photo_id}}"): None,
    ("DELETE", f"{CHARGE_POINT}/photos/{{photo_id}}"): None,
    ("GET", f"{PROJECT}/report"): None,
    ("GET", f"{PROJECT}/certificates"): None,
}
# The same of the site owner's operations.
OWNER_CASES: dict[tuple[str, str], Any] = {
    ("DELETE", OWNED_SESSION): None,
    ("GET", OWNED): None,
    ("POST", f"{OWNED}/service-visits"): {
        "email": "me@acme.com",
        "purpose": "Mine now",
        "ends_at": (now() + timedelta(days=1)).isoformat(),
    },
    ("GET", f"{OWNED}/service-visits"): None,
    ("GET", f"{OWNED}/service-visits/{{service_visit_id}}"): None,
    ("PATCH", f"{OWNED}/service-visits/{{service_visit_id}}"): {},
    ("GET", f"{OWNED}/service-visits/{{service_visit_id}}/report"): None,
    ("POST", f"{OWNED}/service-visits/{{service_visit_id}}/close"): {},
    ("GET", f"{OWNED}/audit"): None,
    ("GET", f"{OWNED}/charge-points"): None,
    ("GET", f"{OWNED}/charge-points/{{charge_point_id}}"): None,
    ("GET", f"{OWNED}/charge-points/{{charge_point_id}}/runs"): None,
    ("GET", f"{OWNED}/charge-points/{{charge_point_id}}/runs/{{commissioning_id}}"): None,
    ("GET", f"{OWNED}/events"): None,
    ("GET", OWNED_WEBHOOK): None,
    ("PATCH", OWNED_WEBHOOK): {"enabled": False},
    ("DELETE", OWNED_WEBHOOK): None,
    ("POST", f"{OWNED_WEBHOOK}/rotate-secret"): None,
    ("POST", f"{OWNED_WEBHOOK}/test"): None,
    ("GET", f"{OWNED_WEBHOOK}/deliveries"): None,
    ("GET", f"{OWNED_WEBHOOK}/deliveries/{{delivery_id}}"): None,
    ("POST", f"{OWNED_WEBHOOK}/deliveries/{{delivery_id}}/redeliver"): None,
    ("POST", f"{OWNED_CP}/awaited-id-tag"): {"label": "Mine now"},
    ("GET", f"{OWNED_CP}/awaited-id-tag"): None,
    ("DELETE", f"{OWNED_CP}/awaited-id-tag"): None,
    ("GET", f"{OWNED_CP}/config/template"): None,
    ("GET", f"{OWNED_CP}/config"): None,
    ("POST", f"{OWNED_CP}/config/customize"): {
        "parameters": [{"key": "HeartbeatInterval", "value": 30}]
    },
    ("POST", f"{OWNED_CP}/test-connection"): None,
    ("PUT", f"{OWNED_CP}/connectors/{{connector_id}}/availability"): {"available": False},
    ("POST", f"{OWNED_CP}/connectors/{{connector_id}}/unlock"): None,
    ("POST", f"{OWNED_CP}/connectors/{{connector_id}}/start"): {"id_tag": "04A2B3C4"},
    ("POST", f"{OWNED_CP}/transactions/{{transaction_id}}/stop"): None,
    ("POST", f"{OWNED_CP}/reset"): None,
    ("POST", f"{OWNED_CP}/links/{{link}}/keep"): None,
    ("POST", f"{OWNED_CP}/links/disconnect"): None,
    ("GET", f"{OWNED}/sessions"): None,
    ("GET", f"{OWNED}/access"): None,
    ("PUT", f"{OWNED}/access"): {"mode": "open"},
    ("GET", f"{OWNED}/id-tags"): None,
    ("PUT", f"{OWNED}/id-tags/{{id_tag}}"): {"label": "Mine"},
    ("DELETE", f"{OWNED}/id-tags/{{id_tag}}"): None,
    ("GET", f"{OWNED}/report"): None,
    ("GET", f"{OWNED}/certificates"): None,
    ("GET", f"{OWNED}/charge-points/{{charge_point_id}}/report"): None,
    ("GET", f"{OWNED}/power"): None,
    ("PUT", f"{OWNED}/power"): {"max_power_kw": 22},
    ("GET", f"{OWNED}/charge-points/{{charge_point_id}}/electrical"): None,
    ("PUT", f"{OWNED}/charge-points/{{charge_point_id}}/electrical"): {"max_amps": 16},
    ("GET", f"{OWNED}/load"): None,
    ("GET", f"{OWNED}/features"): None,
    ("PUT", f"{OWNED}/features/{{feature}}"): {"paused": True},
    ("PUT", f"{OWNED}/tariff"): TARIFF,
    ("GET", f"{OWNED}/tariff"): None,
    ("GET", f"{OWNED}/tariffs"): None,
    ("GET", f"{OWNED}/billing"): None,
    ("PUT", f"{OWNED}/billing/time-zone"): {"time_zone": "Europe/Paris"},
    ("PUT", f"{OWNED}/billing/issuer"): {"name": "Me"},
    ("GET", f"{OWNED}/cdrs"): None,
    ("GET", f"{OWNED}/held-records"): None,
    ("GET", f"{OWNED}/held-records/{{held_record_id}}"): None,
    ("POST", f"{OWNED}/held-records/{{held_record_id}}/release"): {"energy_kwh": 1},
    ("POST", f"{OWNED}/held-records/{{held_record_id}}/drop"): {},
    ("POST", f"{OWNED}/held-records/release"): {"cause": "above_bound"},
    ("POST", f"{OWNED}/held-records/drop"): {"cause": "above_bound"},
    ("GET", f"{OWNED}/statements/{{month}}"): None,
}
# Operations without an id in the path whose query or body takes one are tested below by name.
WITHOUT_ID = {
    ("GET", "/api/v1/site-owner/export"),
    ("POST", "/api/v1/site-owner/webhooks"),
    ("GET", "/api/v1/site-owner/webhooks"),
    ("POST", "/api/v1/installer/signup"),
    ("POST", "/api/v1/installer/login"),
    ("POST", "/api/v1/installer/logout"),
    ("GET", "/api/v1/installer/me"),
    ("GET", "/api/v1/installer/checklists"),
    ("POST", "/api/v1/installer/projects"),
    ("GET", "/api/v1/installer/projects"),
    ("POST", "/api/v1/installer/charge-points"),
    ("GET", "/api/v1/installer/charge-points"),
    ("POST", "/api/v1/installer/charge-points/swap"),
    ("POST", "/api/v1/installer/webhooks"),
    ("GET", "/api/v1/installer/webhooks"),
    ("GET", "/api/v1/installer/service-visits"),
    ("POST", "/api/v1/installer/invitations/accept"),
    ("POST", "/api/v1/installer/invitations/decline"),
    ("GET", "/api/v1/installer/invitations"),
    ("POST", "/api/v1/site-owner/invitations/accept"),
    ("POST", "/api/v1/site-owner/invitations/decline"),
    ("GET", "/api/v1/site-owner/invitations"),
    ("POST", "/api/v1/site-owner/login"),
    ("POST", "/api/v1/site-owner/logout"),
    ("GET", "/api/v1/site-owner/me"),
    ("POST", "/api/v1/installer/account/delete"),
    ("POST", "/api/v1/site-owner/account/delete"),
    ("GET", "/api/v1/installer/export"),
    ("GET", "/api/v1/site-owner/projects"),
    ("POST", "/api/v1/installer/password"),
    ("POST", "/api/v1/installer/password-resets"),
    ("POST", "/api/v1/installer/password-resets/complete"),
    ("GET", "/api/v1/installer/sessions"),
    ("DELETE", "/api/v1/installer/sessions"),
    ("GET", "/api/v1/installer/account-events"),
    ("POST", "/api/v1/site-owner/password"),
    ("POST", "/api/v1/site-owner/password-resets"),
    ("POST", "/api/v1/site-owner/password-resets/complete"),
    ("GET", "/api/v1/site-owner/sessions"),
    ("DELETE", "/api/v1/site-owner/sessions"),
    ("GET", "/api/v1/site-owner/account-events"),
    ("POST", "/api/v1/installer/verification"),
    ("POST", "/api/v1/installer/verification/complete"),
    ("GET", "/api/v1/certificate-keys"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/health/system"),
}


@dataclass(frozen=True, kw_only=True)
class Theirs:
    """Ids of somebody else's things."""

    project_id: str
    charge_point_id: str
    commissioning_id: str
    identity: str
    webhook_id: str
    delivery_id: str
    invitation_id: str
    account_id: str
    held_record_id: str
    service_visit_id: str
    session_id: str
    id_tag: str = "04A2B3C4"
    feature: str = "smart_charging"
    month: str = "2026-05"
    photo_id: str = "pho_01HX9PH0T0ABCDEFGHJKMNPQRS"
    connector_id: int = 1
    transaction_id: int = 7
    link: int = 1

    def format(self, path: str) -> str:
        """Fill a path in."""
        return path.format(**vars(self))


@pytest.fixture
async def theirs(stranger: Caller, database: Database) -> Theirs:
    project = await stranger.project()
    charge_point = await stranger.charge_point(project)
    run = new_id(Prefix.COMMISSIONING)
    async with database.write() as connection:
        await Runs(connection).create_starting(
            RunRequest(
                commissioning_id=run,
                charge_point_id=charge_point,
                project_id=project,
                installer_id="usr_stranger",
                started_by=stranger.email,
                started_at=now(),
                options=RunOptions(),
            )
        )
    me = str((await stranger.get("/me")).json()["id"])
    visit = ServiceVisit(
        id=new_id(Prefix.SERVICE_VISIT),
        project_id=project,
        opened_by=me,
        opened_at=now(),
        ends_at=now() + timedelta(days=1),
        purpose="Bay 3 trips its breaker.",
        all_charge_points=True,
        email=stranger.email,
        invitation_id=new_id(Prefix.INVITATION),
    )
    async with database.write() as connection:
        by = Actor(email=stranger.email, role="site_owner", account_id=me)
        await ServiceVisits(connection).open(visit, charge_point_ids=None, by=by)
    made = await stranger.post("/webhooks", {"url": "https://93.184.216.34/"})
    webhook = made.json()["id"]
    return Theirs(
        project_id=project,
        charge_point_id=charge_point,
        commissioning_id=run,
        identity=str(GUIDE_CHARGE_POINT["serial_number"]),
        webhook_id=webhook,
        invitation_id=new_id(Prefix.INVITATION),
        held_record_id=await held_record(database, project, charge_point),
        account_id=me,
        service_visit_id=visit.id,
        session_id=(await stranger.get("/sessions")).json()["items"][0]["id"],
        delivery_id=(await stranger.post(f"/webhooks/{webhook}/test")).json()["id"],
    )


def operations(app: FastAPI) -> set[tuple[str, str]]:
    paths: dict[str, dict[str, Any]] = app.openapi()["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


async def test_every_operation_has_a_case(app: FastAPI) -> None:
    assert operations(app) == set(CASES) | set(OWNER_CASES) | WITHOUT_ID
    assert not any("{" in path for _, path in WITHOUT_ID)


def hidden(routes: Iterable[Any]) -> set[str]:
    """Paths that are not in the OpenAPI document, whatever routers they lie in."""
    found: set[str] = set()
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            found |= hidden(inner.routes)
        elif not getattr(route, "include_in_schema", False):
            found.add(route.path)
    return found


async def test_what_is_not_documented_has_no_tenant(app: FastAPI) -> None:
    assert hidden(app.routes) == {
        "/docs",
        "/docs/assets",
        "/certificates/{token}",
        "/certificates/{token}/file",
        "/invitations/{token}",
        "/invitations/{token}/accept",
        "/invitations/{token}/decline",
        "/mail/allow/{token}",
        "/mail/stop/{token}",
        "/password-resets",
        "/password-resets/{token}",
        "/verifications/{token}",
        "/openapi.json",
    }


async def answers(
    caller: Caller, path_of: Callable[[str], str], cases: dict[tuple[str, str], Any] = CASES
) -> dict[tuple[str, str], httpx.Response]:
    made: dict[tuple[str, str], Awaitable[httpx.Response]] = {
        (method, path): caller.call(method, path_of(path), body)
        for (method, path), body in cases.items()
    }
    return {case: await answer for case, answer in made.items()}


async def test_a_foreign_id_does_not_exist(
    installer: Caller, stranger: Caller, theirs: Theirs
) -> None:
    before = (await stranger.get(f"/charge-points/{theirs.charge_point_id}")).json()
    await _expect_foreign_is_unknown(installer, theirs, CASES)
    assert (await stranger.get(f"/charge-points/{theirs.charge_point_id}")).json() == before


@pytest.mark.usefixtures("impatient")
async def test_a_foreign_site_does_not_exist(
    owner: Own, stranger: Caller, theirs: Theirs, database: Database
) -> None:
    mine = await owner("mine@riversidebp.com", await stranger.project())
    others = await owner("theirs@riversidebp.com", theirs.project_id)
    await others.call("PUT", theirs.format(f"{OWNED}/tariff"), TARIFF)
    async with database.write() as connection:
        await BillingActivation(connection, theirs.project_id).activate(at=now())
    # The webhook and the session are another account's, and a stream does not end.
    cases = {
        (method, path): body
        for (method, path), body in OWNER_CASES.items()
        if not path.startswith((OWNED_WEBHOOK, OWNED_SESSION))
        and not path.endswith(("/events", "/awaited-id-tag"))  # none is awaited
    }
    before = await answers(others, theirs.format, cases)
    # 409: there is no report while a run is open. 503: no worker tests the connection here.
    assert {answer.status_code for answer in before.values()} <= {200, 204, 409, 503}
    await _expect_foreign_is_unknown(mine, theirs, OWNER_CASES)


async def test_nobody_calls_what_is_for_the_other_role(
    app: FastAPI, installer: Caller, owner: Own, stranger: Caller, theirs: Theirs
) -> None:
    """Also where both do the same, and where no id stands in the way."""
    paths: dict[str, dict[str, Any]] = app.openapi()["paths"]
    of_ones_own: dict[tuple[str, str], Any] = {
        (method, path): {} if method in {"POST", "PUT", "PATCH"} else None
        for method, path in WITHOUT_ID
        if paths[path][method.lower()]["security"]
    }
    everything = CASES | OWNER_CASES | of_ones_own
    mine = await owner("mine@riversidebp.com", await installer.project())
    for caller, role in ((installer, "site-owner"), (stranger, "site-owner"), (mine, "installer")):
        cases = {case: body for case, body in everything.items() if f"/v1/{role}/" in case[1]}
        assert len(cases) > 60
        for case, answer in (await answers(caller, theirs.format, cases)).items():
            assert (answer.status_code, answer.json().get("code")) == (403, "wrong_role"), case


async def _expect_foreign_is_unknown(
    caller: Caller, theirs: Theirs, cases: dict[tuple[str, str], Any]
) -> None:
    def unknown(path: str) -> str:
        return path.format(
            project_id=new_id(Prefix.PROJECT),
            charge_point_id=new_id(Prefix.CHARGE_POINT),
            commissioning_id=new_id(Prefix.COMMISSIONING),
            webhook_id=new_id(Prefix.WEBHOOK),
            delivery_id=new_id(Prefix.DELIVERY),
            invitation_id=new_id(Prefix.INVITATION),
            held_record_id=new_id(Prefix.HELD_RECORD),
            service_visit_id=new_id(Prefix.SERVICE_VISIT),
            session_id=new_id(Prefix.SESSION),
            account_id=new_id(Prefix.ACCOUNT),
            identity="SN-0",
            id_tag="NOBODY",
            feature="smart_charging",
            month="2026-05",
            photo_id=new_id(Prefix.PHOTO),
            connector_id=1,
            transaction_id=7,
            link=1,
        )

    theirs_to_me = await answers(caller, theirs.format, cases)
    nobodys = await answers(caller, unknown, cases)
    for case, answer in theirs_to_me.items():
        assert answer.status_code == 404, (case, answer.text)
        # Not even the words tell that it exists.
        mine, other = answer.json(), nobodys[case].json()
        mine.pop("request_id"), other.pop("request_id")
        assert mine == other


async def test_a_malformed_id_does_not_exist(installer: Caller, owner: Own) -> None:
    mine = await owner("mine@riversidebp.com", await installer.project())
    for name in ("x", "%00", "%F0%9F%94%8C", "cp_" + "0" * 5000, "..%2F", "' OR 1=1 --"):

        def malformed(path: str, name: str = name) -> str:
            return path.format(
                project_id=name,
                charge_point_id=name,
                commissioning_id=name,
                identity=name,
                id_tag=name,
                photo_id=name,
                held_record_id=name,
                service_visit_id=name,
                feature=name,
                webhook_id=name,
                delivery_id=name,
                month=name,
                invitation_id=name,
                account_id=name,
                session_id=name,
                connector_id=name,
                transaction_id=name,
                link=name,
            )

        for case, answer in (await answers(installer, malformed)).items():
            assert answer.status_code == 404, (case, name, answer.text)
        for case, answer in (await answers(mine, malformed, OWNER_CASES)).items():
            assert answer.status_code == 404, (case, name, answer.text)


async def test_anonymous_learns_nothing(anonymous: Caller, theirs: Theirs) -> None:
    for case, answer in (await answers(anonymous, theirs.format, CASES | OWNER_CASES)).items():
        assert answer.status_code == 401, case


async def test_a_foreign_id_in_a_query_or_a_body(installer: Caller, theirs: Theirs) -> None:
    answer = await installer.get("/charge-points", params={"project_id": theirs.project_id})
    assert answer.status_code == 404
    body = GUIDE_CHARGE_POINT | {"project_id": theirs.project_id}
    assert (await installer.post("/charge-points", body)).status_code == 404
    claim = f"/projects/{await installer.project()}/unclaimed/{theirs.identity}/claim"
    answer = await installer.post(claim, {"charge_point_id": theirs.charge_point_id})
    assert answer.status_code == 404
    mine = await installer.charge_point()
    for path in (f"runs/{theirs.commissioning_id}", f"logs?run={theirs.commissioning_id}"):
        assert (await installer.get(f"/commissioning/{mine}/{path}")).status_code == 404
    assert theirs.project_id not in (await installer.get("/projects")).text
    assert theirs.charge_point_id not in (await installer.get("/charge-points")).text
