"""One charge point's page. What does not fit goes on to another; the usual fits one."""

from collections.abc import Mapping
from typing import Final

from documents.certificate.charge import draw_plot
from documents.certificate.content import CheckContent, Content, content_of
from documents.certificate.declared import (
    declared_height,
    draw_declared,
    draw_photos,
    photos_height,
)
from documents.certificate.parts import (
    COLOURS,
    facts,
    heading,
    mark,
    pill,
    qr_code,
    rule_at,
)
from documents.certificate.words import RESULTS
from documents.fonts import Typeface
from documents.paper import MARGIN, WIDTH, Colour, Paper
from documents.plot import plot_charge
from documents.text import clean
from domain.certificates import ChargePointReport, FrameDirection, Issue, Site
from domain.rules.excerpt import fewer
from domain.states import CheckResult

_QR: Final = 25.0
_PLOT_HEIGHT: Final = 37.0
_PLOT_WIDTH: Final = 112.0
_FRAME_LINE: Final = 2.7
_FEWEST_FRAMES: Final = 5
_MOST_NOTES: Final = 4
_HALF: Final = WIDTH / 2


def draw_charge_point(
    paper: Paper,
    report: ChargePointReport,
    *,
    site: Site,
    issue: Issue,
    thumbnails: Mapping[str, bytes],
) -> None:
    """Draw the page of a charge point on a new page."""
    content = content_of(report)
    paper.running = ""
    paper.add_page()
    paper.running = f"{report.registered.serial_number} · {content.title} · continued"
    _head(paper, content, report, site, issue)
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
    _frames(paper, content, len(report.photos))
    if paper.room < declared_height(paper, content) + 3:
        paper.add_page()
    else:
        paper.ln(3)
    draw_declared(paper, content)
    draw_photos(paper, report.photos, thumbnails)
    paper.running = ""


def _head(
    paper: Paper, content: Content, report: ChargePointReport, site: Site, issue: Issue
) -> None:
    top = paper.get_y()
    width = WIDTH - _QR - 4
    what = "Commissioning certificate" if content.passed else "Commissioning report"
    paper.ink(8.5, bold=True, colour=Colour.ACCENT)
    paper.cell(width, 4, what)
    paper.ln(5)
    paper.ink(17, bold=True)
    paper.cell(width, 8, paper.fitted(clean(content.title, at_most=200), width))
    paper.ln(8.2)
    paper.ink(9, colour=Colour.MUTED)
    place = " · ".join(
        part for part in (site.name, report.registered.place or site.address) if part
    )
    paper.cell(width, 4.5, paper.fitted(clean(place, at_most=600), width))
    paper.ln(6.3)
    colour = Colour.GOOD if content.passed else Colour.BAD
    pill_at = paper.get_y()
    taken = pill(paper, content.verdict, x=MARGIN, y=pill_at, colour=colour)
    x, room = MARGIN + taken + 3, width - taken - 3
    paper.ink(7.2, colour=Colour.MUTED)
    for line, said in enumerate((content.verdict_at, f"Installer: {site.installer}")):
        paper.set_xy(x, pill_at + 0.2 + line * 3.3)
        paper.cell(room, 3.3, paper.fitted(clean(said), room))
    qr_code(paper, issue.url, x=MARGIN + WIDTH - _QR, y=top - 1, size=_QR)
    paper.link(MARGIN + WIDTH - _QR, top - 1, _QR, _QR, issue.url)
    paper.set_xy(MARGIN + WIDTH - _QR - 6, top + _QR - 1)
    paper.ink(6.2, colour=Colour.MUTED)
    paper.cell(_QR + 6, 3, "Compare with the online copy", align="R")
    paper.set_xy(MARGIN, top + _QR + 3.5)
    rule_at(paper, paper.get_y())
    paper.ln(1.5)


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
    paper.set_xy(MARGIN, top + 4.7)
    paper.set_left_margin(MARGIN + 6)
    try:
        _check_text(paper, check)
    finally:
        paper.set_left_margin(MARGIN)
    paper.set_x(MARGIN)
    paper.ln(1.3)


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
    facts(
        paper,
        content.charge,
        x=MARGIN + _PLOT_WIDTH + 6,
        y=top + 1,
        width=WIDTH - _PLOT_WIDTH - 6,
        label=37,
    )
    paper.set_xy(MARGIN, top + _PLOT_HEIGHT)


def _frames(paper: Paper, content: Content, photos: int) -> None:
    heading_height = 8.0
    below = declared_height(paper, content) + photos_height(photos)
    free = paper.room - heading_height - below - 3.5
    fitting = max(int(free // _FRAME_LINE), _FEWEST_FRAMES)
    frames = fewer(content.frames, fitting)
    if paper.room < heading_height + len(frames) * _FRAME_LINE:
        paper.add_page()
    logged = content.frames_logged
    heading(
        paper,
        "Frames that prove it",
        aside=f"{len(frames)} of {logged} that were logged; times in UTC" if logged else "",
    )
    if not frames:
        paper.ink(7.6, colour=Colour.MUTED)
        paper.line_of("The log of this run holds no frames.")
    for frame in frames:
        paper.ink(5.6, colour=Colour.MUTED, family=Typeface.MONO)
        arrow = "◀" if frame.direction is FrameDirection.FROM_CHARGE_POINT else "▶"
        paper.cell(19, _FRAME_LINE, f"{frame.at:%H:%M:%S.%f}"[:12] + f" {arrow}")
        paper.ink(5.6, family=Typeface.MONO)
        paper.cell(WIDTH - 19, _FRAME_LINE, paper.fitted(clean(frame.text), WIDTH - 19))
        paper.ln(_FRAME_LINE)
