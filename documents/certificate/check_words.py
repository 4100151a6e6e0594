"""What became of a check, in words: what was found, what was measured, what a reader must know."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from documents.certificate.charge_words import why_skipped
from documents.certificate.connector_words import Rows, has_several
from documents.certificate.words import CHECK_TITLES, duration, name_of, value_of
from domain.certificates import ChargePointReport
from domain.checks import CheckRecord, RunView
from domain.rules.connector import CONNECTOR_STEP
from domain.states import CheckName, CheckResult

_CONFIGURATION: Final = "configuration."
_SHOWN_ELSEWHERE: Final = frozenset(
    {"vendor", "model", "boot_id", "id_tag", "ocpp_version", "not_read"}
)
_SAID_BY_VALUES: Final = frozenset({"round_trip", "clock"})
_MOST_CONNECTORS: Final = 6
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


def check_content(report: ChargePointReport, check: CheckRecord) -> CheckContent:
    """Put a check into words."""
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
        "reported": firmware_of(report.run),
    }
    for key, value in known.items():
        if str(evidence.get(key)) == value:
            evidence.pop(key)
    return tuple(
        (name_of(key), value_of(key, value))
        for key, value in evidence.items()
        if key not in _SHOWN_ELSEWHERE and value is not None
    )


def parameters_of(run: RunView) -> Iterator[ParameterContent]:
    """Give each configuration key that was looked at."""
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


def firmware_of(run: RunView) -> str | None:
    """Return the version that the charge point reports."""
    return evidence_of(run, CheckName.FIRMWARE_VERSION, "reported")


def evidence_of(run: RunView, name: CheckName, key: str) -> str | None:
    """Return what a check found under a name, as text."""
    for check in run.checks:
        if check.name is name and check.evidence.get(key) is not None:
            return str(check.evidence[key])
    return None
