"""Queries of a machine that is busy: the server gives a worker ten seconds for each."""

from typing import Any, Final

from temporalio.client import Interceptor, OutboundInterceptor, QueryWorkflowInput
from temporalio.service import RPCError, RPCStatusCode

_TRIES: Final = 6


class AskedAgain(Interceptor):
    """Asks again what a worker did not answer in time; a test tells what it heard, not how fast."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        """See the base class."""
        return _Asking(next)


class _Asking(OutboundInterceptor):
    async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002
        for left in reversed(range(_TRIES)):
            try:
                return await super().query_workflow(input)
            except RPCError as error:
                if error.status is not RPCStatusCode.DEADLINE_EXCEEDED or not left:
                    raise
        raise AssertionError("the last try returns or raises")
