"""One charge point's page. What does not fit goes on to another; the usual fits one."""

from collections.abc import Mapping, Sequence
from typing import Final

from documents.certificate.charge import draw_plot
from documents.certificate.check_words import CheckContent
from documents.certificate.checklist import draw_checklist
from documents.certificate.content import Content, content_of
from documents.certificate.declared import INNER, Photos, declared_height, draw_declared
from documents.certificate.excerpt import draw_frames, fitting
from documents.certificate.head import Head, draw_head
from documents.certificate.parts import COLOURS, facts, facts_height, heading, mark
from documents.certificate.photos import draw_large, small_enough
from documents.certificate.words import RESULTS
from documents.paper import MARGIN, WIDTH, Colour, Paper
from documents.plot import plot_charge
from documents.text import clean
from domain.certificates import ChargePointReport, Frame, Issue, Site
from domain.states import CheckResult

_PLOT_HEIGHT: Final = 34.0
_CONNECTOR: Final = 22.0
_PLOT_WIDTH: Final = 106.0
_MOST_NOTES: Final = 4
_HALF: Final = WIDTH / 2
_GAP: Final = 3.0
_BESIDE: Final = 38.0
_BESIDE_WIDTH: Final = WIDTH - _BESIDE - 28.0


def draw_charge_point(
    paper: Paper,
    report: ChargePointReport,
    *,
    site: Site,
    issue: Issue,
    thumbnails: Mapping[str, bytes],
    link: int,
) -> None:
    """Draw the page of a charge point on a new page, to which ``link`` leads."""
    content = content_of(report)
    paper.running = ""
    paper.add_page()
    paper.running = f"{content.title} · continued"
    paper.set_link(link, page=paper.page)
    paper.start_section(clean(content.title))
    draw_head(paper, _head(content, report, site, issue))
    _identity(paper, content)
    _alarms(paper, content)
    heading(
        paper,
        "Verified by the engine",
        aside="Spoken over OCPP with this charge point; the record is kept by the engine",
    )
    for check in content.checks:
        _check(paper, check)
    _configuration(paper, content)
    _charge(paper, content, report)
    frames, photos = _shown(paper, content, report.photos)
    draw_frames(paper, frames, logged=content.frames_logged)
    if paper.room < declared_height(paper, content, photos) + _GAP:
        paper.add_page()
    else:
        paper.ln(_GAP)
    draw_declared(paper, content, photos, thumbnails)
    draw_checklist(paper, content.checklist)
    draw_large(paper, () if photos else report.photos, thumbnails)
    paper.running = ""


def _head(content: Content, report: ChargePointReport, site: Site, issue: Issue) -> Head:
    return Head(
        kind=content.kind,
        title=content.title,
        subtitle=" · ".join(
            part for part in (site.name, report.registered.place or site.address) if part
        ),
        verdict=content.verdict,
        result=content.result,
        asides=(content.verdict_at, f"Installer: {site.installer}", *_owner(site)),
        url=issue.url,
    )


def _owner(site: Site) -> Sequence[str]:
    return () if site.owner is None else (f"Owner: {site.owner}",)


def _shown(paper: Paper, content: Content, photos: Photos) -> tuple[tuple[Frame, ...], Photos]:
    """Choose the frames, and the photos that go small into the frame of what is declared.

    All that is left of the page is for the frames, but the photos are worth most of those.
    """
    small = photos if small_enough(paper, photos, INNER) else ()
    for within in dict.fromkeys((small, ())):
        below = declared_height(paper, content, within) + _GAP
        frames = fitting(paper, content.frames, paper.room - below)
        if frames is not None:
            return frames, within
    # What is declared goes on the next page in any case.
    return fitting(paper, content.frames, paper.room) or content.frames, small


def _identity(paper: Paper, content: Content) -> None:
    top = paper.get_y()
    left = facts(paper, content.identity, x=MARGIN, y=top, width=_HALF - 3, label=24)
    right = facts(paper, content.run, x=MARGIN + _HALF, y=top, width=_HALF, label=20)
    paper.set_xy(MARGIN, max(left, right))


def _alarms(paper: Paper, content: Content) -> None:
    for alarm in content.alarms[:_MOST_NOTES]:
        paper.ink(7.6, bold=True, colour=Colour.BAD)
        paper.line_of(f"Alarm: {alarm}", height=3.8)
    if len(content.alarms) > _MOST_NOTES:
        more = len(content.alarms) - _MOST_NOTES
        paper.line_of(f"{more} more alarms are on the record.", height=3.8)


def _check(paper: Paper, check: CheckContent) -> None:
    if paper.room < 12:  # noqa: PLR2004 - a heading is not left alone at the end of a page
        paper.add_page()
    top = paper.get_y()
    mark(paper, check.result, x=MARGIN, y=top + 0.3, size=4)
    paper.set_xy(MARGIN + 6, top)
    paper.ink(8.5, bold=True)
    paper.cell(60, 4.6, check.title)
    aside = RESULTS[check.result] + (f" in {check.took}" if check.took else "")
    paper.ink(7.6, bold=True, colour=COLOURS[check.result])
    paper.set_xy(MARGIN + WIDTH - 60, top)
    paper.cell(60, 4.6, aside, align="R")
    if _beside_title(paper, check, top):
        paper.set_xy(MARGIN, top + 4.7 + 1.3)
        return
    paper.set_xy(MARGIN, top + 4.7)
    paper.set_left_margin(MARGIN + 6)
    try:
        _check_text(paper, check)
    finally:
        paper.set_left_margin(MARGIN)
    paper.set_x(MARGIN)
    paper.ln(1.3)


def _beside_title(paper: Paper, check: CheckContent, y: float) -> bool:
    """Write a check's few words beside its title, where they are all there is."""
    paper.ink(7.2, colour=Colour.MUTED)
    said = clean(" ".join(check.sentences))
    more = (check.failure, check.skipped, check.values, check.notes, check.kept_from)
    if any(more) or check.needs_review or paper.width_of(said) > _BESIDE_WIDTH:
        return False
    paper.set_xy(MARGIN + _BESIDE, y)
    paper.cell(_BESIDE_WIDTH, 4.8, said)
    return True


def _check_text(paper: Paper, check: CheckContent) -> None:
    paper.set_x(MARGIN + 6)
    if check.failure:
        paper.ink(7.6, colour=Colour.BAD)
        paper.line_of(check.failure, height=3.6, at_most=600)
    if check.skipped:
        paper.ink(7.6, colour=Colour.WARN)
        paper.line_of(check.skipped, height=3.6, at_most=900)
    if check.values:
        paper.ink(7.6)
        paper.line_of(" · ".join(f"{name}: {value}" for name, value in check.values), height=3.6)
    if check.sentences:
        paper.ink(7.2, colour=Colour.MUTED)
        paper.line_of(" ".join(check.sentences), height=3.5, at_most=700)
    paper.ink(7.2, colour=Colour.WARN)
    if check.needs_review:
        paper.line_of("A person should look at this.", height=3.5)
    for note in check.notes[:_MOST_NOTES]:
        if note not in check.sentences:
            paper.line_of(f"Note: {note}", height=3.5, at_most=400)
    if len(check.notes) > _MOST_NOTES:
        paper.line_of(f"{len(check.notes) - _MOST_NOTES} more notes are on the record.", height=3.5)
    if check.kept_from:
        paper.line_of(
            f"Kept from the run {check.kept_from}: a retry had no reason to repeat it.", height=3.5
        )


def _configuration(paper: Paper, content: Content) -> None:
    if not content.parameters:
        return
    left_out = content.parameters_left_out
    heading(paper, "Configuration", aside=f"{left_out} more on the record" if left_out else "")
    for place, parameter in enumerate(content.parameters):
        column = place % 2
        if column == 0 and paper.room < 5:  # noqa: PLR2004
            paper.add_page()
        x = MARGIN + column * _HALF
        y = paper.get_y()
        result = CheckResult.PASSED if parameter.as_desired else CheckResult.FAILED
        mark(paper, result, x=x, y=y + 0.6, size=2.4)
        paper.set_xy(x + 4, y)
        paper.ink(7.2)
        key = paper.fitted(clean(parameter.key, at_most=100), 44)
        paper.cell(45, 3.7, key)
        paper.ink(7.2, colour=Colour.MUTED if parameter.as_desired else Colour.BAD)
        paper.cell(_HALF - 51, 3.7, paper.fitted(clean(parameter.said), _HALF - 51))
        paper.set_xy(MARGIN, y if column == 0 and place + 1 < len(content.parameters) else y + 3.7)


def _charge(paper: Paper, content: Content, report: ChargePointReport) -> None:
    plot = plot_charge(report.transaction, report.readings) if report.transaction else None
    if paper.room < (_PLOT_HEIGHT + 10 if plot else 16):
        paper.add_page()
    heading(paper, "Test charge", aside="By the meter of the charge point" if plot else "")
    _connectors(paper, content)
    if paper.room < (_PLOT_HEIGHT if plot else 0):
        paper.add_page()
    top = paper.get_y()
    if plot is None:
        paper.ink(7.6, colour=Colour.MUTED)
        paper.line_of(content.charge_missing or "There are too few meter values for a plot.")
        paper.set_x(MARGIN)
        if content.charge:
            end = facts(paper, content.charge, x=MARGIN, y=paper.get_y(), width=_HALF, label=40)
            paper.set_xy(MARGIN, end)
        return
    draw_plot(paper, plot, x=MARGIN, y=top, width=_PLOT_WIDTH, height=_PLOT_HEIGHT)
    end = facts(
        paper,
        content.charge,
        x=MARGIN + _PLOT_WIDTH + 6,
        y=top + 1,
        width=WIDTH - _PLOT_WIDTH - 6,
        label=43,
    )
    paper.set_xy(MARGIN, max(top + _PLOT_HEIGHT, end))


def _connectors(paper: Paper, content: Content) -> None:
    """Say of each connector what became of its test."""
    for row in content.connectors:
        if paper.room < facts_height(paper, (row,), width=WIDTH, label=_CONNECTOR):
            paper.add_page()
        end = facts(paper, (row,), x=MARGIN, y=paper.get_y(), width=WIDTH, label=_CONNECTOR)
        paper.set_xy(MARGIN, end)
    if content.connectors:
        paper.ln(1)
