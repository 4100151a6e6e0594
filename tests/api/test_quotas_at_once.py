"""Requests that come at once have one quota, and not one each."""

import asyncio
from collections import Counter

import pytest

from domain.accounts import QUOTAS, Counted
from tests.api.callers import Caller

pytestmark = pytest.mark.usefixtures("engine")
FEW = {Counted.PROJECTS: 3, Counted.CHARGE_POINTS: 10, Counted.PHOTOS: 1}


async def test_of_several_at_once_only_those_that_fit(
    installer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(QUOTAS, "off", FEW)
    body = {"name": "R", "address": "12 Riverside Way", "site_owner_email": "f@r.example"}
    made = await asyncio.gather(*(installer.post("/projects", body) for _ in range(8)))
    assert Counter(one.status_code for one in made) == {201: 3, 403: 5}
    rows = "".join(f"SN-{number},M,V\n" for number in range(6))
    imported = await asyncio.gather(
        *(
            installer.post(
                f"/projects/{one.json()['id']}/charge-points/import",
                content=f"serial_number,model,vendor\n{rows}".encode(),
                headers={"Content-Type": "text/csv"},
            )
            for one in made
            if one.status_code == 201
        )
    )
    assert Counter(one.status_code for one in imported) == {201: 1, 403: 2}
