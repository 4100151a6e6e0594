"""Limits count by the address of the caller, and not by that of the proxy in front."""

from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from api.security import throttling
from domain.proxies import read_networks
from tests.api.callers import V1, Caller

PROXY = "10.0.0.5"


async def status_of_login(app: FastAPI, *, peer: str, told: str) -> int:
    """Try a password from somewhere; returns the status."""
    transport = httpx.ASGITransport(app=app, client=(peer, 41234))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as http:
        answer = await Caller(http=http).call(
            "POST",
            f"{V1}/installer/login",
            {"email": f"{told.replace(':', '-')}@acme.com", "password": "wrong"},
            headers={"X-Forwarded-For": told},
        )
    return answer.status_code


@pytest.fixture(autouse=True)
def _settings(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = app.state.parts
    settings = parts.settings.model_copy(update={"trusted_proxies": read_networks(PROXY)})
    object.__setattr__(parts, "settings", settings)
    few = replace(throttling.LOGIN_ADDRESS, attempts=1)
    for module in ("api.accounts.service", "api.security.throttling"):
        monkeypatch.setattr(f"{module}.LOGIN_ADDRESS", few, raising=False)


@pytest.mark.usefixtures("anonymous")
async def test_who_calls_through_a_trusted_proxy_is_counted_by_himself(app: FastAPI) -> None:
    assert await status_of_login(app, peer=PROXY, told="203.0.113.1") == 401
    assert await status_of_login(app, peer=PROXY, told="203.0.113.1") == 429
    assert await status_of_login(app, peer=PROXY, told="203.0.113.2") == 401
    # Whoever has one address of IPv6 has all those beside it.
    assert await status_of_login(app, peer=PROXY, told="2001:db8::1") == 401
    assert await status_of_login(app, peer=PROXY, told="2001:db8::2") == 429


@pytest.mark.usefixtures("anonymous")
async def test_nobody_else_chooses_his_address(app: FastAPI) -> None:
    stranger = "203.0.113.66"
    assert await status_of_login(app, peer=stranger, told="203.0.113.1") == 401
    assert await status_of_login(app, peer=stranger, told="203.0.113.2") == 429
