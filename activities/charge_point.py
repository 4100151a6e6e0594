"""Operations on a charge point: activities on the task queue of the node with its socket."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Final, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeats import beating
from domain import operations as op
from domain.names import CHARGE_POINT_GONE
from domain.operations import OperationName
from domain.ports import ChargePointGateway, ChargePointGoneError

ResultT = TypeVar("ResultT")

# A third of policies.NODE_HEARTBEAT: a dead node is noticed by silence. Most operations are done
# before the first.
_BEAT: Final = timedelta(seconds=4)


class ChargePointActivities:
    """One activity an operation; see :class:`domain.ports.ChargePointGateway`."""

    def __init__(self, gateway: ChargePointGateway) -> None:
        self._gateway = gateway

    @activity.defn(name=OperationName.READ_IDENTITY)
    async def read_identity(self, request: op.ReadIdentity) -> op.Identity:
        """Read who the charge point says it is, its round trip and its clock."""
        return await under_heartbeats(self._gateway.read_identity(request))

    @activity.defn(name=OperationName.READ_CONFIGURATION)
    async def read_configuration(self, request: op.ReadConfiguration) -> op.Configuration:
        """Read configuration keys."""
        return await under_heartbeats(self._gateway.read_configuration(request))

    @activity.defn(name=OperationName.APPLY_CONFIGURATION)
    async def apply_configuration(self, request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        """Bring parameters to their desired values."""
        return await under_heartbeats(self._gateway.apply_configuration(request))

    @activity.defn(name=OperationName.TRIGGER)
    async def trigger(self, request: op.Trigger) -> op.Outcome:
        """Ask for a message."""
        return await under_heartbeats(self._gateway.trigger(request))

    @activity.defn(name=OperationName.CHANGE_AVAILABILITY)
    async def change_availability(self, request: op.ChangeAvailability) -> op.Outcome:
        """Make a connector operative or inoperative."""
        return await under_heartbeats(self._gateway.change_availability(request))

    @activity.defn(name=OperationName.UNLOCK_CONNECTOR)
    async def unlock_connector(self, request: op.UnlockConnector) -> op.Outcome:
        """Let go of a plug, once for the intent."""
        return await under_heartbeats(self._gateway.unlock_connector(request))

    @activity.defn(name=OperationName.START_TEST_TRANSACTION)
    async def start_test_transaction(self, request: op.StartTestTransaction) -> op.Outcome:
        """Start a charge remotely, once for the intent."""
        return await under_heartbeats(self._gateway.start_test_transaction(request))

    @activity.defn(name=OperationName.STOP_TEST_TRANSACTION)
    async def stop_test_transaction(self, request: op.StopTestTransaction) -> op.Outcome:
        """Stop a charge remotely."""
        return await under_heartbeats(self._gateway.stop_test_transaction(request))

    @activity.defn(name=OperationName.UPDATE_FIRMWARE)
    async def update_firmware(self, request: op.UpdateFirmware) -> op.Outcome:
        """Start a firmware update, once for the intent."""
        return await under_heartbeats(self._gateway.update_firmware(request))

    @activity.defn(name=OperationName.RESET)
    async def reset(self, request: op.Reset) -> op.Outcome:
        """Restart the charge point, once for the intent."""
        return await under_heartbeats(self._gateway.reset(request))

    @activity.defn(name=OperationName.COLLECT_LOGS)
    async def collect_logs(self, request: op.CollectLogs) -> op.Outcome:
        """Have the charge point upload its diagnostics, once for the intent."""
        return await under_heartbeats(self._gateway.collect_logs(request))

    @activity.defn(name=OperationName.PING)
    async def ping(self, request: op.Operation) -> op.Ping:
        """Measure a round trip on the socket."""
        return await under_heartbeats(self._gateway.ping(request))


async def under_heartbeats(operation: Awaitable[ResultT]) -> ResultT:
    """Run an operation under heartbeats; a missing socket is a typed, final error."""
    try:
        async with beating(_BEAT):
            return await operation
    except ChargePointGoneError as error:
        raise ApplicationError(str(error), type=CHARGE_POINT_GONE, non_retryable=True) from error
    except asyncio.CancelledError:
        details = activity.cancellation_details()
        if details is None or not details.worker_shutdown:
            raise
        # Nobody asked for this cancellation, so Temporal would not take it, and the workflow would
        # learn of it by silence.
        raise ApplicationError(
            "The node stops.", type=CHARGE_POINT_GONE, non_retryable=True
        ) from None
