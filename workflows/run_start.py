"""How a run's workflow is started: its id, and what operators see and filter by."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from domain.checks import ConnectorsToTest
from domain.commissioning import Registered, RunRequest
from domain.devices import device_name
from domain.errors import UnavailableError
from domain.names import SearchAttribute, commissioning_workflow_id
from domain.rules.connector import names_of
from domain.states import ConnectorChoice, RunStatus
from workflows.commissioning import CommissioningWorkflow
from workflows.run import in_words

_CLOSING_GRACE = timedelta(seconds=5)
_CLOSING_PAUSE = 0.2
_SUMMARY_BYTES = 200  # the server's limit
_DETAILS = """\
Asked for: {asked}.

- **Cancel** it by *Request Cancellation*; or with a reason by the update `cancel`: \
`{{"reason": "…", "by": "you"}}`.
- **Answer** what it asks by the update `answer`: \
`{{"answer": "done", "note": "…", "by": "you"}}`.
- **Retry** it once it has ended by the update `retry_run` of workflow `{project}`: \
`{{"charge_point_id": "{charge_point}", "by": "you"}}`.
- Never *Terminate* it: its test charge would run on."""
_COMMISSIONING = SearchAttributeKey.for_keyword(SearchAttribute.COMMISSIONING)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStart:
    """A run that is about to be started, and the charge point it is about."""

    request: RunRequest
    registered: Registered

    @property
    def workflow_id(self) -> str:
        """One open workflow per charge point."""
        return commissioning_workflow_id(self.request.charge_point_id)

    @property
    def search_attributes(self) -> TypedSearchAttributes:
        """What operators filter runs by."""
        values = {
            SearchAttribute.CHARGE_POINT: self.registered.charge_point_id,
            SearchAttribute.SERIAL_NUMBER: self.registered.serial_number,
            SearchAttribute.PROJECT: self.request.project_id,
            SearchAttribute.INSTALLER: self.request.installer_id,
            SearchAttribute.VENDOR: self.registered.vendor,
            SearchAttribute.MODEL: self.registered.model,
            SearchAttribute.RUN_STATUS: RunStatus.IN_PROGRESS.value,
            SearchAttribute.COMMISSIONING: self.request.commissioning_id,
        }
        return TypedSearchAttributes(
            [
                SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
                for name, value in values.items()
            ]
        )

    @property
    def summary(self) -> str:
        """One line: the place, the model and the serial number."""
        registered = self.registered
        model = device_name(registered.vendor, registered.model)
        place = registered.place.partition(",")[0].strip()
        parts = [part for part in (place, model, registered.serial_number) if part]
        return " · ".join(parts).encode()[:_SUMMARY_BYTES].decode(errors="ignore")

    @property
    def details(self) -> str:
        """What is fixed from the start, for operators: what was asked for, and what can be done."""
        options = self.request.options
        test = f"with a test charge on {_which(options.test_connectors)}"
        asked = [
            test if options.run_test_transaction else "without a test charge",
            "firmware is updated where it must be" if options.update_firmware else "",
            f"waits {in_words(options.wait_for_connection)} for the charge point",
        ]
        return _DETAILS.format(
            asked=", ".join(part for part in asked if part),
            project=self.request.project_id,
            charge_point=self.request.charge_point_id,
        )

    def is_of(self, attributes: TypedSearchAttributes) -> bool:
        """Tell whether these are the attributes of this very run."""
        return is_of(attributes, self.request)


def is_of(attributes: TypedSearchAttributes, request: RunRequest) -> bool:
    """Tell whether these are the attributes of that run: each run's workflow has the same id."""
    return attributes.get(_COMMISSIONING) == request.commissioning_id


def _which(choice: ConnectorsToTest) -> str:
    match choice:
        case ConnectorChoice.ALL:
            return "each connector"
        case ConnectorChoice.FIRST:
            return "the first connector"
        case numbers:
            return names_of(numbers)


async def start_run(
    client: Client, start: RunStart, *, task_queue: str, rpc_timeout: timedelta
) -> None:
    """Start the run's workflow.

    Raises:
        WorkflowAlreadyStartedError: a workflow holds the charge point's id, maybe this very run's.
        RPCError: Temporal refused or did not answer.

    """
    await client.start_workflow(
        CommissioningWorkflow.run,
        start.request,
        id=start.workflow_id,
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        search_attributes=start.search_attributes,
        static_summary=start.summary,
        static_details=start.details,
        rpc_timeout=rpc_timeout,
    )


async def start_when_free(
    clients: Callable[[], AbstractAsyncContextManager[Client]],
    start: RunStart,
    *,
    task_queue: str,
    rpc_timeout: timedelta,
) -> None:
    """Start the run's workflow; harmless when it was started already.

    A workflow that is still closing holds the id for a moment, so that is waited for.

    Raises:
        UnavailableError: ``previous_run_closing``.
        RPCError: Temporal refused or did not answer.

    """
    give_up = asyncio.get_running_loop().time() + _CLOSING_GRACE.total_seconds()
    while True:
        try:
            async with clients() as client:
                await start_run(client, start, task_queue=task_queue, rpc_timeout=rpc_timeout)
        except WorkflowAlreadyStartedError as error:
            if await _runs_already(clients, start, rpc_timeout=rpc_timeout):
                return
            if asyncio.get_running_loop().time() > give_up:
                raise UnavailableError(
                    "previous_run_closing",
                    "The run before this one is still closing. Try again in a moment.",
                ) from error
            await asyncio.sleep(_CLOSING_PAUSE)
        else:
            return


async def _runs_already(
    clients: Callable[[], AbstractAsyncContextManager[Client]],
    start: RunStart,
    *,
    rpc_timeout: timedelta,
) -> bool:
    """Tell whether the workflow that holds the id is this very run."""
    try:
        async with clients() as client:
            description = await client.get_workflow_handle(start.workflow_id).describe(
                rpc_timeout=rpc_timeout
            )
    except RPCError:
        return False
    return start.is_of(description.typed_search_attributes)
