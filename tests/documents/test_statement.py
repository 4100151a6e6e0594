"""Statements of a month with corrections, at several VAT rates, over several pages."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from documents.statement import statement_pdf
from documents.statement_csv import statement_csv
from domain.billing.cdr import Cdr, CdrLocation, CdrToken, Subject, make_cdr
from domain.billing.statement import HeldTotals, Issuer, Statement
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
        issuer=Issuer(name="Riverside Ltd", address="12 Riverside Way", vat_number="GB123456789"),
        held=HeldTotals(sessions=2, most_kwh=Decimal("14.2")),
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
    for column in (name for name in rows[0] if name.endswith("vat")):
        assert all(row[column][-3] == "." for row in rows), column
    assert rows[0]["start_date_time"] == "2026-05-04T10:00:00+01:00"


def test_its_issuer_its_prices_what_is_held_and_the_totals_by_tag() -> None:
    other = cdr(2).model_copy(update={"cdr_token": CdrToken(uid="CAFE01")})
    of_month = statement(cdr(1), other, cdr(3))
    assert [
        (one.id_tag, one.sessions, one.energy_kwh, one.cost.excl_vat) for one in of_month.by_tag()
    ] == [
        ("04A2B3C4", 2, Decimal("2.2"), Decimal("2.14")),
        ("CAFE01", 1, Decimal("1.1"), Decimal("1.07")),
    ]
    (page,) = texts(statement_pdf(of_month))
    for words in (
        "Issued by Riverside Ltd, 12 Riverside Way, VAT number GB123456789",
        "2 sessions are held, and in no sum: at most 14.200 kWh are in doubt.",
        "A session: GBP 0.50, once, no VAT.",
        "Energy: GBP 0.333 per kWh, plus 20 % VAT.",
        "Charging time: GBP 0.10 per hour, plus 7.7 % VAT.",
        "CAFE01",
    ):
        assert words in page
    alone = replace(of_month, issuer=Issuer(name="Sam"), held=HeldTotals())
    (page,) = texts(statement_pdf(alone))
    assert "Issued by Sam" in page
    assert "VAT number" not in page
    assert "held" not in page


def test_a_busy_month_has_several_pages() -> None:
    of_month = statement(*(cdr(number) for number in range(100)))
    pages = texts(statement_pdf(of_month))
    assert len(pages) == 3
    assert all("Without VAT" in page and "Statement of May 2026" in page for page in pages)
    assert pages[0].count("Without VAT") == 3  # its sums and totals have heads, too
    assert "Total in GBP" in pages[0]
    assert "by the clock at the site: Europe/London" in pages[0]
    assert "100 sessions, 110.000 kWh" in pages[0]
    assert sum(page.count("04A2B3C4") for page in pages) == 101  # and once in the totals


def test_times_stay_those_that_a_record_was_billed_by() -> None:
    """Or a statement that is kept would change with the site's time zone."""
    of_month = statement(cdr(1))
    moved = replace(of_month, time_zone="Pacific/Auckland")
    assert statement_csv(moved) == statement_csv(of_month)
    (page,) = texts(statement_pdf(moved))
    assert "2026-05-04 10:00" in page


def test_a_note_is_told_to_its_end() -> None:
    remark = " ".join(f"word{number}" for number in range(36))
    (page,) = texts(statement_pdf(statement(cdr(1).model_copy(update={"remark": remark}))))
    assert "word0" in page
    assert "word35" in page


def test_the_same_statement_is_the_same_file() -> None:
    of_month = statement(cdr(1))
    assert statement_pdf(of_month) == statement_pdf(of_month)
