"""A charge point as a workflow sees it: operations that find it wherever it is."""

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    TimeoutType,
    is_cancelled_exception,
)
from temporalio.exceptions import (
    TimeoutError as ActivityTimeoutError,
)

with workflow.unsafe.imports_passed_through():
    import asyncio
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager, nullcontext
    from dataclasses import replace
    from datetime import timedelta
    from typing import Any, TypeVar

    from activities.charge_point import ChargePointActivities
    from activities.records import DirectoryActivities, OwnerActivities
    from domain.errors import EngineError
    from domain.names import CHARGE_POINT_GONE, node_task_queue
    from domain.operations import Operation
    from domain.ownership import RebootRequest, Whereabouts
    from workflows import policies
    from workflows.inbox import Inbox
    from workflows.temporal_calls import run_local, wait_until

ActivitiesT = TypeVar("ActivitiesT")
MessageT = TypeVar("MessageT")
RequestT = TypeVar("RequestT", bound=Operation)
ResultT = TypeVar("ResultT")


class NoAnswerError(EngineError):
    """An operation had no outcome."""


class ChargePointAwayError(NoAnswerError):
    """The charge point is offline, and did not come back in time."""


class OperationFailedError(NoAnswerError):
    """The engine itself failed at an operation; that says nothing about the charge point."""


class RemoteChargePoint:
    """Sends operations to the node that holds the socket, and follows the charge point.

    An operation whose node died, or whose charge point moved, is sent again to where the charge
    point is now; operations with an effect are recognised there by their intent.
    """

    def __init__(
        self,
        inbox: Inbox,
        *,
        reconnect: timedelta,
        sends: int = policies.NODE_SENDS,
        more_sends: Callable[[], int] = lambda: 0,
        on_call: Callable[[str | None], None] = lambda _summary: None,
        arrive: Callable[[], Awaitable[None]] | None = None,
        come_back: Callable[[], Awaitable[bool]] | None = None,
        held: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        """``held`` is a block in which nobody else tells the charge point anything.

        ``more_sends``: so many more tries has a charge point whose link breaks at each, for the
        reason to be told.

        ``on_call`` is told what is under way, by its summary, and None when it is over.

        ``arrive`` waits for a charge point that was said to be online, was not, and has never
        answered; it raises when it does not come. ``come_back`` waits, in place of ``reconnect``,
        for one that went offline, and tells whether it came.
        """
        self._inbox = inbox
        self._reconnect = reconnect
        self._sends = sends
        self._more_sends = more_sends
        self._on_call = on_call
        self._arrive = arrive
        self._held = held
        self._come_back = come_back or self._reconnected
        self._answers = False
        self._presumed_lost = 0
        """The generation whose node was found dead; nobody else can tell of its end."""

    async def call(
        self,
        operation: Callable[[ChargePointActivities, RequestT], Awaitable[ResultT]],
        request: RequestT,
        *,
        summary: str,
    ) -> ResultT:
        """Run an operation.

        Raises:
            ChargePointAwayError: ``connection_lost``, offline for longer than the reconnect time;
                ``connection_unstable``, it broke at each of several tries.
            OperationFailedError: ``engine_error`` for half a minute, and neither the charge point
                nor its link is why.

        """
        async with self._held():
            self._on_call(summary)
            try:
                return await self._sent(operation, request, summary=summary)
            finally:
                self._on_call(None)

    async def _sent(
        self,
        operation: Callable[[ChargePointActivities, RequestT], Awaitable[ResultT]],
        request: RequestT,
        *,
        summary: str,
    ) -> ResultT:
        failure: OperationFailedError | None = None
        pause = policies.NODE_FAILURE_PAUSE
        sends = unheard = 0
        while sends + unheard < self._sends + (0 if failure else self._more_sends()):
            heard = True
            if failure is not None:
                # The node's database may be away for a moment. Safe: an operation that has an
                # effect carries its intent.
                await workflow.sleep(pause, summary="Pause before it is tried again")
                failure, pause = None, 2 * pause
            await self.be_online()
            sent_to = self._inbox.connection
            assert sent_to is not None  # noqa: S101 - online
            task = asyncio.create_task(
                on_node(operation, request, node_id=sent_to.node_id, summary=summary)
            )
            try:
                if await self._answered(task, generation=sent_to.generation):
                    answer = task.result()
                    self._answers = True
                    return answer
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                failure, heard = _failure_of_ours(error), not _nobody_took(error)
            finally:
                _drop(task)
            sends, unheard = sends + heard, unheard + (not heard)
            lost = failure is None and await self._relocate(
                request.charge_point_id, lost=sent_to.generation
            )
            if lost:
                unheard = 0  # a dead node took nothing up: no link broke at these tries
        raise failure or ChargePointAwayError(
            "connection_unstable", "The connection broke at each try."
        )

    async def _answered(self, task: asyncio.Task[Any], *, generation: int) -> bool:
        """Wait for the answer; False when the charge point has a new connection instead.

        The old node cannot answer then; but an answer that it gave before may still be on its way.
        """
        await workflow.wait_condition(lambda: task.done() or self._inbox.generation > generation)
        if not task.done():
            await wait_until(
                task.done,
                timeout=policies.LATE_ANSWER,
                why="Wait for a late answer of the old connection",
            )
        return task.done()

    async def be_online(self) -> None:
        """Wait for a charge point that is offline, as long as for any that went.

        Raises:
            ChargePointAwayError: ``connection_lost``.

        """
        if self._inbox.connected:
            return
        never_there = self._presumed_lost == self._inbox.generation and not self._answers
        if never_there and self._arrive is not None:
            await self._arrive()
        elif not await self._come_back():
            raise ChargePointAwayError("connection_lost", "The charge point is offline.")

    async def _reconnected(self) -> bool:
        return await wait_until(
            lambda: self._inbox.connected,
            timeout=self._reconnect,
            why="Wait for the charge point to reconnect",
        )

    async def _relocate(self, charge_point_id: str, *, lost: int) -> bool:
        """Ask where the charge point is, unless a signal told; tells whether its node was dead."""
        if self._inbox.generation > lost:
            return False
        before = self._inbox.connection
        found = await locate(charge_point_id)
        if found.connection is not None:
            self._inbox.take_connection(found.connection)
        elif before is not None and before.connected and self._inbox.connection is before:
            # A node that was killed tells of no end: without this, all sends would go to it.
            self._inbox.take_connection(replace(before, connected=False, at=workflow.now()))
            self._presumed_lost = lost
            return True
        if self._inbox.connected and self._inbox.generation == lost:
            # Still said to be on the node that did not answer: its end is not noticed yet.
            await workflow.sleep(policies.RELOCATE_PAUSE)
        return False


async def locate(charge_point_id: str) -> Whereabouts:
    """Find the node that holds the charge point's socket."""
    return await run_local(
        DirectoryActivities.locate, charge_point_id, summary="Locate the charge point"
    )


async def reserve_reboot_slot(charge_point_id: str, *, intent: str) -> timedelta:
    """Reserve a slot in the charge point's project; returns how long to wait for it, often zero.

    Whatever restarts a charge point asks here first, waits durably, and then sends the restart.
    The intent is that of the restart: asking again for the same one gives the same slot.
    """
    reserved = await run_local(
        OwnerActivities.reserve_reboot,
        RebootRequest(charge_point_id=charge_point_id, intent=intent),
        summary="Take a turn to restart the charge point",
    )
    return reserved.wait


async def on_node(
    operation: Callable[[ActivitiesT, MessageT], Awaitable[ResultT]],
    request: MessageT,
    *,
    node_id: str,
    summary: str,
    timeout: timedelta = policies.NODE_OPERATION_TIMEOUT,
    pickup: timedelta | None = None,
) -> ResultT:
    """Run an operation on that node, once; ``pickup`` is :data:`policies.NODE_PICKUP` by default.

    Raises:
        ActivityError: nobody served the node's queue in time, the node died, the charge point's
            socket is not there, or the operation failed.

    """
    return await workflow.execute_activity_method(
        operation,
        request,
        task_queue=node_task_queue(node_id),
        schedule_to_start_timeout=pickup or policies.NODE_PICKUP,
        start_to_close_timeout=timeout,
        heartbeat_timeout=policies.NODE_HEARTBEAT,
        retry_policy=policies.NODE_RETRY,
        summary=summary,
    )


def _drop(task: asyncio.Task[Any]) -> None:
    """Cancel what nobody waits for any more, and await its end."""
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    task.cancel()


def _nobody_took(error: ActivityError) -> bool:
    """Tell whether no node took the operation up, so that it certainly had no effect."""
    cause = error.cause
    return isinstance(cause, ActivityTimeoutError) and cause.type is TimeoutType.SCHEDULE_TO_START


def _failure_of_ours(error: ActivityError) -> OperationFailedError | None:
    """Tell an error of the engine from a node that died or a charge point that moved: None."""
    cause: Any = error.cause
    if not isinstance(cause, ApplicationError) or cause.type == CHARGE_POINT_GONE:
        return None
    return OperationFailedError("engine_error", str(cause))
