"""Tariffs, records and statements, as the owner of a site and its installer meet them."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col

from api.deps import now
from domain.billing.messages import BillTransaction
from domain.states import ProjectStatus
from storage.bill_transaction import StoredBilling
from storage.billing_activation import BillingActivation
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.fact_records import MeterEntry, MeterValues, TransactionStart, TransactionStop
from storage.models.billing import Tariff
from storage.projects import Projects
from storage.statements import Months
from storage.store_facts import store_facts
from tests.api.callers import V1, Caller, fields, problem
from tests.api.conftest import Own
from tests.documents.reading import texts

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LONDON = ZoneInfo("Europe/London")


def tariff(price: str = "0.30", **changes: Any) -> dict[str, Any]:
    component = {"type": "ENERGY", "price": price, "vat": "20"}
    return {"currency": "GBP", "elements": [{"price_components": [component]}]} | changes


@dataclass
class Site:
    """A project with its two sides."""

    owner: Caller
    installer: Caller
    database: Database
    project: str
    charge_point: str

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """As the owner."""
        url = f"{V1}/site-owner/projects/{self.project}{path}"
        return await self.owner.call(method, url, body)

    async def ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.call(method, path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def default(self, method: str, body: Any = None) -> httpx.Response:
        """As the installer."""
        url = f"{V1}/installer/projects/{self.project}/default-tariff"
        return await self.installer.call(method, url, body)

    async def activate(self) -> None:
        async with self.database.write() as connection:
            await BillingActivation(connection, self.project).activate(at=now() - timedelta(days=1))

    async def session(
        self,
        *,
        id_tag: str = "04A2B3C4",
        late_wh: int | None = None,
        meter_stop: int = 10_000,
    ) -> None:
        """Ten kWh in two hours that end now; ``late_wh``: a reading in the middle that is late."""
        stopped = now().replace(microsecond=0)
        started = stopped - timedelta(hours=2)
        start = TransactionStart(
            charge_point_id=self.charge_point,
            connector_id=1,
            id_tag=id_tag,
            started_at=started,
            meter_start=0,
            received_at=started,
        )
        await self._store(start)
        await self._store(
            TransactionStop(
                charge_point_id=self.charge_point,
                transaction_id=start.transaction_id,
                stopped_at=stopped,
                meter_stop=meter_stop,
                reason=None,
                received_at=stopped,
                entries=[],
            )
        )
        billing = StoredBilling(self.database, load_catalogue(), now=now)
        due = BillTransaction(
            charge_point_id=self.charge_point, transaction_id=start.transaction_id
        )
        await billing.bill(due)
        if late_wh is None:
            return
        middle = MeterEntry(at=started + timedelta(hours=1), samples=[{"value": str(late_wh)}])
        await self._store(
            MeterValues(
                charge_point_id=self.charge_point,
                connector_id=1,
                received_at=stopped,
                transaction_id=start.transaction_id,
                number=start.number,
                entries=[middle],
                late={start.number},
            )
        )
        await billing.bill(due)

    async def _store(self, record: TransactionStart | TransactionStop | MeterValues) -> None:
        async with self.database.write() as connection:
            await store_facts(connection, [record])


@pytest.fixture
async def site(installer: Caller, owner: Own, database: Database) -> Site:
    project = await installer.project(time_zone="Europe/London")
    return Site(
        owner=await owner("facilities@riversidebp.com", project),
        installer=installer,
        database=database,
        project=project,
        charge_point=await installer.charge_point(project),
    )


class TestTariffs:
    async def test_the_owners_follows_the_installers(self, site: Site) -> None:
        problem(await site.call("GET", "/tariff"), 404, "tariff_not_found")
        default = (await site.default("PUT", tariff("0.25"))).json()
        assert default["set_as"] == "installer"
        assert await site.ok("GET", "/tariff") == default
        own = await site.ok("PUT", "/tariff", tariff("0.30"))
        assert own["set_as"] == "site_owner"
        assert own["elements"][0]["price_components"][0]["price"] == "0.30"
        assert await site.ok("GET", "/tariff") == own
        assert (await site.default("GET")).json() == own
        problem(await site.default("PUT", tariff("0.20")), 409, "tariff_set_by_owner")
        assert (await site.ok("GET", "/tariffs"))["items"] == [own, default]
        page = await site.ok("GET", "/tariffs?limit=1")
        rest = await site.ok("GET", f"/tariffs?limit=1&cursor={page['next_cursor']}")
        assert rest["items"] == [default]

    async def test_one_that_is_to_come(self, site: Site) -> None:
        present = await site.ok("PUT", "/tariff", tariff("0.30"))
        later = (datetime.now(UTC) + timedelta(days=7)).isoformat()
        future = await site.ok("PUT", "/tariff", tariff("0.40", valid_from=later))
        assert await site.ok("GET", "/tariff") == present
        assert [each["id"] for each in (await site.ok("GET", "/tariffs"))["items"]] == [
            future["id"],
            present["id"],
        ]

    @pytest.mark.parametrize(
        ("change", "field", "says"),
        [
            ({"currency": "gbp"}, "currency", "in capitals, such as GBP"),
            ({"valid_from": "2020-01-01T00:00:00Z"}, "valid_from", "must not lie in the past"),
            ({"elements": []}, "elements", "must not be empty"),
            (
                {"max_price": {"excl_vat": "9"}},
                "max_price",
                "A highest price is not supported: use",
            ),
            (
                {"elements": [{"price_components": [{"type": "ENERGY", "price": "-1"}]}]},
                "elements.0.price_components.0.price",
                "must be at least 0",
            ),
            (
                {
                    "elements": [
                        {
                            "price_components": [{"type": "TIME", "price": 1}],
                            "restrictions": {"max_power": 11},
                        }
                    ]
                },
                "elements.0.restrictions.max_power",
                "Prices by power are not supported: use",
            ),
        ],
    )
    async def test_a_bad_one_is_told_what_to_do(
        self, site: Site, change: dict[str, Any], field: str, says: str
    ) -> None:
        document = problem(
            await site.call("PUT", "/tariff", tariff(**change)), 422, "invalid_input"
        )
        assert fields(document) == {field}
        assert says in document["detail"]

    async def test_the_currency_stays_once_it_is_billed_in(self, site: Site) -> None:
        await site.ok("PUT", "/tariff", tariff())
        await site.ok("PUT", "/tariff", tariff(currency="EUR"))
        await site.activate()
        document = problem(await site.call("PUT", "/tariff", tariff()), 409, "currency_fixed")
        assert "EUR" in document["detail"]
        await site.ok("PUT", "/tariff", tariff(currency="EUR"))


async def test_how_billing_stands(site: Site) -> None:
    assert await site.ok("GET", "/billing") == {
        "active_since": None,
        "paused_at": None,
        "time_zone": "Europe/London",
        "held_records": 0,
        "issuer": {"name": "Riverside Facilities", "address": None, "vat_number": None},
    }
    await site.ok("PUT", "/tariff", tariff())
    await site.activate()
    async with site.database.write() as connection:
        await Projects(connection).change(site.project, {"status": ProjectStatus.HANDED_OVER})
    assert (await site.ok("GET", "/billing"))["paused_at"] is None
    await site.ok("PUT", "/features/billing", {"paused": True})
    paused = await site.ok("GET", "/billing")
    assert paused["active_since"] is not None
    assert paused["paused_at"] is not None


@pytest.fixture
async def billed(site: Site) -> Site:
    """Three sessions; the second one was corrected, the third has an id tag that is a formula."""
    hour = timedelta(hours=1)
    await site.ok("PUT", "/tariff", tariff("0.30"))
    later = tariff("0.90")
    await site.ok("PUT", "/tariff", later | {"valid_from": (now() + hour).isoformat()})
    async with site.database.write() as connection:  # the past cannot be priced by the API
        rows = [
            row.id
            for row in await connection.execute(Tariff.__table__.select().order_by(col(Tariff.id)))
        ]
        for row, age in zip(rows, (24 * hour, hour), strict=True):
            await connection.execute(
                update(Tariff).where(col(Tariff.id) == row).values(valid_from=now() - age)
            )
    await site.activate()
    await site.session()
    await site.session(id_tag="04FFFF", late_wh=9000)
    await site.session(id_tag="=1+1")
    return site


def this_month() -> str:
    return now().astimezone(LONDON).strftime("%Y-%m")


async def test_records_are_listed_newest_first(billed: Site) -> None:
    listed = (await billed.ok("GET", "/cdrs"))["items"]
    assert [cdr["cdr_token"]["uid"] for cdr in listed] == ["=1+1", *3 * ["04FFFF"], "04A2B3C4"]
    assert [cdr["credit"] for cdr in listed] == [False, False, True, False, False]
    _, corrected, credit, wrong, first = listed
    assert credit["credit_reference_id"] == wrong["id"]
    assert float(first["total_cost"]["excl_vat"]) == pytest.approx(6, abs=0.01)
    assert float(corrected["total_cost"]["excl_vat"]) == pytest.approx(3.6, abs=0.01)
    assert float(credit["total_cost"]["incl_vat"]) == -float(wrong["total_cost"]["incl_vat"])
    assert (await billed.ok("GET", f"/cdrs?month={this_month()}"))["items"] == listed
    assert (await billed.ok("GET", "/cdrs?month=2020-01"))["items"] == []
    seen, cursor = [], ""
    for _ in range(5):
        page = await billed.ok("GET", f"/cdrs?limit=1{cursor}")
        seen += page["items"]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == listed
    problem(await billed.call("GET", "/cdrs?month=2026-13"), 422, "invalid_input")
    problem(await billed.call("GET", "/cdrs?cursor=AAAA"), 422, "invalid_cursor")


async def test_a_statement_for_a_spreadsheet(billed: Site) -> None:
    answer = await billed.call("GET", f"/statements/{this_month()}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert f"statement-{this_month()}.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [bool(row["credit_reference_id"]) for row in rows] == [False, False, True, False, False]
    assert sum(float(row["total_energy_kwh"]) for row in rows) == pytest.approx(30)
    total = sum(float(row["total_cost_excl_vat"]) for row in rows)
    assert total == pytest.approx(6 + 3.6 + 6, abs=0.03)
    assert rows[-1]["id_tag"] == "'=1+1"  # no spreadsheet computes what a charge point sent
    offset = now().astimezone(LONDON).isoformat()[-6:]
    assert rows[0]["issued_at"].endswith(offset)


async def test_a_statement_to_keep(billed: Site) -> None:
    answer = await billed.call("GET", f"/statements/{this_month()}?format=pdf")
    assert answer.headers["content-type"] == "application/pdf"
    (page,) = texts(answer.content)
    for words in (
        "Riverside Business Park",
        "3 sessions, 30.000 kWh",
        "VAT 20 %",
        "So far: the month is not over.",
        "Credit of cdr_",
        "=1+1",
    ):
        assert words in page


@pytest.mark.parametrize("as_format", ["csv", "pdf"])
async def test_an_empty_month_has_an_empty_statement(site: Site, as_format: str) -> None:
    answer = await site.call("GET", f"/statements/2026-01?format={as_format}")
    assert answer.status_code == 200
    if as_format == "csv":
        assert len(answer.text.splitlines()) == 1
    else:
        (page,) = texts(answer.content)
        assert "Nothing was billed in this month." in page
        assert "The month is over." in page
    async with site.database.read() as connection:
        assert (await Months(connection, site.project).open_at(now()))[1]  # it is closed for good


async def test_what_is_no_month(site: Site) -> None:
    for month in ("2026-00", "26-01", "0000-01", "2026-1", "x"):
        problem(await site.call("GET", f"/statements/{month}"), 422, "invalid_input")
    problem(await site.call("GET", "/statements/2026-01?format=xls"), 422, "invalid_input")


class TestTimeZone:
    async def test_it_is_that_of_the_settings_or_ones_own(self, installer: Caller) -> None:
        async def zone_of(project: str) -> str:
            return str((await installer.get(f"/projects/{project}")).json()["time_zone"])

        assert await zone_of(await installer.project()) == "UTC"
        project = await installer.project(time_zone="Europe/Paris")
        assert await zone_of(project) == "Europe/Paris"
        answer = await installer.patch(f"/projects/{project}", {"time_zone": "Asia/Kathmandu"})
        assert answer.json()["time_zone"] == "Asia/Kathmandu"

    async def test_the_owner_puts_it_right(self, site: Site) -> None:
        """Also after the handover, when the installer cannot any more."""
        body = {"time_zone": "America/New_York"}  # where each month is over later
        assert (await site.ok("PUT", "/billing/time-zone", body))["time_zone"] == body["time_zone"]
        assert (await site.ok("GET", "/billing"))["time_zone"] == body["time_zone"]
        async with site.database.read() as connection:  # what was over in London stays over
            opened, is_kept = await Months(connection, site.project).open_at(now())
        assert is_kept
        assert opened >= this_month()
        unknown = await site.call("PUT", "/billing/time-zone", {"time_zone": "Paris"})
        assert fields(problem(unknown, 422, "invalid_input")) == {"time_zone"}

    @pytest.mark.parametrize("zone", ["Bristol", "", "../etc/passwd", "europe/london", "x" * 99])
    async def test_one_that_is_unknown_is_refused(self, installer: Caller, zone: str) -> None:
        project = await installer.project()
        answer = await installer.patch(f"/projects/{project}", {"time_zone": zone})
        assert fields(problem(answer, 422, "invalid_input")) == {"time_zone"}
