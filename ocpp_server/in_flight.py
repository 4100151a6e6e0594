"""Which charge points have an operation in flight on this node, for a node that drains."""

from collections import Counter
from typing import Any

from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from domain.operations import Operation


class InFlight(Interceptor):
    """Counts the operations of the node's activity worker by their charge point."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    def __contains__(self, charge_point_id: object) -> bool:
        """Whether an operation on that charge point runs."""
        return charge_point_id in self._running

    def __len__(self) -> int:
        """How many operations run."""
        return self._running.total()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        """Count around each activity."""
        return _Counting(next, self._running)


class _Counting(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, running: Counter[str]) -> None:
        super().__init__(inner)
        self._running = running

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's
        request = input.args[0] if input.args else None
        if not isinstance(request, Operation):
            return await super().execute_activity(input)
        charge_point_id = request.charge_point_id
        self._running[charge_point_id] += 1
        try:
            return await super().execute_activity(input)
        finally:
            self._running[charge_point_id] -= 1
            if not self._running[charge_point_id]:
                del self._running[charge_point_id]
