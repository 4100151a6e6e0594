"""Held records, as the owner of a site meets them."""

from typing import Any

import pytest

from storage.engine import Database
from tests.api.callers import V1, Caller, fields, problem
from tests.api.conftest import Own
from tests.api.test_audit import trail
from tests.api.test_billing import Site, tariff
from tests.support.holding import held_record

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ABSURD = 2**61


@pytest.fixture
async def site(installer: Caller, owner: Own, database: Database) -> Site:
    """It bills, and one session's stop is no reading of any meter."""
    project = await installer.project(time_zone="Europe/London")
    made = Site(
        owner=await owner("facilities@riversidebp.com", project),
        installer=installer,
        database=database,
        project=project,
        charge_point=await installer.charge_point(project),
    )
    await made.ok("PUT", "/tariff", tariff())
    await made.activate()
    await made.session(meter_stop=ABSURD)
    return made


async def only(site: Site, query: str = "") -> Any:
    (held,) = (await site.ok("GET", f"/held-records{query}"))["items"]
    return held


class TestListHeldRecords:
    async def test_anonymous(self, anonymous: Caller) -> None:
        path = f"{V1}/site-owner/projects/prj_x/held-records"
        problem(await anonymous.call("GET", path), 401, "token_missing")

    async def test_what_the_owner_sees(self, site: Site) -> None:
        held = await only(site, "?state=held&cause=above_bound")
        assert await site.ok("GET", f"/held-records/{held['id']}") == held
        assert held["bound"] == {
            "energy_kwh": "56",
            "minutes": "120",
            "power_kw": "22",
            "power_source": "catalogue",
        }
        assert held["wanted"] == ["energy"]
        assert held["meter_start_kwh"] == "0"
        assert "can have been, in 120.0 minutes at 22 kW" in held["reason"]
        assert held["link"] == "unauthenticated"
        assert (await site.ok("GET", "/billing"))["held_records"] == 1
        for query in ("?state=released", "?cause=clock_wrong"):
            assert (await site.ok("GET", f"/held-records{query}"))["items"] == []
        problem(await site.call("GET", "/held-records?cursor=AAAA"), 422, "invalid_cursor")

    async def test_it_is_among_the_records_and_bills_nothing(self, site: Site) -> None:
        await site.session(id_tag="ANOTHER")
        held = await only(site)
        listed = (await site.ok("GET", "/cdrs"))["items"]
        assert [one["state"] for one in listed] == ["issued", "held"]
        assert listed[1]["id"] == held["id"]
        assert listed[1]["remark"] == f"Held: {held['reason']}"
        assert float(listed[1]["total_cost"]["incl_vat"]) == 0
        first = await site.ok("GET", "/cdrs?limit=1")
        second = await site.ok("GET", f"/cdrs?limit=1&cursor={first['next_cursor']}")
        assert first["items"] + second["items"] == listed
        assert second["next_cursor"] is None
        month = listed[0]["last_updated"][:7]
        issued = (await site.ok("GET", f"/cdrs?month={month}"))["items"]
        assert [one["id"] for one in issued] == [listed[0]["id"]]


class TestReleaseHeldRecord:
    async def test_within_the_bound(self, site: Site) -> None:
        held = await only(site)
        path = f"/held-records/{held['id']}/release"
        for body, field, says in (
            ({}, "energy_kwh", "is needed: say it, from 0 to 56 kWh"),
            ({"energy_kwh": "56.1"}, "energy_kwh", "must be from 0 to 56 kWh"),
            ({"energy_kwh": 1, "minutes": 5}, "minutes", "is not in doubt here"),
        ):
            document = problem(await site.call("POST", path, body), 422, "not_within_bound")
            assert fields(document) == {field}
            assert says in document["detail"]
        problem(await site.call("POST", path, {"energy_kwh": -1}), 422, "invalid_input")
        body = {"energy_kwh": "12.5", "note": "As the driver says."}
        released = await site.ok("POST", path, body)
        assert released["state"] == "released"
        assert released["decided_by"] == "facilities@riversidebp.com"
        (cdr,) = (await site.ok("GET", "/cdrs"))["items"]
        assert released["cdr_ids"] == [cdr["id"]]
        assert (cdr["state"], float(cdr["total_energy"])) == ("issued", 12.5)
        assert cdr["remark"] == "Released by the site owner: As the driver says."
        again = problem(await site.call("POST", path, body), 409, "not_held")
        assert "it was released" in again["detail"]
        drop = f"/held-records/{held['id']}/drop"
        problem(await site.call("POST", drop, {}), 409, "not_held")

    async def test_what_is_not_there(self, site: Site) -> None:
        for name in ("hld_x", "hld_01HX9HELDABCDEFGHJKMNPQRST"):
            path = f"/held-records/{name}"
            problem(await site.call("GET", path), 404, "held_record_not_found")
            body = {"energy_kwh": 1}
            problem(await site.call("POST", f"{path}/release", body), 404, "held_record_not_found")
            problem(await site.call("POST", f"{path}/drop", {}), 404, "held_record_not_found")


async def test_dropping_one(site: Site) -> None:
    held = await only(site)
    path = f"/held-records/{held['id']}/drop"
    dropped = await site.ok("POST", path, {"note": "A test."})
    assert (dropped["state"], dropped["decision"]["note"]) == ("dropped", "A test.")
    assert (await site.ok("GET", "/cdrs"))["items"] == []
    entry = (await trail(site.owner, site.project, "site-owner"))[-1]
    assert (entry["action"], entry["target"]) == ("record.dropped", held["id"])


async def test_all_of_one_cause(site: Site) -> None:
    """Each by what its readings suggest; what they suggest nothing for is left."""
    made = [
        await held_record(site.database, site.project, site.charge_point, number)
        for number in (700, 701)
    ]
    body = {"cause": "above_bound", "note": "A faulty batch."}
    assert (await site.ok("POST", "/held-records/release", body | {"cause": "no_readings"})) == {
        "decided": [],
        "cdr_ids": [],
        "left": [],
        "more": False,
    }
    released = await site.ok("POST", "/held-records/release", body)
    assert released["decided"] == made
    (left,) = released["left"]
    assert "suggest nothing" in left["reason"]
    actions = [entry["action"] for entry in await trail(site.owner, site.project, "site-owner")]
    assert actions[-2:] == ["record.released", "record.released"]
    dropped = await site.ok("POST", "/held-records/drop", body)
    assert dropped["decided"] == [left["id"]]
    assert (await site.ok("GET", "/held-records?state=held"))["items"] == []


async def test_the_issuer(site: Site) -> None:
    body = {"name": "Riverside Ltd", "address": "Bristol", "vat_number": "gb 123456789"}
    shown = await site.ok("PUT", "/billing/issuer", body)
    assert shown == body | {"vat_number": "GB 123456789"}
    assert (await site.ok("GET", "/billing"))["issuer"] == shown
    document = problem(
        await site.call("PUT", "/billing/issuer", body | {"vat_number": "?"}), 422, "invalid_input"
    )
    assert "must be a VAT number of 4 to 20 letters and digits" in document["detail"]
