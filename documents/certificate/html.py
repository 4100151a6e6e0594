"""A certificate as a page: it prints well, and is read on a phone."""

import base64
from collections.abc import Mapping

from documents.certificate.content import (
    CheckContent,
    Content,
    content_of,
    said_of_withdrawal,
    title_of,
)
from documents.certificate.frames import frame_text
from documents.certificate.markup import CLASSES, Markup, document, facts, joined, tag
from documents.certificate.summary import summary_of, title_of_report
from documents.certificate.svg import draw_svg
from documents.certificate.words import RESULTS, moment
from documents.plot import plot_charge
from domain.certificates import (
    CertificateScope,
    ChargePointReport,
    FrameDirection,
    Issue,
    Report,
    Site,
)
from domain.commissioning import Registered
from domain.declarations import PhotoFact
from domain.states import CheckResult

_COLUMNS = ("Serial number", "Model", "Place", "Verdict", "Test charge")


def render_html(
    report: Report, issue: Issue, thumbnails: Mapping[str, bytes], *, sha256: str
) -> str:
    """Render a report as HTML; ``sha256`` is that of the signed PDF."""
    cover = [_cover(report, issue)] if report.scope is CertificateScope.PROJECT else []
    pages = [_charge_point(one, report.site, thumbnails) for one in report.charge_points]
    return document(title_of_report(report), *cover, *pages, _foot(issue, sha256))


def _cover(report: Report, issue: Issue) -> Markup:
    site, summary = report.site, summary_of(report)
    rows = []
    for one in report.charge_points:
        content = content_of(one)
        said = f"{content.verdict}, needs review" if content.needs_review else content.verdict
        verdict = tag("span", said, class_=CLASSES[content.result])
        serial = tag("a", content.serial_said, href=f"#{one.registered.charge_point_id}")
        rows.append(
            _row(one.registered, serial, verdict, content.charge_said, model=content.model_said)
        )
    for unjudged in report.unjudged:
        why = tag("span", f"No verdict. {unjudged.why}", class_="muted")
        rows.append(_row(unjudged.registered, unjudged.registered.serial_number, why, ""))
    for gone in report.withdrawn:
        why = tag(
            "span",
            f"Out of the project: {said_of_withdrawal(gone.withdrawal, gone.replaced_by)}.",
            class_="muted",
        )
        rows.append(_row(gone.registered, gone.registered.serial_number, why, ""))
    heads = tag("tr", *(tag("th", said) for said in _COLUMNS))
    return tag(
        "article",
        tag("p", summary.kind, class_="kind"),
        tag("h1", site.name),
        tag("p", site.address, class_="muted"),
        _pill(summary.verdict, summary.result),
        facts(
            (
                ("Project", site.project_id),
                ("Installer", site.installer),
                ("Charge points", str(summary.total)),
                ("Issued", moment(issue.issued_at)),
            )
        ),
        tag("h2", "Charge points"),
        tag("table", heads, *rows, class_="stacked"),
        _handover(site),
    )


def _row(device: Registered, *cells: str, model: str | None = None) -> Markup:
    serial, verdict, charge = cells
    said = (serial, model or title_of(device), device.place or "not given", verdict, charge)
    return tag(
        "tr",
        *(
            tag("td", one, data_label=label)
            for label, one in zip(_COLUMNS, said, strict=True)
            if one
        ),
    )


def _handover(site: Site) -> Markup:
    if site.handed_over_at is None:
        return tag("p", "The project has not been handed over yet.", class_="muted")
    return tag(
        "section",
        tag("h2", "Handover, declared by the installer"),
        tag("p", moment(site.handed_over_at), class_="muted"),
        tag("p", site.sign_off_notes or ""),
        tag("p", tag("b", site.installer_signature or ""), " signed off by name."),
        class_="declared",
    )


def _charge_point(report: ChargePointReport, site: Site, thumbnails: Mapping[str, bytes]) -> Markup:
    content = content_of(report)
    return tag(
        "article",
        tag("p", content.kind, class_="kind"),
        tag("h1", content.title),
        tag("p", f"{site.name} · {report.registered.place or site.address}", class_="muted"),
        _pill(content.verdict, content.result),
        tag("span", f"{content.verdict_at}, by {site.installer}", class_="muted small"),
        facts(content.identity + content.run),
        *(tag("p", f"Alarm: {alarm}", class_="bad") for alarm in content.alarms),
        tag("h2", "Verified by the engine"),
        *(_check(check) for check in content.checks),
        _configuration(content),
        _charge(report, content),
        _frames(content),
        _declared(content, report.photos, thumbnails),
        id=report.registered.charge_point_id,
    )


def _pill(said: str, result: CheckResult) -> Markup:
    return tag("span", said, class_=f"pill {CLASSES[result]}")


def _check(check: CheckContent) -> Markup:
    verdict = RESULTS[check.result] + (f" in {check.took}" if check.took else "")
    said: list[Markup] = []
    if check.failure:
        said.append(tag("p", check.failure, class_="bad"))
    if check.skipped:
        said.append(tag("p", check.skipped, class_="warn"))
    if check.values:
        values = " · ".join(f"{name}: {value}" for name, value in check.values)
        said.append(tag("p", values, class_="small"))
    if check.sentences:
        said.append(tag("p", " ".join(check.sentences), class_="small muted"))
    if check.needs_review:
        said.append(tag("p", "A person should look at this.", class_="small warn"))
    said += [tag("p", f"Note: {note}", class_="small warn") for note in check.notes]
    if check.kept_from:
        kept = f"Kept from the run {check.kept_from}: a retry had no reason to repeat it."
        said.append(tag("p", kept, class_="small warn"))
    heading = tag(
        "h3", tag("span", check.title), tag("span", verdict, class_=CLASSES.get(check.result))
    )
    return tag("div", heading, *said, class_="check")


def _configuration(content: Content) -> Markup:
    if not content.parameters:
        return Markup("")
    rows = [
        tag(
            "tr",
            tag("td", parameter.key),
            tag("td", parameter.said, class_=None if parameter.as_desired else "bad"),
        )
        for parameter in content.parameters
    ]
    more = f"{content.parameters_left_out} more are on the record."
    return joined(
        (
            tag("h2", "Configuration"),
            tag("table", *rows),
            tag("p", more, class_="small muted") if content.parameters_left_out else Markup(""),
        )
    )


def _charge(report: ChargePointReport, content: Content) -> Markup:
    plot = plot_charge(report.transaction, report.readings) if report.transaction else None
    few = content.charge_missing or "There are too few meter values for a plot."
    drawn = draw_svg(plot) if plot else tag("p", few, class_="muted")
    return joined(
        (tag("h2", "Test charge"), facts(content.connectors), drawn, facts(content.charge))
    )


def _frames(content: Content) -> Markup:
    arrows = {FrameDirection.FROM_CHARGE_POINT: "◀", FrameDirection.TO_CHARGE_POINT: "▶"}
    lines = [
        f"{frame.at:%H:%M:%S.%f}"[:12] + f" {arrows[frame.direction]} {frame_text(frame)}"
        for frame in content.frames
    ]
    said = f"{len(lines)} of {content.frames_logged} that were logged; times in UTC"
    return joined(
        (
            tag("h2", "Frames that prove it"),
            tag("p", said if lines else "The log of this run holds none.", class_="small muted"),
            tag("pre", "\n".join(lines)) if lines else Markup(""),
        )
    )


def _declared(
    content: Content, photos: tuple[PhotoFact, ...], thumbnails: Mapping[str, bytes]
) -> Markup:
    said = "Entered by hand. The engine has not measured or verified any of it."
    parts = [tag("h2", "Declared by the installer"), tag("p", said, class_="small muted")]
    parts.append(facts(content.declared) if content.declared else tag("p", "Nothing was declared."))
    if content.declared_notes:
        parts.append(tag("p", content.declared_notes))
    if content.signature:
        parts.append(tag("p", tag("b", content.signature), " signed off by name."))
    if content.declared_by:
        parts.append(tag("p", f"Declared by {content.declared_by}", class_="small muted"))
    if photos:
        figures = [_photo(photo, thumbnails.get(photo.id)) for photo in photos]
        parts.append(tag("div", *figures, class_="photos"))
    return tag("section", *parts, class_="declared")


def _photo(photo: PhotoFact, data: bytes | None) -> Markup:
    said = photo.caption or f"Added {moment(photo.added_at)}"
    caption = tag("figcaption", said, class_="small muted")
    if data is None:
        return tag("figure", caption)
    source = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    picture = tag("img", src=source, alt=photo.caption or "Photo")
    return tag("figure", Markup(picture.removesuffix("</img>")), caption)


def _foot(issue: Issue, sha256: str) -> Markup:
    return tag(
        "footer",
        tag("p", f"{issue.certificate_id} · number {issue.number} · {moment(issue.issued_at)}"),
        tag("p", "The PDF is the signed document. Its SHA-256: ", tag("code", sha256)),
        tag("p", "Check it offline with ", tag("code", "dynamo verify FILE --key KEYS"), "."),
        tag("p", "The keys: ", tag("a", issue.keys_url, href=issue.keys_url)),
        tag("p", "Online copy: ", tag("a", issue.url, href=issue.url)),
    )
