"""Shapes of a failure, and of the test charge on each connector: what is asked for, how it went."""

from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field

from api.connection_attempts.schemas import ClaimShown
from api.fields import Absent, PreciseTimestamp, Shown
from domain.checks import CheckRecord, ConnectorsToTest, ConnectorTest, Evidence
from domain.rules.connector import MOST_CONNECTORS
from domain.states import CheckResult, ConnectorChoice

_HIGHEST: Final = 2**31 - 1


def _chosen(given: Any) -> ConnectorsToTest:
    """Read the choice; no number as a text, and no truth value for a number."""
    if isinstance(given, str) and given in list(ConnectorChoice):
        return ConnectorChoice(given)
    if isinstance(given, list | tuple) and 1 <= len(given) <= MOST_CONNECTORS:
        numbers = tuple(given)
        if all(type(one) is int and 1 <= one <= _HIGHEST for one in numbers):
            if len(set(numbers)) == len(numbers):
                return numbers
            raise ValueError("must not name a connector twice")
    raise ValueError(
        'must be "all", "first", or a list of connector numbers, such as [1, 2]; the first '
        "connector is number 1"
    )


_Numbers = Annotated[
    tuple[Annotated[int, Field(ge=1, le=_HIGHEST)], ...],
    Field(min_length=1, max_length=MOST_CONNECTORS, json_schema_extra={"uniqueItems": True}),
]
TestedConnectors = Annotated[ConnectorChoice | _Numbers, BeforeValidator(_chosen)]


def in_brief(it: CheckRecord | ConnectorTest) -> dict[str, Any]:
    """What a brief shows of a check, or of its part on one connector, under other names."""
    failure = it.failure
    return {
        "code": failure and failure.code,
        "cause": failure and failure.cause,
        "action": failure and failure.action,
        "needs_review": it.needs_review or None,
    }


class FailureShown(Shown):
    """Why it failed: a stable code, the cause, what to do."""

    code: str
    cause: str
    action: str
    claim: ClaimShown | None = Field(
        default=None, description="The call that lets it in, where it tries another name"
    )


class ConnectorBrief(Shown):
    """The test charge on one connector in brief; what it has no word for is left out."""

    connector_id: int
    evse_id: int = Field(description="Its EVSE; with OCPP 1.6 the same number")
    result: CheckResult
    code: Absent[str] = None
    cause: Absent[str] = None
    action: Absent[str] = None
    skip_reason: Absent[str] = None
    decided_by: Absent[str] = None
    needs_review: Absent[bool] = None

    @classmethod
    def of(cls, it: ConnectorTest, **others: Any) -> Self:
        """Show how it went."""
        return super().of(it, **in_brief(it), **others)


class ConnectorDetail(Shown):
    """The test charge on one connector with all that justifies its result."""

    connector_id: int
    evse_id: int = Field(description="Its EVSE; with OCPP 1.6 the same number")
    result: CheckResult
    started_at: PreciseTimestamp | None
    ended_at: PreciseTimestamp | None
    needs_review: bool
    skip_reason: str | None
    decided_by: str | None = Field(
        description="Who decided that it is not tested; null of one that the engine left out"
    )
    kept_from: str | None = Field(description="The run that tested it, where a retry has kept that")
    failure: FailureShown | None
    notes: list[str]
    evidence: Evidence
