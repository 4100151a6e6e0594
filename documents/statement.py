"""A month's statement of a project: as rows for a spreadsheet, and as pages to keep."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from documents.paper import WIDTH, Colour, Imprint, Paper
from documents.text import clean
from domain.billing.cdr import Cdr
from domain.billing.statement import Statement, signed

_HEADER: Final = (
    "cdr_id",
    "credit_reference_id",
    "issued_at",
    "start_date_time",
    "end_date_time",
    "session_id",
    "charge_point",
    "connector_id",
    "id_tag",
    "total_energy_kwh",
    "total_time_hours",
    "total_parking_time_hours",
    "currency",
    "fixed_cost_excl_vat",
    "energy_cost_excl_vat",
    "time_cost_excl_vat",
    "parking_cost_excl_vat",
    "total_cost_excl_vat",
    "vat",
    "total_cost_incl_vat",
    "remark",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

_COLUMNS: Final = (
    ("Start", 29.0, "L"),
    ("Charge point", 37.0, "L"),
    ("No.", 9.0, "L"),
    ("Id tag", 34.0, "L"),
    ("kWh", 17.0, "R"),
    ("Without VAT", 19.0, "R"),
    ("VAT", 16.0, "R"),
    ("Total", 19.0, "R"),
)
_LINE: Final = 4.6
_GAP: Final = 1.5


def statement_csv(statement: Statement) -> str:
    """Write a row for each record; times are those of the site, with their offset.

    Volumes and amounts of credits are negative, so that columns may be added up.
    """
    zone = ZoneInfo(statement.time_zone)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(_HEADER)
    for cdr in statement.cdrs:
        rows.writerow(_row(cdr, zone))
    return text.getvalue()


def _row(cdr: Cdr, zone: ZoneInfo) -> Sequence[object]:
    vat = cdr.total_cost.incl_vat - cdr.total_cost.excl_vat
    return (
        cdr.id,
        cdr.credit_reference_id or "",
        *(
            moment.astimezone(zone).isoformat(timespec="seconds")
            for moment in (cdr.last_updated, cdr.start_date_time, cdr.end_date_time)
        ),
        cdr.session_id,
        _harmless(cdr.cdr_location.charge_point),
        cdr.cdr_location.connector_id,
        _harmless(cdr.cdr_token.uid),
        *(
            f"{signed(cdr, volume):f}"
            for volume in (cdr.total_energy, cdr.total_time, cdr.total_parking_time)
        ),
        cdr.currency,
        *(
            f"{cost.excl_vat:f}"
            for cost in (
                cdr.total_fixed_cost,
                cdr.total_energy_cost,
                cdr.total_time_cost,
                cdr.total_parking_cost,
                cdr.total_cost,
            )
        ),
        f"{vat:f}",
        f"{cdr.total_cost.incl_vat:f}",
        cdr.remark or "",
    )


def _harmless(text: str) -> str:
    """A charge point may send what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def statement_pdf(statement: Statement) -> bytes:
    """Draw the statement up."""
    paper = Paper(
        Imprint(
            title=f"Statement {statement.month}, {statement.project}",
            subject="Charge detail records of a month",
            foot=f"Statement {statement.month} · {statement.project}",
            below=f"{statement.project_id} · no invoice: a list of what was billed",
            at=statement.at,
        )
    )
    paper.add_page()
    _head(paper, statement)
    _sums(paper, statement)
    _table(paper, statement)
    return bytes(paper.output())


def _head(paper: Paper, statement: Statement) -> None:
    paper.ink(20, bold=True)
    paper.line_of(f"Statement {statement.month}", height=9)
    paper.ink(11)
    paper.line_of(statement.project, height=5.5)
    paper.ink(9, colour=Colour.MUTED)
    paper.line_of(statement.address)
    local = statement.at.astimezone(ZoneInfo(statement.time_zone))
    state = "The month is over." if statement.complete else "So far: the month is not over."
    paper.line_of(f"Drawn up {local:%Y-%m-%d %H:%M}, time of {statement.time_zone}. {state}")
    paper.ln(4)


def _sums(paper: Paper, statement: Statement) -> None:
    paper.ink(10)
    sessions = "1 session" if statement.sessions == 1 else f"{statement.sessions} sessions"
    paper.line_of(f"{sessions}, {statement.energy_kwh:,.3f} kWh", height=5.5)
    for vat, money in statement.by_vat():
        rate = "No VAT" if vat is None else f"VAT {vat.normalize():f} %"
        _sum(paper, rate, money.excl_vat, money.incl_vat)
    paper.ink(10, bold=True)
    _sum(paper, f"Total {statement.currency}", statement.cost.excl_vat, statement.cost.incl_vat)
    paper.ln(5)


def _sum(paper: Paper, name: str, excl_vat: Decimal, incl_vat: Decimal) -> None:
    amounts = (excl_vat, incl_vat - excl_vat, incl_vat)
    widths = [width for _, width, _ in _COLUMNS[-len(amounts) :]]  # above those of the table
    paper.cell(WIDTH - sum(widths), 5.5, name)
    for amount, width in zip(amounts, widths, strict=True):
        paper.cell(width, 5.5, f"{amount:,f}", align="R")
    paper.ln(5.5)


def _table(paper: Paper, statement: Statement) -> None:
    _table_head(paper)
    if not statement.cdrs:
        paper.ink(9, colour=Colour.MUTED)
        paper.line_of("Nothing was billed in this month.", height=6)
    zone = ZoneInfo(statement.time_zone)
    for cdr in statement.cdrs:
        if paper.room < 2 * _LINE:
            paper.add_page()
            _table_head(paper)
        _table_row(paper, cdr, zone)


def _table_head(paper: Paper) -> None:
    paper.ink(8, bold=True, colour=Colour.MUTED)
    for name, width, align in _COLUMNS:
        paper.cell(width, _LINE, name, align=align)
    paper.ln(_LINE + 0.6)
    paper.rule()
    paper.ln(0.6)


def _table_row(paper: Paper, cdr: Cdr, zone: ZoneInfo) -> None:
    excl_vat, incl_vat = cdr.total_cost.excl_vat, cdr.total_cost.incl_vat
    cells = (
        f"{cdr.start_date_time.astimezone(zone):%Y-%m-%d %H:%M}",
        cdr.cdr_location.charge_point,
        f"{cdr.cdr_location.connector_id}",
        cdr.cdr_token.uid,
        f"{signed(cdr, cdr.total_energy):,.3f}",
        f"{excl_vat:,f}",
        f"{incl_vat - excl_vat:,f}",
        f"{incl_vat:,f}",
    )
    paper.ink(8, colour=Colour.BAD if cdr.credit else Colour.INK)
    for text, (_, width, align) in zip(cells, _COLUMNS, strict=True):
        paper.cell(width, _LINE, paper.fitted(clean(text), width - _GAP), align=align)
    paper.ln(_LINE)
    notes = [f"Credit of {cdr.credit_reference_id}"] if cdr.credit else []
    if cdr.remark:
        notes.append(cdr.remark)
    if notes:
        paper.ink(7, colour=Colour.MUTED)
        paper.cell(_COLUMNS[0][1], 3.6, "")
        paper.cell(0, 3.6, paper.fitted(clean(". ".join(notes)), WIDTH - _COLUMNS[0][1]))
        paper.ln(4)
