"""Who calls the API in a test, and what they usually do first."""

import re
from dataclasses import dataclass
from typing import Any

import httpx

PASSWORD = "s3cur3P@ssword!"
V1 = "/api/v1"
GUIDE_CHARGE_POINT = {
    "serial_number": "CP-SN-00483921",
    "model": "ABB Terra AC W22",
    "vendor": "ABB",
    "ocpp_version": "1.6",
    "location": {
        "latitude": 51.4545,
        "longitude": -2.5879,
        "address": "Bay 3, Car Park A, Riverside Business Park",
    },
}


@dataclass(kw_only=True)
class Caller:
    """Somebody with, or without, a token."""

    http: httpx.AsyncClient
    token: str | None = None
    email: str = ""

    async def call(
        self, method: str, path: str, json: Any = None, **options: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= options.pop("headers", {})
        if json is not None:
            options["json"] = json
        return await self.http.request(method, path, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("GET", f"{V1}/installer{path}", **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.call("POST", f"{V1}/installer{path}", json, **options)

    async def patch(self, path: str, json: Any) -> httpx.Response:
        return await self.call("PATCH", f"{V1}/installer{path}", json)

    async def put(self, path: str, json: Any = None) -> httpx.Response:
        return await self.call("PUT", f"{V1}/installer{path}", json)

    async def delete(self, path: str) -> httpx.Response:
        return await self.call("DELETE", f"{V1}/installer{path}")

    async def project(self, **changes: Any) -> str:
        """Create a project; returns its id."""
        answer = await self.post(
            "/projects",
            {
                "name": "Riverside Business Park",
                "address": "12 Riverside Way, Bristol, BS1 4AA",
                "site_owner_email": "facilities@riversidebp.com",
            }
            | changes,
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def charge_point(self, project_id: str | None = None, **changes: Any) -> str:
        """Register the guide's charge point; returns its id."""
        project_id = project_id or await self.project()
        answer = await self.post(
            "/charge-points", GUIDE_CHARGE_POINT | {"project_id": project_id} | changes
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that the answer is that problem, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["code"] == code, document
    assert document["type"] == f"urn:dynamo:problem:{code}"
    assert document["status"] == status
    assert document["detail"]
    assert not re.search(r"\{\w+\}", answer.text), "a call is made out to its id"
    assert document["request_id"] == answer.headers["x-request-id"]
    if status == 429:
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["ratelimit-remaining"] == "0"
    return document


def told(answer: httpx.Response, *own: str) -> tuple[int, str, dict[str, str]]:
    """What an answer tells, but for what is each request's own, such as an address and an id."""
    text = answer.text
    for word in own:
        text = text.replace(word, "…")
    left = {"ratelimit", "ratelimit-remaining", "ratelimit-reset"}  # by each request, one less
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in left | {"x-request-id", "content-length"}
    }
    return answer.status_code, text, headers


def fields(document: dict[str, Any]) -> set[str]:
    """Names of the wrong fields."""
    return {error["field"] for error in document["errors"]}
