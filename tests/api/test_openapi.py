"""The API's documentation is complete, and needs no internet."""

import re
from typing import Any

import pytest
from fastapi import FastAPI

from tests.api.callers import V1, Caller

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

GUIDE = {
    f"{V1}/installer/signup",
    f"{V1}/installer/login",
    f"{V1}/installer/projects",
    f"{V1}/installer/charge-points",
    f"{V1}/installer/charge-points/{{charge_point_id}}/config/template",
    f"{V1}/installer/charge-points/{{charge_point_id}}/config/customize",
    f"{V1}/installer/charge-points/{{charge_point_id}}/test-connection",
    f"{V1}/installer/commissioning/{{charge_point_id}}/start",
    f"{V1}/installer/commissioning/{{charge_point_id}}/status",
    f"{V1}/installer/projects/{{project_id}}/invite-site-owner",
    f"{V1}/installer/projects/{{project_id}}/complete-handover",
}
PUBLIC = {
    "signUpInstaller",
    "logInInstaller",
    "logInSiteOwner",
    "askForPasswordResetInstaller",
    "askForPasswordResetSiteOwner",
    "resetPasswordInstaller",
    "resetPasswordSiteOwner",
    "verifyEmail",
    "getCertificateKeys",
    "acceptInvitation",
    "declineInvitation",
    "acceptInvitationToWork",
    "declineInvitationToWork",
    "getLiveness",
    "getReadiness",
    "getSystemHealth",
}


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_every_operation_is_described(app: FastAPI) -> None:
    document = app.openapi()
    assert set(document["paths"]) >= GUIDE
    tags = {tag["name"] for tag in document["tags"]}
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["tags"]) <= tags, name


async def test_every_error_is_a_problem(app: FastAPI) -> None:
    for name, operation in operations(app.openapi()):
        for status, response in operation["responses"].items():
            if int(status) < 400 or name.endswith(("/health/ready", "/health/system")):
                continue
            assert list(response["content"]) == ["application/problem+json"], (name, status)
            schema = response["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}, (name, status)
            assert response["description"], (name, status)


async def test_errors_fit_what_an_operation_takes(app: FastAPI) -> None:
    for name, operation in operations(app.openapi()):
        documented = set(operation["responses"])
        if operation.get("security"):
            assert documented >= {"401", "403", "503"}, name
        if "{" in name:
            assert "404" in documented, name
        if "requestBody" in operation:
            json = "application/json" in operation["requestBody"]["content"]
            assert documented >= {"413", "415", "422"} | ({"400"} if json else set()), name
        if "429" in documented:
            headers = set(operation["responses"]["429"]["headers"])
            assert headers >= {"Retry-After", "RateLimit", "RateLimit-Remaining"}, name


async def test_operation_ids_are_the_declared_ones_and_readable(app: FastAPI) -> None:
    for name, operation in operations(app.openapi()):
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", operation["operationId"]), name


async def test_every_operation_says_who_may_call_it(app: FastAPI) -> None:
    public = {
        operation["operationId"]
        for name, operation in operations(app.openapi())
        if operation["security"] == []
    }
    assert public == PUBLIC
    for name, operation in operations(app.openapi()):
        assert operation["security"] in ([], [{"bearer": []}]), name
        if operation["operationId"] not in PUBLIC:
            assert "401" in operation["responses"], name


async def test_the_servers(app: FastAPI, anonymous: Caller) -> None:
    public = {"url": "https://api.example.com", "description": "As others reach it"}
    assert app.openapi()["servers"] == [public]
    asked = await anonymous.call("GET", "/openapi.json", headers={"Host": "api.example.com"})
    assert asked.json()["servers"] == [public]
    # A page that was loaded elsewhere may not call the public address: it is another origin.
    asked = await anonymous.call("GET", "/openapi.json")
    assert [server["url"] for server in asked.json()["servers"]] == ["/", public["url"]]


async def test_the_docs_load_nothing_from_elsewhere(anonymous: Caller) -> None:
    page = await anonymous.call("GET", "/docs")
    assert page.status_code == 200
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(assets) == 3
    assert "//" not in page.text.replace("window.location.protocol + '//'", "").split("<script>")[0]
    for asset in assets:
        assert asset.startswith("/docs/assets/")
        answer = await anonymous.call("GET", asset)
        assert answer.status_code == 200, asset
        assert len(answer.content) > 500
    assert (await anonymous.call("GET", "/openapi.json")).status_code == 200
