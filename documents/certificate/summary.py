"""What a certificate says in short: on the cover of a project's, and as its name."""

from dataclasses import dataclass

from documents.certificate.charge_words import was_tested
from documents.certificate.connector_words import Rows
from documents.certificate.connector_words import untested as untested_connectors
from documents.certificate.content import content_of, to_review
from documents.certificate.words import moment
from domain.certificates import CertificateScope, Report, Site, Visit
from domain.states import CheckResult, RunStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """How many passed of how many; ``result`` colours it."""

    kind: str
    verdict: str
    result: CheckResult
    total: int


def summary_of(report: Report) -> Summary:
    """Sum a project's report up."""
    runs = [
        one.run
        for one in report.charge_points
        if one.run.status is RunStatus.COMPLETED and one.stale is None
    ]
    passed, total = len(runs), len(report.charge_points) + len(report.unjudged)
    untested = sum(not was_tested(run) for run in runs)
    verdict = f"{passed} of {total} passed"
    if untested:
        verdict += f", {untested} without a test charge"
    partly = sum(bool(untested_connectors(run)) for run in runs)
    if partly:
        verdict += f", {partly} with connectors that were not tested"
    if reviewed := sum(map(to_review, runs)):
        verdict += f", {reviewed} to be reviewed"
    if report.withdrawn:
        verdict += f", {len(report.withdrawn)} withdrawn"
    of_what = "Commissioning" if report.visit is None else "Service visit"
    result = CheckResult.SKIPPED if untested or partly else CheckResult.PASSED
    return Summary(
        kind=f"{of_what} {'certificate' if passed == total else 'report'} of a site",
        verdict=verdict,
        result=result if passed == total else CheckResult.FAILED,
        total=total,
    )


def said_of_visit(visit: Visit, time_zone: str) -> tuple[tuple[str, str], ...]:
    """Say which service visit it was, for the cover."""
    by = {"site_owner": "the site owner", "installer": "the installer"}
    closed = f"{moment(visit.closed_at, time_zone)}, by {by.get(visit.closed_by, visit.closed_by)}"
    return (
        ("Service visit", visit.service_visit_id),
        ("Purpose", visit.purpose),
        ("Opened", moment(visit.opened_at, time_zone)),
        ("Accepted", moment(visit.accepted_at, time_zone)),
        ("Closed", closed),
    )


def title_of_report(report: Report) -> str:
    """Name a report: what it is, of what, and the verdict."""
    if report.scope is not CertificateScope.CHARGE_POINT:
        summary = summary_of(report)
        return f"{summary.kind}: {report.site.name}. {summary.verdict}."
    content = content_of(report.charge_points[0])
    return f"{content.kind}: {content.title}. {content.verdict}."


def installer_rows(site: Site) -> Rows:
    """Name the installer, with the address and the registration where they were declared."""
    declared = site.contractor
    if declared is None:
        return (("Installer", site.installer),)
    rows = (
        ("Installer", f"{declared.company} (declared)"),
        ("Its address", declared.address),
        ("Its registration", declared.registration),
    )
    return tuple((label, value) for label, value in rows if value is not None)
