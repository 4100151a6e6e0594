"""The first page of a project's certificate: the site, every charge point, the handover."""

from typing import Final

from documents.certificate.content import Content, content_of, title_of
from documents.certificate.parts import facts, heading, mark, pill, qr_code, rule_at
from documents.certificate.words import moment, number
from documents.paper import MARGIN, WIDTH, Colour, Paper
from documents.text import clean, clean_lines
from domain.certificates import ChargePointReport, Issue, Report
from domain.commissioning import Registered
from domain.states import CheckName, CheckResult

_QR: Final = 25.0
_ROW: Final = 5.0
_COLUMNS: Final = (7.0, 45.0, 45.0, 52.0, 31.0)
_HEADS: Final = ("", "Serial number", "Model", "Place", "Test charge")


def draw_cover(paper: Paper, report: Report, issue: Issue) -> None:
    """Draw the cover on a new page; a long list goes on to the next."""
    paper.add_page()
    _head(paper, report, issue)
    _list(paper, report)
    _handover(paper, report)


def _head(paper: Paper, report: Report, issue: Issue) -> None:
    site, top, width = report.site, paper.get_y(), WIDTH - _QR - 4
    passed = sum(content.passed for content in map(content_of, report.charge_points))
    total = len(report.charge_points) + len(report.unjudged)
    all_passed = passed == total
    paper.ink(8.5, bold=True, colour=Colour.ACCENT)
    what = "certificate" if all_passed else "report"
    paper.cell(width, 4, f"Commissioning {what} of a site")
    paper.ln(5)
    paper.ink(17, bold=True)
    paper.cell(width, 8, paper.fitted(clean(site.name), width))
    paper.ln(8.2)
    paper.ink(9, colour=Colour.MUTED)
    paper.cell(width, 4.5, paper.fitted(clean(site.address), width))
    paper.ln(6.3)
    pill(
        paper,
        f"{passed} of {total} passed",
        x=MARGIN,
        y=paper.get_y(),
        colour=Colour.GOOD if all_passed else Colour.BAD,
    )
    qr_code(paper, issue.url, x=MARGIN + WIDTH - _QR, y=top - 1, size=_QR)
    paper.link(MARGIN + WIDTH - _QR, top - 1, _QR, _QR, issue.url)
    paper.set_xy(MARGIN + WIDTH - _QR - 6, top + _QR - 1)
    paper.ink(6.2, colour=Colour.MUTED)
    paper.cell(_QR + 6, 3, "Compare with the online copy", align="R")
    paper.set_xy(MARGIN, top + _QR + 3.5)
    rule_at(paper, paper.get_y())
    paper.ln(1.5)
    rows = [
        ("Project", site.project_id),
        ("Installer", site.installer),
        ("Charge points", str(total)),
        ("Issued", moment(issue.issued_at)),
    ]
    end = facts(paper, tuple(rows), x=MARGIN, y=paper.get_y(), width=WIDTH, label=24)
    paper.set_xy(MARGIN, end)


def _list(paper: Paper, report: Report) -> None:
    heading(
        paper, "Charge points", aside="Each has its own page below, but those without a verdict"
    )
    _heads(paper)
    for one in report.charge_points:
        content = content_of(one)
        result = CheckResult.PASSED if content.passed else CheckResult.FAILED
        _row(paper, result, one.registered, content, _energy(one))
    for unjudged in report.unjudged:
        _row(paper, CheckResult.PENDING, unjudged.registered, None, "no verdict")


def _heads(paper: Paper) -> None:
    paper.ink(7, bold=True, colour=Colour.MUTED)
    for width, text in zip(_COLUMNS, _HEADS, strict=True):
        paper.cell(width, 4.5, text)
    paper.ln(5)


def _row(
    paper: Paper, result: CheckResult, device: Registered, content: Content | None, charge: str
) -> None:
    if paper.room < _ROW + 1:
        paper.add_page()
        _heads(paper)
    y = paper.get_y()
    mark(paper, result, x=MARGIN, y=y + 0.8, size=3.4)
    texts = (
        device.serial_number,
        title_of(device),
        device.place or "not given",
        charge,
    )
    x = MARGIN + _COLUMNS[0]
    for width, text in zip(_COLUMNS[1:], texts, strict=True):
        paper.set_xy(x, y)
        paper.ink(7.8, colour=Colour.MUTED if content is None else Colour.INK)
        paper.cell(width, _ROW, paper.fitted(clean(text), width - 2))
        x += width
    paper.set_xy(MARGIN, y + _ROW)
    rule_at(paper, y + _ROW)


def _energy(report: ChargePointReport) -> str:
    check = next((c for c in report.run.checks if c.name is CheckName.TEST_TRANSACTION), None)
    if check is None:
        return "none"
    energy = check.evidence.get("transaction_energy_wh")
    if check.result is CheckResult.PASSED and isinstance(energy, int | float):
        return f"{number(energy)} Wh"
    return "skipped" if check.result is CheckResult.SKIPPED else check.result.value


def _handover(paper: Paper, report: Report) -> None:
    site = report.site
    if paper.room < 30:  # noqa: PLR2004 - the frame below is kept together
        paper.add_page()
    if site.handed_over_at is None:
        heading(paper, "Handover")
        paper.ink(7.8, colour=Colour.MUTED)
        paper.line_of("The project has not been handed over yet.")
        return
    heading(
        paper,
        "Handover, declared by the installer",
        aside=moment(site.handed_over_at),
        colour=Colour.WARN,
    )
    if site.sign_off_notes:
        paper.ink(7.8)
        for line in clean_lines(site.sign_off_notes, at_most=1500).split("\n"):
            paper.line_of(line, height=4, at_most=1500)
    paper.ln(2)
    paper.ink(10, bold=True)
    paper.cell(80, 5, paper.fitted(clean(site.installer_signature or ""), 80))
    paper.ln(5.4)
    with paper.pen(Colour.INK):
        paper.line(MARGIN, paper.get_y(), MARGIN + 80, paper.get_y())
    paper.ink(6.8, colour=Colour.MUTED)
    paper.cell(80, 4, "Signed off by name")
    paper.ln(5)
