"""A certificate as a page: it prints well, and is read on a phone."""

import base64
from collections.abc import Mapping
from functools import cache, partial

from jinja2 import Template

from documents.certificate import svg
from documents.certificate.checklist_words import LEGEND
from documents.certificate.content import content_of, said_of_withdrawal, title_of
from documents.certificate.frames import frame_text
from documents.certificate.markup import certificate_templates
from documents.certificate.summary import installer_rows, said_of_visit, summary_of, title_of_report
from documents.certificate.words import RESULTS
from documents.plot import ChargePlot, plot_charge
from domain.certificates import (
    CertificateScope,
    ChargePointReport,
    Frame,
    FrameDirection,
    Issue,
    Report,
)
from domain.states import CheckResult

_ARROWS = {FrameDirection.FROM_CHARGE_POINT: "◀", FrameDirection.TO_CHARGE_POINT: "▶"}
_SIGNS = {
    CheckResult.PASSED: "✓",
    CheckResult.FAILED: "✗",
    CheckResult.SKIPPED: "○",
    CheckResult.PENDING: "\N{EN DASH}",
}


def render_html(
    report: Report, issue: Issue, thumbnails: Mapping[str, bytes], *, sha256: str
) -> str:
    """Render a report as HTML; ``sha256`` is that of the signed PDF."""
    return _template().render(
        title=title_of_report(report),
        report=report,
        summary=None if report.scope is CertificateScope.CHARGE_POINT else summary_of(report),
        issue=issue,
        thumbnails={photo: _embedded(data, "jpeg") for photo, data in thumbnails.items()},
        sha256=sha256,
    )


@cache
def _template() -> Template:
    found = certificate_templates()
    found.filters["line_of_frame"] = _line
    found.filters["png"] = partial(_embedded, kind="png")
    names = {
        "content_of": content_of,
        "installer_rows": installer_rows,
        "legend": tuple(LEGEND.values()),
        "signs": _SIGNS,
        "plot_of": _plot,
        "results": RESULTS,
        "said_of_withdrawal": said_of_withdrawal,
        "said_of_visit": said_of_visit,
        "svg": svg,
        "title_of": title_of,
    }
    return found.get_template("report.html", globals=names)


def _plot(report: ChargePointReport) -> ChargePlot | None:
    return plot_charge(report.transaction, report.readings) if report.transaction else None


def _embedded(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _line(frame: Frame) -> str:
    return f"{frame.at:%H:%M:%S.%f}"[:12] + f" {_ARROWS[frame.direction]} {frame_text(frame)}"
