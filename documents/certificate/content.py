"""What a certificate says about one charge point, in words; the PDF and the page both draw it.

Nothing in here is cleaned or escaped: texts of a charge point stand as they were stored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from documents.certificate.charge_words import (
    charge_missing,
    charge_rows,
    charge_said,
    was_tested,
    why_skipped,
)
from documents.certificate.connector_words import (
    Rows,
    connector_rows,
    has_several,
    said_of_untested,
    test_charge_of,
)
from documents.certificate.words import (
    CHECK_TITLES,
    duration,
    moment,
    name_of,
    position,
    value_of,
    verdict,
)
from domain.certificates import ChargePointReport, Frame
from domain.checks import CheckRecord, RunView
from domain.commissioning import Registered
from domain.declarations import Declaration, PhaseRotation, Polarity
from domain.drawing import Drawing, read_drawing
from domain.facts import Irregularity
from domain.rules.connector import CONNECTOR_STEP
from domain.rules.identity import NamePlate
from domain.states import CheckName, CheckResult, RunStatus
from domain.withdrawals import Withdrawal

_CONFIGURATION: Final = "configuration."
_SHOWN_ELSEWHERE: Final = frozenset(
    {"vendor", "model", "boot_id", "id_tag", "ocpp_version", "not_read"}
)
_SAID_BY_VALUES: Final = frozenset({"round_trip", "clock"})
_MOST_CONNECTORS: Final = 6
_MOST_PARAMETERS: Final = 24
_WORTH_SAYING: Final = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckContent:
    """One check: its verdict, what was found, what was measured, and what a reader must know."""

    title: str
    result: CheckResult
    took: str
    sentences: tuple[str, ...]
    values: Rows
    notes: tuple[str, ...]
    needs_review: bool
    failure: str | None
    skipped: str | None
    kept_from: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterContent:
    """One configuration key: what the charge point reports, and whether that is as desired."""

    key: str
    said: str
    as_desired: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """All of a charge point's certificate but its plot and its photos."""

    kind: str
    title: str
    passed: bool
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
    signature: str | None


def title_of(device: Registered) -> str:
    """Name a charge point by vendor and model; many models begin with the vendor."""
    if device.vendor.casefold() in device.model.casefold():
        return device.model
    return f"{device.vendor} {device.model}"


def content_of(report: ChargePointReport) -> Content:
    """Put a charge point's report into words."""
    run, device = report.run, report.registered
    # What is not as desired comes first: a long list is cut.
    parameters = sorted(_parameters(run), key=lambda parameter: parameter.as_desired)
    passed = run.status is RunStatus.COMPLETED and report.stale is None
    said, result = verdict(passed=passed, tested=was_tested(run), untested=said_of_untested(run))
    if report.stale is not None:
        said = "No longer current"
    return Content(
        kind="Commissioning certificate" if passed else "Commissioning report",
        title=f"{title_of(device)} · {device.serial_number}",
        passed=passed,
        verdict=said,
        result=result,
        verdict_at=moment(run.completed_at, report.time_zone) if run.completed_at else "",
        serial_said=f"{device.serial_number}{_declared_only(report, NamePlate.SERIAL_NUMBER)}",
        model_said=f"{title_of(device)}{_declared_only(report, NamePlate.VENDOR, NamePlate.MODEL)}",
        needs_review=to_review(run),
        identity=_identity(report),
        run=_run(report),
        checks=tuple(_check(report, check) for check in run.checks),
        parameters=tuple(parameters[:_MOST_PARAMETERS]),
        parameters_left_out=max(len(parameters) - _MOST_PARAMETERS, 0),
        connectors=connector_rows(test) if (test := test_charge_of(run)) else (),
        charge=charge_rows(report),
        charge_said=charge_said(run),
        charge_missing=charge_missing(report),
        alarms=run.alarms + tuple(_no_longer(report)),
        frames=report.frames,
        frames_logged=report.frames_logged,
        declared=_declared(report.declaration, report.time_zone),
        declared_by=f"{report.declaration.by}, {moment(report.declaration.at, report.time_zone)}"
        if report.declaration
        else None,
        declared_notes=report.declaration.declared.notes if report.declaration else None,
        signature=report.declaration.declared.signature if report.declaration else None,
        drawing=_drawing(report.declaration),
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
    reported = _evidence(report.run, CheckName.OCPP_HANDSHAKE, "charge_point_serial")
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
    rows.append(("Firmware", _firmware(report.run) or "not reported"))
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
    version = _evidence(run, CheckName.OCPP_HANDSHAKE, "ocpp_version")
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


def _firmware(run: RunView) -> str | None:
    return _evidence(run, CheckName.FIRMWARE_VERSION, "reported")


def _evidence(run: RunView, name: CheckName, key: str) -> str | None:
    for check in run.checks:
        if check.name is name and check.evidence.get(key) is not None:
            return str(check.evidence[key])
    return None


def _check(report: ChargePointReport, check: CheckRecord) -> CheckContent:
    took = ""
    if check.started_at and check.ended_at:
        seconds = (check.ended_at - check.started_at).total_seconds()
        took = duration(seconds) if seconds >= _WORTH_SAYING else ""
    failure = check.failure
    return CheckContent(
        title=CHECK_TITLES[check.name],
        result=check.result,
        took=took,
        sentences=tuple(_sentences(check)),
        values=_values(report, check),
        notes=check.notes,
        needs_review=check.needs_review,
        failure=f"{failure.cause} {failure.action}" if failure else None,
        skipped=why_skipped(report.run, check),
        kept_from=check.kept_from,
    )


def _sentences(check: CheckRecord) -> Iterator[str]:
    if has_several(check):
        return  # each connector has its line below the test charge's heading
    connectors = [step for step in check.steps if step.name.startswith(CONNECTOR_STEP)]
    for step in check.steps:
        said = step.result is CheckResult.PASSED and step.name in _SAID_BY_VALUES
        if not said and not step.name.startswith((_CONFIGURATION, CONNECTOR_STEP)):
            yield step.detail
    # What is wrong first; of many that are well, the first few speak for all.
    connectors.sort(key=lambda step: step.result is CheckResult.PASSED)
    for step in connectors[:_MOST_CONNECTORS]:
        yield step.detail
    if len(connectors) > _MOST_CONNECTORS:
        rest = connectors[_MOST_CONNECTORS:]
        well = sum(step.result is CheckResult.PASSED for step in rest)
        yield f"{len(rest)} more connectors are on the record; {well} of them passed."


def _values(report: ChargePointReport, check: CheckRecord) -> Rows:
    if check.name is CheckName.TEST_TRANSACTION:
        return ()  # beside the plot
    evidence = dict(check.evidence)
    if evidence.get("version") == evidence.get("reported"):
        evidence.pop("version", None)
    known = {
        "charge_point_serial": report.registered.serial_number,
        "reported": _firmware(report.run),
    }
    for key, value in known.items():
        if str(evidence.get(key)) == value:
            evidence.pop(key)
    return tuple(
        (name_of(key), value_of(key, value))
        for key, value in evidence.items()
        if key not in _SHOWN_ELSEWHERE and value is not None
    )


def _parameters(run: RunView) -> Iterator[ParameterContent]:
    for check in run.checks:
        for step in check.steps:
            if step.name.startswith(_CONFIGURATION):
                key = step.name.removeprefix(_CONFIGURATION)
                well = step.result is CheckResult.PASSED
                said = step.detail.removeprefix(f"{key} is ").removesuffix(".")
                value = said.removesuffix(" is desired").partition("; ")
                yield ParameterContent(
                    key=key,
                    said=value[0] if well and value[0] == value[2] else said,
                    as_desired=well,
                )


def _declared(declaration: Declaration | None, time_zone: str) -> Rows:
    if declaration is None:
        return ()
    fields = declaration.declared
    measured: Sequence[tuple[str, object, str]] = (
        ("Electrical installation certificate", fields.certificate_reference, ""),
        ("Installer's registration", fields.installer_registration, ""),
        ("Installer's competence", fields.installer_competence, ""),
        ("Earthing system", fields.earthing_system, ""),
        ("PEN fault protection", fields.pen_fault_protection, ""),
        ("Protective device", fields.protective_device, ""),
        ("Its rated current In", fields.protective_device_current_a, "A"),
        ("Cable", fields.cable, ""),
        ("Its cross-section", fields.cable_cross_section_mm2, "mm²"),
        ("R1+R2", fields.r1_plus_r2_ohm, "Ω"),
        ("Polarity", _in_words(fields.polarity), ""),
        ("Phase rotation", _in_words(fields.phase_rotation), ""),
        ("RCD type", fields.rcd_type and fields.rcd_type.value.replace("-", " "), ""),
        ("RCD rated residual current", fields.rcd_rated_current_ma, "mA"),
        ("RCD trip time", fields.rcd_trip_time_ms, "ms"),
        ("Earth-loop impedance Zs", fields.earth_loop_impedance_ohm, "Ω"),
        ("Insulation resistance", fields.insulation_resistance_mohm, "MΩ"),
        ("Test instrument", fields.instrument, ""),
        ("Tested by", fields.tested_by, ""),
        ("Tested at", fields.tested_at and moment(fields.tested_at, time_zone), ""),
    )
    return tuple(
        (label, f"{value} {unit}".strip()) for label, value, unit in measured if value is not None
    )


def _drawing(declaration: Declaration | None) -> Drawing | None:
    path = None if declaration is None else declaration.declared.signature_drawing
    return None if path is None else read_drawing(path)


def _in_words(found: Polarity | PhaseRotation | None) -> str | None:
    return None if found is None else found.value.replace("_", " ")
