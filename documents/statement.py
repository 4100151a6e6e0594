"""A month's statement as pages to keep."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from documents.paper import WIDTH, Colour, Imprint, Paper
from documents.text import clean
from domain.billing.cdr import Cdr
from domain.billing.charging import Money
from domain.billing.statement import Issuer, Statement, signed
from domain.billing.words import in_words

_COLUMNS: Final = (
    ("Start", 27.0, "L"),
    ("Charge point", 35.0, "L"),
    ("Connector", 17.0, "L"),
    ("Id tag", 35.0, "L"),
    ("kWh", 16.0, "R"),
    ("Without VAT", 19.0, "R"),
    ("VAT", 14.0, "R"),
    ("With VAT", 17.0, "R"),
)
_TAG_COLUMNS: Final = (
    ("Id tag", 62.0, "L"),
    ("Sessions", 22.0, "R"),
    ("kWh", 26.0, "R"),
    ("Without VAT", 26.0, "R"),
    ("VAT", 18.0, "R"),
    ("With VAT", 26.0, "R"),
)
_SUMS: Final = (("Without VAT", 30.0), ("VAT", 26.0), ("With VAT", 30.0))
_BESIDE_SUMS: Final = WIDTH - sum(width for _, width in _SUMS)
_LINE: Final = 4.6
_NOTE: Final = 3.6
_GAP: Final = 1.5
_TOGETHER: Final = 4  # lines that are not to be torn apart


def statement_pdf(statement: Statement) -> bytes:
    """Draw the statement up."""
    paper = Paper(
        Imprint(
            title=f"Statement of {_month(statement)}, {statement.project}",
            subject="Charge detail records of a month",
            foot=f"Statement of {_month(statement)} · {statement.project}",
            below=(f"{statement.project_id} · no invoice: a list of what was billed",),
            at=statement.at,
        ),
        f"{statement!r} {[in_words(one.elements, one.currency) for one in statement.tariffs()]}",
    )
    paper.add_page()
    _head(paper, statement)
    _sums(paper, statement)
    _held(paper, statement)
    _tariffs(paper, statement)
    _by_tag(paper, statement)
    _table(paper, statement)
    return bytes(paper.output())


def _head(paper: Paper, statement: Statement) -> None:
    paper.ink(9, bold=True, colour=Colour.ACCENT)
    paper.line_of("Statement of charging sessions", height=5)
    paper.ink(20, bold=True)
    paper.line_of(_month(statement), height=9.5)
    paper.ink(11)
    paper.line_of(statement.project, height=5.5)
    paper.ink(9, colour=Colour.MUTED)
    paper.line_of(statement.address)
    for line in paper.wrapped(clean(f"Issued by {_issuer(statement.issuer)}"), WIDTH):
        paper.line_of(line)
    local = statement.at.astimezone(ZoneInfo(statement.time_zone))
    if statement.complete:
        paper.line_of("The month is over.")
    else:
        drawn = f"Drawn up on {local.day} {local:%B %Y at %H:%M}."
        paper.line_of(f"{drawn} So far: the month is not over.")
    paper.line_of(f"All times are by the clock at the site: {', '.join(_zones(statement))}.")
    paper.ln(5)


def _issuer(issuer: Issuer) -> str:
    vat_number = None if issuer.vat_number is None else f"VAT number {issuer.vat_number}"
    return ", ".join(part for part in (issuer.name, issuer.address, vat_number) if part)


def _month(statement: Statement) -> str:
    return f"{date.fromisoformat(f'{statement.month}-01'):%B %Y}"


def _zones(statement: Statement) -> list[str]:
    """Those that records were billed by: more than one where it was changed."""
    used = dict.fromkeys(cdr.cdr_location.time_zone for cdr in statement.cdrs)
    return list(used) or [statement.time_zone]


def _sums(paper: Paper, statement: Statement) -> None:
    if not statement.cdrs:
        return
    sessions = "1 session" if statement.sessions == 1 else f"{statement.sessions} sessions"
    paper.ink(10, bold=True)
    paper.cell(_BESIDE_SUMS, _LINE, f"{sessions}, {statement.energy_kwh:,.3f} kWh")
    paper.ink(8, bold=True, colour=Colour.MUTED)
    for name, width in _SUMS:
        paper.cell(width, _LINE, name, align="R")
    paper.ln(_LINE + 0.6)
    paper.rule()
    paper.ln(0.6)
    paper.ink(10)
    for vat, money in statement.by_vat():
        _sum(paper, "No VAT" if vat is None else f"VAT {vat.normalize():f} %", money)
    paper.ink(10, bold=True)
    _sum(paper, f"Total in {statement.currency}", statement.cost)
    paper.ln(6)


def _held(paper: Paper, statement: Statement) -> None:
    """What waits for the owner's word: among the totals, and in none of them."""
    held = statement.held
    if not held.sessions:
        return
    paper.ink(9, bold=True)
    what = "1 session is held" if held.sessions == 1 else f"{held.sessions} sessions are held"
    paper.line_of(f"{what}, and in no sum: at most {held.most_kwh:,.3f} kWh are in doubt.")
    paper.ink(8, colour=Colour.MUTED)
    paper.line_of("What is to be billed of them is open until the site owner decides.")
    paper.ln(4)


def _tariffs(paper: Paper, statement: Statement) -> None:
    for tariff in statement.tariffs():
        lines = [
            line
            for price in in_words(tariff.elements, tariff.currency)
            for line in _lines_of(paper, price)
        ]
        if paper.room < _LINE * (min(len(lines), _TOGETHER) + 1):
            paper.add_page()
        since = tariff.valid_from.astimezone(ZoneInfo(_zones(statement)[-1]))
        paper.ink(8, bold=True)
        paper.line_of(f"Prices since {since.day} {since:%B %Y, %H:%M}", height=_LINE)
        for line in lines:
            paper.ink(8)
            paper.line_of(line, height=_NOTE)
        paper.ln(3)


def _lines_of(paper: Paper, text: str) -> list[str]:
    paper.ink(8)
    return paper.wrapped(clean(text), WIDTH)


def _by_tag(paper: Paper, statement: Statement) -> None:
    tags = statement.by_tag()
    if not tags:
        return
    if paper.room < _LINE * _TOGETHER:
        paper.add_page()
    _table_head(paper, _TAG_COLUMNS)
    for one in tags:
        if paper.room < _LINE * 2:
            paper.add_page()
            _table_head(paper, _TAG_COLUMNS)
        cells = (one.id_tag, str(one.sessions), f"{one.energy_kwh:,.3f}", *_amounts(one.cost))
        paper.ink(8)
        for text, (_, width, align) in zip(cells, _TAG_COLUMNS, strict=True):
            _table_cell(paper, clean(text), width, align)
        paper.ln(_LINE)
    paper.ln(6)


def _sum(paper: Paper, name: str, money: Money) -> None:
    paper.cell(_BESIDE_SUMS, 5.5, name)
    for amount, (_, width) in zip(_amounts(money), _SUMS, strict=True):
        paper.cell(width, 5.5, amount, align="R")
    paper.ln(5.5)


def _amounts(money: Money) -> tuple[str, ...]:
    """Without VAT, VAT, with it."""
    excl_vat, incl_vat = money.excl_vat, money.incl_vat
    return tuple(f"{amount:,f}" for amount in (excl_vat, incl_vat - excl_vat, incl_vat))


def _table(paper: Paper, statement: Statement) -> None:
    if not statement.cdrs:
        paper.ink(10)
        paper.line_of("Nothing was billed in this month.", height=6)
        return
    if paper.room < _LINE * _TOGETHER:
        paper.add_page()
    _table_head(paper, _COLUMNS)
    for cdr in statement.cdrs:
        notes = _notes(paper, cdr)
        if paper.room < _LINE + _NOTE * (len(notes) + 1):
            paper.add_page()
            _table_head(paper, _COLUMNS)
        _table_row(paper, cdr)
        _table_notes(paper, notes)


def _table_head(paper: Paper, columns: Sequence[tuple[str, float, str]]) -> None:
    paper.ink(8, bold=True, colour=Colour.MUTED)
    for name, width, align in columns:
        _table_cell(paper, name, width, align)
    paper.ln(_LINE + 0.6)
    paper.rule()
    paper.ln(0.6)


def _table_cell(paper: Paper, text: str, width: float, align: str) -> None:
    paper.cell(width, _LINE, paper.fitted(text, width - _GAP), align=align)


def _table_row(paper: Paper, cdr: Cdr) -> None:
    zone = ZoneInfo(cdr.cdr_location.time_zone)
    cells = (
        f"{cdr.start_date_time.astimezone(zone):%Y-%m-%d %H:%M}",
        cdr.cdr_location.charge_point,
        f"{cdr.cdr_location.connector_id}",
        cdr.cdr_token.uid,
        f"{signed(cdr, cdr.total_energy):,.3f}",
        *_amounts(cdr.total_cost.money),
    )
    paper.ink(8, colour=Colour.BAD if cdr.credit else Colour.INK)
    for text, (_, width, align) in zip(cells, _COLUMNS, strict=True):
        _table_cell(paper, clean(text), width, align)
    paper.ln(_LINE)


def _notes(paper: Paper, cdr: Cdr) -> list[str]:
    """What stands below a row, in lines."""
    notes = [f"Credit of {cdr.credit_reference_id}."] if cdr.credit else []
    if cdr.remark:
        notes.append(cdr.remark)
    paper.ink(7)
    return paper.wrapped(clean(" ".join(notes)), WIDTH - _COLUMNS[0][1]) if notes else []


def _table_notes(paper: Paper, notes: list[str]) -> None:
    paper.ink(7, colour=Colour.MUTED)
    for line in notes:
        paper.cell(_COLUMNS[0][1], _NOTE, "")
        paper.cell(0, _NOTE, line)
        paper.ln(_NOTE)
    if notes:
        paper.ln(0.6)
