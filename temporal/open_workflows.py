"""Which workflows are open, asked for in few calls where they are many."""

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from temporal.client import RPC_TIMEOUT

_LISTED_AT_ONCE = 1000
_OPEN = (
    "ExecutionStatus = 'Running' AND WorkflowType IN ('CommissioningWorkflow', "
    "'ConfigurationWorkflow', 'LocalListWorkflow', 'ProjectCommissioningWorkflow', "
    "'SiteWorkflow', 'StrayTransactionWorkflow')"
)


class OpenWorkflows:
    """Temporal's list, which may be a moment behind; one that it lacks is asked for by itself."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._listed: set[str] = set()

    async def refresh(self) -> bool:
        """Read the list anew.

        Raises:
            RPCError: Temporal did not answer; what it told until then is known.

        """
        self._listed = set()
        async for found in self._client.list_workflows(
            _OPEN, page_size=_LISTED_AT_ONCE, rpc_timeout=RPC_TIMEOUT
        ):
            self._listed.add(found.id)
        return True

    def add(self, workflow_id: str) -> None:
        """Know of one that was begun since then."""
        self._listed.add(workflow_id)

    def lists(self, workflow_id: str) -> bool:
        """Whether it was open a moment ago."""
        return workflow_id in self._listed

    def count(self, prefix: str) -> int:
        """How many of them have ids that begin so."""
        return sum(one.startswith(prefix) for one in self._listed)

    async def have(self, workflow_id: str) -> bool:
        """Whether one of that id is open."""
        if self.lists(workflow_id):
            return True
        found = await self.describe(workflow_id)
        return found is not None and found.status is WorkflowExecutionStatus.RUNNING

    async def describe(self, workflow_id: str) -> WorkflowExecutionDescription | None:
        """The newest workflow of that id; None when Temporal knows none."""
        try:
            return await self._client.get_workflow_handle(workflow_id).describe(
                rpc_timeout=RPC_TIMEOUT
            )
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
