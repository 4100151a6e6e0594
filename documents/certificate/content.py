"""What a certificate says about one charge point, in words; the PDF and the page both draw it.

Nothing in here is cleaned or escaped: texts of a charge point stand as they were stored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from documents.certificate.charge_words import charge_missing, charge_rows, charge_said, was_tested
from documents.certificate.check_words import (
    CheckContent,
    ParameterContent,
    check_content,
    evidence_of,
    firmware_of,
    parameters_of,
)
from documents.certificate.checklist_words import ChecklistContent, checklist_content
from documents.certificate.connector_words import (
    Rows,
    connector_rows,
    said_of_untested,
    test_charge_of,
)
from documents.certificate.declared_words import (
    contractor_rows,
    declared_rows,
    drawing_of,
    picture_of,
)
from documents.certificate.words import moment, position, verdict
from domain.certificates import ChargePointReport, Frame
from domain.checks import RunView
from domain.commissioning import Registered
from domain.drawing import Drawing
from domain.facts import Irregularity
from domain.rules.identity import NamePlate
from domain.states import CheckName, CheckResult, RunStatus
from domain.withdrawals import Withdrawal

_MOST_PARAMETERS: Final = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """All of a charge point's certificate but its plot and its photos."""

    kind: str
    title: str
    verdict: str
    result: CheckResult
    """By which the verdict is coloured: ``skipped`` where it passed without a test charge."""
    verdict_at: str
    serial_said: str
    model_said: str
    """Vendor and model in one; marked where it was declared and not read, as the serial number."""
    needs_review: bool
    identity: Rows
    run: Rows
    checks: tuple[CheckContent, ...]
    parameters: tuple[ParameterContent, ...]
    parameters_left_out: int
    connectors: Rows
    """Each connector of several: tested, or not tested and by whose decision."""
    charge: Rows
    charge_said: str
    """The test charge in a word or two."""
    charge_missing: str | None
    """Why there is no test charge to show."""
    alarms: tuple[str, ...]
    frames: tuple[Frame, ...]
    frames_logged: int
    declared: Rows
    declared_by: str | None
    declared_notes: str | None
    drawing: Drawing | None
    """The signature as it was drawn, beside the typed one."""
    picture: bytes | None
    """The same as a picture (PNG), in its place."""
    signature: str | None
    checklist: ChecklistContent | None


def title_of(device: Registered) -> str:
    """Name a charge point by vendor and model; many models begin with the vendor."""
    if device.vendor.casefold() in device.model.casefold():
        return device.model
    return f"{device.vendor} {device.model}"


def content_of(report: ChargePointReport) -> Content:
    """Put a charge point's report into words."""
    run, device = report.run, report.registered
    # What is not as desired comes first: a long list is cut.
    parameters = sorted(parameters_of(run), key=lambda parameter: parameter.as_desired)
    passed = run.status is RunStatus.COMPLETED and report.stale is None
    said, result = verdict(passed=passed, tested=was_tested(run), untested=said_of_untested(run))
    if report.stale is not None:
        said = "No longer current"
    return Content(
        kind="Commissioning certificate" if passed else "Commissioning report",
        title=f"{title_of(device)} · {device.serial_number}",
        verdict=said,
        result=result,
        verdict_at=moment(run.completed_at, report.time_zone) if run.completed_at else "",
        serial_said=f"{device.serial_number}{_declared_only(report, NamePlate.SERIAL_NUMBER)}",
        model_said=f"{title_of(device)}{_declared_only(report, NamePlate.VENDOR, NamePlate.MODEL)}",
        needs_review=to_review(run),
        identity=_identity(report),
        run=_run(report),
        checks=tuple(check_content(report, check) for check in run.checks),
        parameters=tuple(parameters[:_MOST_PARAMETERS]),
        parameters_left_out=max(len(parameters) - _MOST_PARAMETERS, 0),
        connectors=connector_rows(test) if (test := test_charge_of(run)) else (),
        charge=charge_rows(report),
        charge_said=charge_said(run),
        charge_missing=charge_missing(report),
        alarms=run.alarms + tuple(_no_longer(report)),
        frames=report.frames,
        frames_logged=report.frames_logged,
        declared=contractor_rows(report.contractor)
        + declared_rows(report.declaration, report.time_zone),
        declared_by=f"{report.declaration.by}, {moment(report.declaration.at, report.time_zone)}"
        if report.declaration
        else None,
        declared_notes=report.declaration.declared.notes if report.declaration else None,
        signature=report.declaration.declared.signature if report.declaration else None,
        drawing=drawing_of(report.declaration),
        picture=picture_of(report.declaration),
        checklist=checklist_content(report.checklist, report.time_zone),
    )


def _no_longer(report: ChargePointReport) -> Iterator[str]:
    """Say why the verdict does not speak for the site any more."""
    if report.stale is not None:
        yield (
            f"This verdict is no longer current: the charge point {report.stale}. Commission it "
            "again."
        )
    if report.withdrawal is not None:
        yield f"This charge point is out of the project: {said_of_withdrawal(report.withdrawal)}."


def said_of_withdrawal(withdrawal: Withdrawal, replaced_by: str | None = None) -> str:
    """Say when, by whom and why a charge point was withdrawn, and what is in its place."""
    when = moment(withdrawal.at) if withdrawal.at else "soon"
    by = f" by {withdrawal.by}" if withdrawal.by else ""
    instead = f"; in its place is {replaced_by}" if replaced_by else ""
    return f"withdrawn {when}{by}: {withdrawal.reason.rstrip('.')}{instead}"


def _identity(report: ChargePointReport) -> Rows:
    device, place = report.registered, report.position
    reported = evidence_of(report.run, CheckName.OCPP_HANDSHAKE, "charge_point_serial")
    rows = [
        ("Vendor", f"{device.vendor}{_declared_only(report, NamePlate.VENDOR)}"),
        ("Model", f"{device.model}{_declared_only(report, NamePlate.MODEL)}"),
        (
            "Serial number",
            f"{device.serial_number}{_declared_only(report, NamePlate.SERIAL_NUMBER)}",
        ),
    ]
    if reported is not None and reported.casefold() != device.serial_number.casefold():
        rows.append(("Serial it reports", reported))
    if report.replaces is not None:
        rows.append(("Replaces", report.replaces))
    rows.append(("Firmware", firmware_of(report.run) or "not reported"))
    rows.append(("Place", device.place or "not given"))
    if place is not None:
        rows.append(("Position", position(place.latitude, place.longitude)))
    return tuple(rows)


def to_review(run: RunView) -> bool:
    """Tell whether a person should look at something that passed."""
    return any(check.needs_review for check in run.checks)


def _declared_only(report: ChargePointReport, *fields: NamePlate) -> str:
    """Mark what the charge point did not say itself, in part at least."""
    for check in report.run.checks:
        unread = check.evidence.get("not_read")
        if check.name is CheckName.OCPP_HANDSHAKE and isinstance(unread, list):
            return " (declared, not read)" if any(field in unread for field in fields) else ""
    return ""


def _run(report: ChargePointReport) -> Rows:
    run = report.run
    version = evidence_of(run, CheckName.OCPP_HANDSHAKE, "ocpp_version")
    rows = [
        ("Charge point", report.registered.charge_point_id),
        ("Run", run.commissioning_id),
        ("Started", moment(run.started_at, report.time_zone)),
        ("Verdict", moment(run.completed_at, report.time_zone) if run.completed_at else "none"),
        ("Started by", run.started_by or "unknown"),
        ("OCPP", f"{version or report.registered.ocpp_version}"),
    ]
    if report.irregularities:
        rows.append(("Odd messages", _odd(report.irregularities)))
    return tuple(rows)


def _odd(irregularities: Sequence[Irregularity]) -> str:
    """Count what broke the standard; the record in the API names each kind."""
    refused = sum(one.count for one in irregularities if one.refused)
    astray = sum(one.count for one in irregularities if one.astray)
    repaired = sum(one.count for one in irregularities) - refused - astray
    counts = ((refused, "refused"), (astray, "of nothing known here"), (repaired, "repaired"))
    return ", ".join(f"{count:,} {what}" for count, what in counts if count)
