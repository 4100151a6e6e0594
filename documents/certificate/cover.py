"""The first page of a project's certificate: the site, every charge point, the handover."""

from collections.abc import Sequence
from typing import Final

from documents.certificate.content import Content, content_of, said_of_withdrawal, title_of
from documents.certificate.head import Head, draw_head
from documents.certificate.parts import facts, heading, mark, rule_at
from documents.certificate.summary import installer_rows, said_of_visit, summary_of
from documents.certificate.words import moment
from documents.paper import MARGIN, WIDTH, Colour, Paper
from documents.text import clean, clean_lines
from domain.certificates import Issue, Report
from domain.commissioning import Registered
from domain.states import CheckResult

_LINE: Final = 3.5
_PAD: Final = 0.8
_COLUMNS: Final = (7.0, 40.0, 41.0, 71.0, 21.0)
_HEADS: Final = ("", "Serial number", "Model", "Place", "Test charge")
_MOST_LINES: Final = 3
_NOTES_LENGTH: Final = 5000
_WITHDRAWN_LENGTH: Final = 1500
_HEADING_AND_A_LINE: Final = 16
_SIGNATURE: Final = 80.0


def draw_cover(paper: Paper, report: Report, issue: Issue, links: Sequence[int]) -> None:
    """Draw the cover on a new page; a long list goes on to the next.

    Each charge point with a verdict has one of ``links``, to its own page.
    """
    site, summary = report.site, summary_of(report)
    paper.add_page()
    paper.running = f"{site.name} · continued"
    paper.start_section("Overview")
    draw_head(
        paper,
        Head(
            kind=summary.kind,
            title=site.name,
            subtitle=site.address,
            verdict=summary.verdict,
            result=summary.result,
            url=issue.url,
        ),
    )
    visit = () if report.visit is None else said_of_visit(report.visit, site.time_zone)
    rows = (
        ("Project", site.project_id),
        ("Owner", site.owner or "not named"),
        *installer_rows(site),
        *visit,
        ("Charge points", str(summary.total)),
        ("Issued", moment(issue.issued_at, site.time_zone)),
    )
    end = facts(paper, rows, x=MARGIN, y=paper.get_y(), width=WIDTH, label=24)
    paper.set_xy(MARGIN, end)
    _list(paper, report, links)
    _handover(paper, report)
    paper.running = ""


def _list(paper: Paper, report: Report, links: Sequence[int]) -> None:
    heading(
        paper, "Charge points", aside="Each has its own page below, but those without a verdict"
    )
    _heads(paper)
    for one, link in zip(report.charge_points, links, strict=True):
        content = content_of(one)
        review = ", needs review" if content.needs_review else ""
        charge = f"{content.charge_said}{review}"
        _row(paper, one.registered, charge, content=content, link=link)
    for unjudged in report.unjudged:
        _row(paper, unjudged.registered, "no verdict")
    _withdrawn(paper, report)


def _withdrawn(paper: Paper, report: Report) -> None:
    """Say when, by whom and why: each has a few lines of its own."""
    if not report.withdrawn:
        return
    if paper.room < _HEADING_AND_A_LINE:
        paper.add_page()
    aside = "Not part of the handover" if report.visit is None else "In this visit"
    heading(paper, "Withdrawn", aside=aside)
    for gone in report.withdrawn:
        device = gone.registered
        said = (
            f"{device.serial_number}, {title_of(device)}, {device.place or 'place not given'}: "
            f"{said_of_withdrawal(gone.withdrawal, gone.replaced_by)}."
        )
        paper.ink(7.8, colour=Colour.MUTED)
        paper.line_of(said, at_most=_WITHDRAWN_LENGTH)


def _heads(paper: Paper) -> None:
    paper.ink(7, bold=True, colour=Colour.MUTED)
    for width, text in zip(_COLUMNS, _HEADS, strict=True):
        paper.cell(width, 4.5, text)
    paper.ln(5)


def _row(
    paper: Paper,
    device: Registered,
    charge: str,
    *,
    content: Content | None = None,
    link: int | None = None,
) -> None:
    paper.ink(7.8)
    serial, model = (
        (device.serial_number, title_of(device))
        if content is None
        else (content.serial_said, content.model_said)
    )
    texts = (serial, model, device.place or "not given", charge)
    cells = [
        paper.wrapped(clean(text), width - 2, at_most=_MOST_LINES)
        for width, text in zip(_COLUMNS[1:], texts, strict=True)
    ]
    height = max(map(len, cells)) * _LINE + 2 * _PAD
    if paper.room < height + 1:
        paper.add_page()
        _heads(paper)
    y = paper.get_y()
    result = CheckResult.PENDING if content is None else content.result
    mark(paper, result, x=MARGIN, y=y + _PAD, size=3.4)
    x = MARGIN + _COLUMNS[0]
    for width, lines in zip(_COLUMNS[1:], cells, strict=True):
        paper.ink(7.8, colour=Colour.MUTED if content is None else Colour.INK)
        for place, line in enumerate(lines):
            paper.set_xy(x, y + _PAD + place * _LINE)
            paper.cell(width, _LINE, line)
        x += width
    if link is not None:
        paper.link(MARGIN, y, WIDTH, height, link)
    paper.set_xy(MARGIN, y + height)
    rule_at(paper, y + height)


def _handover(paper: Paper, report: Report) -> None:
    site, visit = report.site, report.visit
    if paper.room < 30:  # noqa: PLR2004 - heading, first lines and signature are kept together
        paper.add_page()
    if visit is not None:
        _signed(
            paper,
            "Service visit, declared by the installer",
            at=moment(visit.closed_at, site.time_zone),
            notes=visit.sign_off_notes,
            signature=visit.installer_signature,
        )
        return
    if site.handed_over_at is None:
        heading(paper, "Handover")
        paper.ink(7.8, colour=Colour.MUTED)
        paper.line_of("The project has not been handed over yet.")
        return
    _signed(
        paper,
        "Handover, declared by the installer",
        at=moment(site.handed_over_at, site.time_zone),
        notes=site.sign_off_notes,
        signature=site.installer_signature,
    )


def _signed(paper: Paper, what: str, *, at: str, notes: str | None, signature: str | None) -> None:
    heading(paper, what, aside=at, colour=Colour.WARN)
    if notes:
        paper.ink(7.8)
        for line in clean_lines(notes, at_most=_NOTES_LENGTH).split("\n"):
            paper.line_of(line, height=4, at_most=_NOTES_LENGTH)
    paper.ln(2)
    if signature is None:
        paper.ink(7.8, colour=Colour.MUTED)
        paper.line_of("The site owner has closed it; the installer has not signed.")
        return
    paper.ink(10, bold=True)
    name = clean(signature)
    width = max(_SIGNATURE, min(paper.width_of(name) + 2, WIDTH))
    paper.cell(width, 5, paper.fitted(name, width))
    paper.ln(5.4)
    with paper.pen(Colour.INK):
        paper.line(MARGIN, paper.get_y(), MARGIN + width, paper.get_y())
    paper.ink(6.8, colour=Colour.MUTED)
    paper.cell(width, 4, "Signed off by name")
    paper.ln(5)
