"""What a certificate says about the test charge, also where there was none."""

from documents.certificate.connector_words import Rows, has_several, test_charge_of
from documents.certificate.words import CHECK_TITLES, duration, energy, name_of, number, value_of
from domain.certificates import ChargePointReport
from domain.checks import CheckRecord, RunView, Scalar
from domain.states import CheckName, CheckResult


def was_tested(run: RunView) -> bool:
    """Tell whether a test charge passed."""
    check = test_charge_of(run)
    return check is not None and check.result is CheckResult.PASSED


def charge_said(run: RunView) -> str:
    """Say how it went in a word or two, for a list."""
    check = test_charge_of(run)
    if check is None:
        return "none"
    if has_several(check) and check.result is not CheckResult.SKIPPED:
        passed = sum(one.result is CheckResult.PASSED for one in check.connectors)
        return f"{passed} of {len(check.connectors)} connectors"
    measured = check.evidence.get("transaction_energy_wh")
    if check.result is CheckResult.PASSED and isinstance(measured, int | float):
        return energy(measured)
    return check.result.value


def charge_rows(report: ChargePointReport) -> Rows:
    """Name what was measured of it."""
    check = test_charge_of(report.run)
    if check is None or report.transaction is None:
        return ()
    evidence = dict(check.evidence)
    rows = [
        (name_of(key), _charge_value(key, evidence[key]))
        for key in (
            "connector_id",
            "transaction_energy_wh",
            "register_energy_wh",
            "power_over_time_wh",
            "meter_start_wh",
            "meter_stop_wh",
            "samples",
        )
        if evidence.get(key) is not None
    ]
    transaction = report.transaction
    if transaction.stopped_at is not None:
        took = (transaction.stopped_at - transaction.started_at).total_seconds()
        rows.insert(1, ("Duration", duration(max(took, 0))))
    powers = [one.power_w for one in report.readings if one.power_w is not None]
    if powers:
        rows.insert(2, ("Highest power", f"{number(max(powers) / 1000)} kW"))
    return tuple(rows)


def _charge_value(key: str, value: Scalar | list[Scalar]) -> str:
    compared = key in {"transaction_energy_wh", "register_energy_wh", "power_over_time_wh"}
    return energy(value) if compared and isinstance(value, int | float) else value_of(key, value)


def charge_missing(report: ChargePointReport) -> str | None:
    """Say why there is none to show; None where there is one."""
    check = test_charge_of(report.run)
    if report.transaction is not None:
        return None if report.readings else "The charge point sent no meter values."
    if check is None or check.result is CheckResult.SKIPPED:
        why = why_skipped(report.run, check) if check else None
        return f"There was no test charge. {why or ''}".strip()
    return "No test charge started."


def why_skipped(run: RunView, check: CheckRecord) -> str | None:
    """Say why a check was skipped and who decided so; None where it was not."""
    if check.result is not CheckResult.SKIPPED:
        return None
    reason = check.skip_reason or "No reason was given."
    for name, title in CHECK_TITLES.items():
        reason = reason.replace(f"{name.value} failed", f"{title} failed")
    if run.cancelled_by is not None:
        by, why = run.cancelled_by, run.cancel_reason
        return f"{reason} Cancelled by {by}{f': {why}' if why else '.'}"
    decided = check.name is CheckName.TEST_TRANSACTION and not run.run_test_transaction
    if decided and run.failure is None:
        by = run.started_by
        return f"{reason} Decided by {by}." if by and by not in reason else reason
    # What a person skipped on site names that person.
    return reason if " skipped " in reason else f"Skipped by the engine: {reason}"
