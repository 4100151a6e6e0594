"""Statements of a month with corrections, at several VAT rates, over several pages."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

from documents.statement import statement_csv, statement_pdf
from domain.billing.cdr import Cdr, CdrLocation, Subject, make_cdr
from domain.billing.statement import Statement
from tests.documents.reading import texts
from tests.domain.billing.sessions import bill, component, element, session, utc, version

LOCATION = CdrLocation(
    id="prj_1",
    name="Riverside",
    address="Bristol",
    charge_point_id="cp_1",
    charge_point="SN-1",
    connector_id=1,
    time_zone="Europe/London",
)
TARIFF = version(
    element(
        component("FLAT", "0.50"),
        component("ENERGY", "0.333", vat="20"),
        component("TIME", "0.10", vat="7.7"),
    )
)


def cdr(number: int) -> Cdr:
    """A session of two hours and 1.1 kWh."""
    charged = bill(session("2026-05-04T09:00", "2026-05-04T11:00", total=1.1), TARIFF)
    subject = Subject(session_id=str(number), id_tag="04A2B3C4", location=LOCATION)
    at = utc("2026-05-04T11:00") + timedelta(minutes=number)
    return make_cdr(f"cdr_{number}", subject, charged, [TARIFF], currency="GBP", at=at)


def statement(*cdrs: Cdr) -> Statement:
    return Statement(
        project_id="prj_1",
        project="Riverside",
        address="Bristol",
        time_zone="Europe/London",
        month="2026-05",
        complete=True,
        at=utc("2026-06-01T08:00"),
        cdrs=cdrs,
    )


def test_sums_are_those_of_the_records_and_a_credit_takes_its_record_back() -> None:
    wrong = cdr(1)
    of_month = statement(wrong, wrong.taken_back(at=wrong.last_updated), cdr(2), cdr(3))
    # 1.1 x 0.333 = 0.3663, and with 20 % of VAT 0.43956; 2 x 0.10 = 0.20, and with 7.7 % 0.2154
    assert [(vat, money.excl_vat, money.incl_vat) for vat, money in of_month.by_vat()] == [
        (None, Decimal("1.00"), Decimal("1.00")),
        (Decimal("7.7"), Decimal("0.40"), Decimal("0.44")),
        (Decimal(20), Decimal("0.74"), Decimal("0.88")),
    ]
    assert (of_month.cost.excl_vat, of_month.cost.incl_vat) == (Decimal("2.14"), Decimal("2.32"))
    assert (of_month.sessions, of_month.energy_kwh) == (2, Decimal("2.2"))
    rows = list(csv.DictReader(io.StringIO(statement_csv(of_month))))
    for column, total in (
        ("total_cost_excl_vat", "2.14"),
        ("total_cost_incl_vat", "2.32"),
        ("total_energy_kwh", "2.2"),
        ("total_time_hours", "4"),
    ):
        assert sum(Decimal(row[column]) for row in rows) == Decimal(total)
    assert rows[0]["start_date_time"] == "2026-05-04T10:00:00+01:00"


def test_a_busy_month_has_several_pages() -> None:
    of_month = statement(*(cdr(number) for number in range(100)))
    pages = texts(statement_pdf(of_month))
    assert len(pages) == 3
    assert all("Without VAT" in page and "Statement 2026-05" in page for page in pages)
    assert "100 sessions, 110.000 kWh" in pages[0]
    assert sum(page.count("04A2B3C4") for page in pages) == 100


def test_the_same_statement_is_the_same_file() -> None:
    of_month = statement(cdr(1))
    assert statement_pdf(of_month) == statement_pdf(of_month)
