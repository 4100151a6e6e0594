"""The guide's requests and answers, field for field, on both databases."""

from typing import Any

import pytest
from sqlalchemy import update

from storage.engine import Database
from storage.models.charge_points import ChargePoint
from tests.api.callers import GUIDE_CHARGE_POINT, PASSWORD, Caller, problem
from tests.api.conftest import Outbox, accept_invitation
from tests.support.eventually import eventually


def same_fields(answer: Any, guide: dict[str, Any]) -> None:
    """The answer has exactly the guide's fields, of the guide's types."""
    assert list(answer) == list(guide)
    for name, value in guide.items():
        assert type(answer[name]) is type(value), name


@pytest.mark.usefixtures("engine")
async def test_the_guide(  # noqa: PLR0915 - one story
    anonymous: Caller, database: Database, outbox: Outbox
) -> None:
    answer = await anonymous.post(
        "/signup",
        {
            "name": "Acme Installations",
            "email": "installer@acme.com",
            "password": PASSWORD,
            "company": "Acme EV Solutions Ltd",
        },
    )
    assert answer.status_code == 201
    same_fields(
        answer.json(),
        {
            "id": "usr_01HX3K9VZAB2C4DEFG",
            "email": "installer@acme.com",
            "role": "installer",
            "created_at": "2026-05-01T09:00:00Z",
        },
    )
    assert answer.json()["role"] == "installer"

    answer = await anonymous.post("/login", {"email": "installer@acme.com", "password": PASSWORD})
    assert answer.status_code == 200
    same_fields(answer.json(), {"token": "eyJ", "expires_at": "2026-05-02T09:00:00Z"})
    installer = Caller(http=anonymous.http, token=answer.json()["token"])

    answer = await installer.post(
        "/projects",
        {
            "name": "Riverside Business Park",
            "address": "12 Riverside Way, Bristol, BS1 4AA",
            "site_owner_email": "facilities@riversidebp.com",
        },
    )
    assert answer.status_code == 201
    same_fields(answer.json(), {"id": "", "name": "", "status": "", "created_at": ""})
    assert answer.json()["status"] == "in_progress"
    project = answer.json()["id"]

    answer = await installer.post("/charge-points", GUIDE_CHARGE_POINT | {"project_id": project})
    assert answer.status_code == 201
    charge_point = answer.json()["id"]
    assert answer.json() == {
        "id": charge_point,
        "serial_number": "CP-SN-00483921",
        "status": "registered",
        "ocpp_endpoint": f"wss://ocpp.example.com/{charge_point}",
    }

    answer = await installer.get(f"/charge-points/{charge_point}/config/template")
    assert answer.status_code == 200
    assert answer.json() == {
        "template_version": "2.1.0",
        "parameters": [
            {"key": "HeartbeatInterval", "default": 60, "type": "integer"},
            {"key": "MeterValueSampleInterval", "default": 30, "type": "integer"},
            {"key": "MaxChargingProfilesInstalled", "default": 10, "type": "integer"},
            {"key": "AuthorizationCacheEnabled", "default": True, "type": "boolean"},
        ],
    }

    answer = await installer.post(
        f"/charge-points/{charge_point}/config/customize",
        {
            "parameters": [
                {"key": "HeartbeatInterval", "value": 30},
                {"key": "MeterValueSampleInterval", "value": 15},
                {"key": "AuthorizationCacheEnabled", "value": False},
            ]
        },
    )
    assert answer.status_code == 200
    keys = ["HeartbeatInterval", "MeterValueSampleInterval", "AuthorizationCacheEnabled"]
    assert answer.json() == {
        "charge_point_id": charge_point,
        "applied": [],
        "rejected": [],
        "queued": keys,
        "pending_reboot": False,
    }

    answer = await installer.post(f"/charge-points/{charge_point}/test-connection")
    assert answer.status_code == 200
    tested = answer.json()
    assert tested.pop("tested_at").endswith("Z")
    assert tested.pop("reason") == "The charge point has never connected."
    assert tested.pop("claim") is None
    assert tested == {
        "charge_point_id": charge_point,
        "connected": False,
        "latency_ms": None,
        "ocpp_version_negotiated": None,
    }

    answer = await installer.post(
        f"/commissioning/{charge_point}/start",
        {"run_test_transaction": True, "notify_on_complete": False},
    )
    assert answer.status_code == 202
    started = answer.json()
    same_fields(
        started, {"commissioning_id": "", "charge_point_id": "", "status": "", "started_at": ""}
    )
    assert started["status"] == "in_progress"

    async def waits_for_the_charge_point() -> bool:
        status = (await installer.get(f"/commissioning/{charge_point}/status")).json()
        assert status["waiting_for"] == "connection"
        return True

    await eventually(lambda: waits_for_the_charge_point())  # noqa: PLW0108 - its type is then known
    status = (await installer.get(f"/commissioning/{charge_point}/status")).json()
    assert status["commissioning_id"] == started["commissioning_id"]
    assert status["status"] == "in_progress"
    assert status["completed_at"] is None
    assert [check["name"] for check in status["checks"]] == [
        "ocpp_handshake",
        "firmware_version",
        "connector_available",
        "test_transaction",
    ]
    again = await installer.post(f"/commissioning/{charge_point}/start", {})
    assert problem(again, 409, "run_open")["commissioning_id"] == started["commissioning_id"]

    answer = await installer.post(f"/commissioning/{charge_point}/cancel", {"reason": "Lunch"})
    assert answer.status_code == 202

    async def is_cancelled() -> bool:
        status = (await installer.get(f"/commissioning/{charge_point}/status")).json()
        assert status["status"] == "cancelled", status
        return True

    await eventually(lambda: is_cancelled())  # noqa: PLW0108

    answer = await installer.post(
        f"/projects/{project}/invite-site-owner",
        {
            "email": "facilities@riversidebp.com",
            "message": "Your charge points at Riverside Business Park are ready.",
        },
    )
    assert answer.status_code == 201, answer.text
    same_fields(answer.json(), {"invitation_id": "", "email": "", "expires_at": ""})

    sign_off = {
        "sign_off_notes": "All connectors tested. Site owner briefed on app usage.",
        "installer_signature": "J. Smith",
    }
    answer = await installer.post(f"/projects/{project}/complete-handover", sign_off)
    blocked = problem(answer, 409, "handover_blocked")
    assert [blocker["code"] for blocker in blocked["blockers"]] == [
        "not_commissioned",
        "owner_not_accepted",
    ]
    assert blocked["blockers"][0]["charge_point_id"] == charge_point

    owner = await accept_invitation(anonymous, outbox)
    async with database.write() as connection:  # as a run with four passed checks leaves it
        await connection.execute(update(ChargePoint).values(status="commissioned"))
    answer = await installer.post(f"/projects/{project}/complete-handover", sign_off)
    assert answer.status_code == 200, answer.text
    same_fields(answer.json(), {"project_id": "", "status": "", "completed_at": "", "warnings": []})
    assert answer.json()["status"] == "handed_over"

    answer = await owner.call("GET", "/api/v1/site-owner/projects")
    assert [item["status"] for item in answer.json()["items"]] == ["handed_over"]
