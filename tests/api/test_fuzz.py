"""Requests that schemathesis makes from the OpenAPI document: no 5xx, nothing undocumented."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from docs.generate.routes import openapi
from tests.api.callers import GUIDE_CHARGE_POINT, PASSWORD, V1
from tests.api.served import served_api
from tests.support.plain import PLAIN

# They end the session; no OCPP server is alive here, so that a 503 is right; a stream does not end.
_LEFT_OUT = r"(.*/logout|/health/ready|/health/system|.*/events)"

SCHEMA = schemathesis.openapi.from_dict(deepcopy(openapi())).exclude(path_regex=_LEFT_OUT)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where to send requests, and ids that are ours."""

    url: str
    token: str
    ids: dict[str, str]


@pytest.fixture(scope="module")
def target(temporal_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    with served_api(temporal_address, f"test-{uuid4().hex}", folder) as served:
        with httpx.Client(
            verify=PLAIN, base_url=f"{served.url}{V1}/installer", trust_env=False
        ) as http:
            account = {"name": "Acme", "email": "installer@acme.com", "password": PASSWORD}
            http.post("/signup", json=account)
            del account["name"]
            token = http.post("/login", json=account).json()["token"]
            http.headers["Authorization"] = f"Bearer {token}"
            project = http.post(
                "/projects",
                json={"name": "x", "address": "x", "site_owner_email": "owner@acme.com"},
            ).json()["id"]
            charge_point = http.post(
                "/charge-points", json=GUIDE_CHARGE_POINT | {"project_id": project}
            ).json()["id"]
            run = http.post(f"/commissioning/{charge_point}/start", json={}).json()
        yield Target(
            url=served.url,
            token=token,
            ids={
                "project_id": project,
                "charge_point_id": charge_point,
                "commissioning_id": run["commissioning_id"],
            },
        )


@SCHEMA.parametrize()
@settings(
    max_examples=3,  # beside the examples of the document
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_any_request(case: schemathesis.Case[Any], target: Target) -> None:
    # With ids of nobody every answer is the same 404 (test_tenancy looks at that).
    case.path_parameters.update(
        {name: target.ids[name] for name in case.path_parameters if name in target.ids}
    )
    case.call_and_validate(
        base_url=target.url,
        headers={"Authorization": f"Bearer {target.token}"},
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )
