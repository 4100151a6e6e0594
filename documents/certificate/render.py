"""Renders a certificate. The same report and the same issue make the same bytes."""

from collections.abc import Mapping
from textwrap import wrap

from documents.certificate.cover import draw_cover
from documents.certificate.page import draw_charge_point
from documents.certificate.summary import title_of_report
from documents.certificate.words import moment
from documents.paper import Imprint, Paper
from domain.certificates import CertificateScope, Issue, Report


def render_pdf(report: Report, issue: Issue, thumbnails: Mapping[str, bytes]) -> bytes:
    """Render a report as a PDF, not signed yet.

    ``thumbnails`` are the photos' small JPEG files by the photos' ids; one that is missing leaves
    its place empty.
    """
    paper = Paper(_imprint(report, issue), repr(report))
    links = [paper.add_link(page=1) for _ in report.charge_points]  # until the page is known
    if report.scope is not CertificateScope.CHARGE_POINT:
        draw_cover(paper, report, issue, links)
    for one, link in zip(report.charge_points, links, strict=True):
        draw_charge_point(
            paper, one, site=report.site, issue=issue, thumbnails=thumbnails, link=link
        )
    return bytes(paper.output())


def _imprint(report: Report, issue: Issue) -> Imprint:
    return Imprint(
        title=title_of_report(report),
        subject=f"Certificate {issue.certificate_id}, number {issue.number}",
        foot=f"{issue.certificate_id} · number {issue.number} · issued {moment(issue.issued_at)}",
        below=(
            f"Check this file offline: dynamo verify FILE --key KEYS; keys at {issue.keys_url}",
            f"Signed with the key {' '.join(wrap(issue.key_fingerprint, 8))}",
        ),
        at=issue.issued_at,
        pages=len(report.charge_points) + 1,
    )
