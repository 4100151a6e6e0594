"""What a certificate says of each connector: tested, or not tested and by whose decision."""

from datetime import datetime

from documents.certificate.words import duration, energy
from domain.checks import CheckRecord, ConnectorTest, RunView
from domain.rules.connector import names_of
from domain.states import CheckName, CheckResult

Rows = tuple[tuple[str, str], ...]


def test_charge_of(run: RunView) -> CheckRecord | None:
    """Return the check of the test charge."""
    return next((one for one in run.checks if one.name is CheckName.TEST_TRANSACTION), None)


def has_several(check: CheckRecord) -> bool:
    """Tell whether the charge point has connectors to tell apart."""
    return len(check.connectors) > 1


def untested(run: RunView) -> tuple[int, ...]:
    """Return the connectors without a test charge, of a run that tested others."""
    check = test_charge_of(run)
    if check is None or check.result is not CheckResult.PASSED:
        return ()
    return tuple(
        one.connector_id for one in check.connectors if one.result is not CheckResult.PASSED
    )


def said_of_untested(run: RunView) -> str | None:
    """Say which were not tested, to follow a verdict; None where all were."""
    numbers = untested(run)
    return f"{names_of(numbers)} not tested" if numbers else None


def connector_rows(check: CheckRecord) -> Rows:
    """Name each connector with what became of its test; nothing where there is one alone."""
    if not has_several(check):
        return ()
    return tuple((f"Connector {one.connector_id}", _said_of(one)) for one in check.connectors)


def _said_of(test: ConnectorTest) -> str:
    kept = f" Kept from the run {test.kept_from}." if test.kept_from else ""
    match test.result:
        case CheckResult.PASSED:
            return f"Tested{_measured(test)}.{kept}"
        case CheckResult.FAILED:
            return f"Failed. {test.failure.cause if test.failure else ''}".strip()
        case _:
            why = test.skip_reason or "No reason was given."
            by = test.decided_by
            if by is None:
                return f"Not tested, by the engine's decision: {why}"
            return f"Not tested: {why}" if by in why else f"Not tested, as {by} decided: {why}"


def _measured(test: ConnectorTest) -> str:
    counted = test.evidence.get("transaction_energy_wh")
    if not isinstance(counted, int | float):
        counted = test.evidence.get("register_energy_wh")
    said = f": {energy(counted)}" if isinstance(counted, int | float) else ""
    return f"{said}{_took(test.started_at, test.ended_at)}" if said else ""


def _took(began: datetime | None, ended: datetime | None) -> str:
    if began is None or ended is None:
        return ""
    return f", within {duration((ended - began).total_seconds())}"
