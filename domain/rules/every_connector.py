"""Which connectors get a test charge, and what their tests amount to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.checks import ConnectorsToTest, ConnectorTest, Evidence, Failure
from domain.failures import FailureCode
from domain.rules.connector import names_of
from domain.states import CheckResult, ConnectorChoice


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """``to_test`` in this order; ``left_out`` was not chosen; ``missing`` was, and is not there."""

    to_test: tuple[int, ...]
    left_out: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Conclusion:
    """The result of the check, by the tests of all connectors.

    ``evidence`` is that of the test which decides: the first that failed, else the first that
    passed.
    """

    result: CheckResult
    evidence: Evidence
    failure: Failure | None = None
    skip_reason: str | None = None
    notes: tuple[str, ...] = ()
    needs_review: bool = False


def plan_of(choice: ConnectorsToTest, present: Sequence[int]) -> Plan:
    """Choose among the connectors that are there, of which there is one at least."""
    match choice:
        case ConnectorChoice.ALL:
            chosen = tuple(present)
        case ConnectorChoice.FIRST:
            chosen = (min(present),)
        case numbers:
            chosen = tuple(dict.fromkeys(numbers))
    return Plan(
        to_test=tuple(number for number in chosen if number in present),
        left_out=tuple(number for number in present if number not in chosen),
        missing=tuple(number for number in chosen if number not in present),
    )


def conclude(tests: Sequence[ConnectorTest]) -> Conclusion:
    """Sum the tests up. One that failed fails the check, and names its connector.

    One connector tested at least, and the others not by a person's decision: passed, and to be
    looked at. None tested, and none failed: skipped, as one connector alone would be.
    """
    failed = _with(tests, CheckResult.FAILED)
    passed = _with(tests, CheckResult.PASSED)
    skipped = _with(tests, CheckResult.SKIPPED)
    deciding = next(iter((*failed, *passed, *tests)), None)
    evidence = deciding.evidence if deciding else {}
    untested = tuple(said_of_untested(test) for test in skipped)
    if failed:
        return Conclusion(
            result=CheckResult.FAILED,
            evidence=evidence,
            failure=_failure(failed, alone=len(tests) == 1),
            notes=(*untested, *_kept_by_a_retry(passed, failed)),
        )
    if passed:
        return Conclusion(
            result=CheckResult.PASSED,
            evidence=evidence,
            notes=untested,
            needs_review=bool(skipped),
        )
    return Conclusion(
        result=CheckResult.SKIPPED, evidence=evidence, skip_reason=_why_skipped(skipped)
    )


def said_of_untested(test: ConnectorTest) -> str:
    """Say that a connector was not tested, why, and who decided so."""
    return f"Connector {test.connector_id} was not tested: {test.skip_reason}"


def with_connector(connector_id: int, sentence: str) -> str:
    """Have a sentence name its connector, where it does not by itself."""
    if re.search(rf"\b[Cc]onnector {connector_id}\b", sentence):
        return sentence
    return f"Connector {connector_id}: {sentence}"


def _with(tests: Sequence[ConnectorTest], result: CheckResult) -> list[ConnectorTest]:
    return [test for test in tests if test.result is result]


def _failure(failed: Sequence[ConnectorTest], *, alone: bool) -> Failure | None:
    first = failed[0].failure
    if first is None or alone:
        return first
    others = [
        f"Connector {test.connector_id} failed, too ({test.failure.code})."
        for test in failed[1:]
        if test.failure is not None
    ]
    return replace(
        first, cause=" ".join((with_connector(failed[0].connector_id, first.cause), *others))
    )


def _kept_by_a_retry(
    passed: Sequence[ConnectorTest], failed: Sequence[ConnectorTest]
) -> tuple[str, ...]:
    restarted = any(
        test.failure is not None and test.failure.code == FailureCode.RESTARTED_IN_CHARGE
        for test in failed
    )
    if restarted or not passed:
        return ()
    which = names_of([test.connector_id for test in passed])
    note = (
        f"{which.capitalize()} passed. A retry keeps that, unless the charge point restarts or is "
        "configured anew meanwhile."
    )
    return (note,)


def _why_skipped(skipped: Sequence[ConnectorTest]) -> str | None:
    """Only what was skipped on site says why nothing was tested; the rest was left out before."""
    reasons = [test.skip_reason for test in skipped if test.skip_reason and test.started_at]
    return " ".join(dict.fromkeys(reasons)) or None
