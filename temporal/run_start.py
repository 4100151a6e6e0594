"""A run is started once the one before it has closed: both have the same workflow id."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import SearchAttributeKey, TypedSearchAttributes
from temporalio.service import RPCError

from domain.commissioning import RunRequest, RunToStart
from domain.errors import UnavailableError
from domain.names import SearchAttribute, commissioning_workflow_id
from temporal import starts
from temporal.client import RPC_TIMEOUT

_CLOSING_GRACE = timedelta(seconds=5)
_CLOSING_PAUSE = 0.2
_COMMISSIONING = SearchAttributeKey.for_keyword(SearchAttribute.COMMISSIONING)
_Clients = Callable[[], AbstractAsyncContextManager[Client]]


async def start_when_free(clients: _Clients, run: RunToStart, *, task_queue: str) -> None:
    """Start the run's workflow; harmless when it was started already.

    A workflow that is still closing holds the id for a moment, so that is waited for.

    Raises:
        UnavailableError: ``previous_run_closing``.
        RPCError: Temporal refused or did not answer.

    """
    start = starts.run(run)
    give_up = asyncio.get_running_loop().time() + _CLOSING_GRACE.total_seconds()
    while True:
        async with clients() as client:
            if await start.begin(client, task_queue):
                return
        if await _runs_already(clients, run.request):
            return
        if asyncio.get_running_loop().time() > give_up:
            raise UnavailableError(
                "previous_run_closing",
                "The run before this one is still closing. Try again in a moment.",
            )
        await asyncio.sleep(_CLOSING_PAUSE)


def is_of(attributes: TypedSearchAttributes, request: RunRequest) -> bool:
    """Tell whether these are the attributes of that run's workflow."""
    return attributes.get(_COMMISSIONING) == request.commissioning_id


async def _runs_already(clients: _Clients, request: RunRequest) -> bool:
    """Tell whether the workflow that holds the id is this very run."""
    handle_id = commissioning_workflow_id(request.charge_point_id)
    try:
        async with clients() as client:
            holder = await client.get_workflow_handle(handle_id).describe(rpc_timeout=RPC_TIMEOUT)
    except RPCError:
        return False
    return is_of(holder.typed_search_attributes, request)
