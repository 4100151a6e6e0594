"""Is the firmware approved? Version texts of chargers are not semver; never a crash on one."""

import re
from dataclasses import dataclass

from domain.catalogue import FirmwareRule
from domain.checks import Failure
from domain.failures import FailureCode, failure


@dataclass(frozen=True, kw_only=True, slots=True)
class FirmwareVerdict:
    """``failure`` None is a pass; ``needs_review`` a pass that a person should look at."""

    reported: str | None
    version: str | None
    detail: str
    needs_review: bool = False
    failure: Failure | None = None


def judge_firmware(reported: str | None, rule: FirmwareRule | None) -> FirmwareVerdict:
    """Judge the version text of the newest boot by the catalogue's rule for the model."""
    version = None if reported is None else _extract(reported, rule)
    if rule is None:
        return FirmwareVerdict(
            reported=reported,
            version=version,
            needs_review=True,
            detail="The catalogue has no firmware rule for this model.",
        )
    if version is None:
        return _unknown(reported, None, rule)
    if version in rule.blocked:
        return FirmwareVerdict(
            reported=reported,
            version=version,
            detail="The version is on the block list.",
            failure=failure(FailureCode.FIRMWARE_BLOCKED, version=version),
        )
    if version in rule.allowed:
        return FirmwareVerdict(
            reported=reported,
            version=version,
            detail="The version is on the list of approved ones.",
        )
    if rule.minimum is None:
        return _unknown(reported, version, rule)
    place, least = _place(version, rule), _place(rule.minimum, rule)
    if place is None or least is None:
        return _unknown(reported, version, rule)
    if place < least:
        return FirmwareVerdict(
            reported=reported,
            version=version,
            detail=f"The version is older than {rule.minimum}.",
            failure=failure(FailureCode.FIRMWARE_OUTDATED, version=version, minimum=rule.minimum),
        )
    return FirmwareVerdict(
        reported=reported, version=version, detail=f"The version is {rule.minimum} or newer."
    )


def _extract(reported: str, rule: FirmwareRule | None) -> str | None:
    if rule is None:
        return reported.strip() or None
    found = re.search(rule.extract, reported.strip())
    return found.group(1) if found and found.group(1) else None


def _place(version: str, rule: FirmwareRule) -> tuple[int, ...] | None:
    """Where a version stands among others; None when it cannot be compared."""
    if rule.order:
        return (rule.order.index(version),) if version in rule.order else None
    parts = re.findall(r"\d+", version)
    numbers = [int(part) for part in parts]
    while numbers and numbers[-1] == 0:  # 1.8 is 1.8.0
        numbers.pop()
    return tuple(numbers) if parts else None


def _unknown(reported: str | None, version: str | None, rule: FirmwareRule) -> FirmwareVerdict:
    told = _written(version or reported)
    return FirmwareVerdict(
        reported=reported,
        version=version,
        needs_review=not rule.strict,
        detail=f"The catalogue does not know the version ({told}).",
        failure=failure(FailureCode.FIRMWARE_UNKNOWN, version=told) if rule.strict else None,
    )


def shown(verdict: FirmwareVerdict) -> str:
    """Write the version for a sentence, or that there is none."""
    return _written(verdict.version or verdict.reported)


def _written(version: str | None) -> str:
    return repr(version) if version and version.strip() else "(it reports no version)"
