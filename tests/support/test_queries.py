"""What a busy worker does not answer in time is asked again, and only that."""

from typing import Any, cast

import pytest
from temporalio.client import OutboundInterceptor, QueryWorkflowInput
from temporalio.service import RPCError, RPCStatusCode

from tests.support.queries import AskedAgain

_QUERY = cast("QueryWorkflowInput", None)  # nobody looks at it


class Busy(OutboundInterceptor):
    """Fails for a while."""

    def __init__(self, failures: int, status: RPCStatusCode) -> None:
        self.failures = failures
        self._status = status

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002
        if self.failures:
            self.failures -= 1
            raise RPCError("query deadline exceeded", self._status, b"")
        return "heard"


async def test_a_late_one_is_asked_again() -> None:
    late = Busy(5, RPCStatusCode.DEADLINE_EXCEEDED)
    assert await AskedAgain().intercept_client(late).query_workflow(_QUERY) == "heard"


@pytest.mark.parametrize(
    ("failures", "status"),
    [(6, RPCStatusCode.DEADLINE_EXCEEDED), (1, RPCStatusCode.NOT_FOUND)],
)
async def test_it_has_an_end_and_a_refusal_is_one(failures: int, status: RPCStatusCode) -> None:
    with pytest.raises(RPCError):
        await AskedAgain().intercept_client(Busy(failures, status)).query_workflow(_QUERY)
