"""Operations on a charge point: activities on the task queue of the node with its socket."""

from datetime import timedelta
from typing import Any, Final, Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeats import beating
from domain import operations as op
from domain.names import CHARGE_POINT_GONE
from domain.offline import LocalListUpdated, UpdateLocalList
from domain.operations import OperationName
from domain.ports import ChargePointGoneError
from domain.power import operations as power

# A third of policies.NODE_HEARTBEAT: a dead node is noticed by silence. Most operations are done
# before the first.
_BEAT: Final = timedelta(seconds=4)


class ChargePointActivities(Protocol):
    """Speaks to the charge points whose sockets a node holds, each operation by its name.

    All raise :class:`ChargePointGoneError` when the socket is not (or no longer) here.
    """

    @activity.defn(name=OperationName.READ_IDENTITY)
    async def read_identity(self, request: op.ReadIdentity) -> op.Identity:
        """Read who the charge point says it is, its round trip and its clock."""

    @activity.defn(name=OperationName.READ_CONFIGURATION)
    async def read_configuration(self, request: op.ReadConfiguration) -> op.Configuration:
        """Read configuration keys."""

    @activity.defn(name=OperationName.APPLY_CONFIGURATION)
    async def apply_configuration(self, request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        """Bring parameters to their desired values."""

    @activity.defn(name=OperationName.TRIGGER)
    async def trigger(self, request: op.Trigger) -> op.Outcome:
        """Ask for a message."""

    @activity.defn(name=OperationName.CHANGE_AVAILABILITY)
    async def change_availability(self, request: op.ChangeAvailability) -> op.Outcome:
        """Make a connector operative or inoperative."""

    @activity.defn(name=OperationName.UNLOCK_CONNECTOR)
    async def unlock_connector(self, request: op.UnlockConnector) -> op.Outcome:
        """Let go of a plug, once for the intent."""

    @activity.defn(name=OperationName.START_TEST_TRANSACTION)
    async def start_test_transaction(self, request: op.StartTestTransaction) -> op.Outcome:
        """Start a charge remotely, once for the intent."""

    @activity.defn(name=OperationName.STOP_TEST_TRANSACTION)
    async def stop_test_transaction(self, request: op.StopTestTransaction) -> op.Outcome:
        """Stop a charge remotely."""

    @activity.defn(name=OperationName.UPDATE_FIRMWARE)
    async def update_firmware(self, request: op.UpdateFirmware) -> op.Outcome:
        """Start a firmware update, once for the intent."""

    @activity.defn(name=OperationName.RESET)
    async def reset(self, request: op.Reset) -> op.Outcome:
        """Restart the charge point, once for the intent."""

    @activity.defn(name=OperationName.COLLECT_LOGS)
    async def collect_logs(self, request: op.CollectLogs) -> op.Outcome:
        """Have the charge point upload its diagnostics, once for the intent."""

    @activity.defn(name=OperationName.PING)
    async def ping(self, request: op.Operation) -> op.Ping:
        """Measure a round trip on the socket."""


class PowerActivities(Protocol):
    """Limits what the charge points draw whose sockets a node holds."""

    @activity.defn(name=OperationName.LIMIT_STATION)
    async def limit_station(self, request: power.LimitStation) -> power.StationLimited:
        """Limit a charge point, and what it draws before a transaction has its own limit."""

    @activity.defn(name=OperationName.LIMIT_CONNECTORS)
    async def limit_connectors(self, request: power.LimitConnectors) -> power.ConnectorsLimited:
        """Limit transactions; one whose charge point is not here is answered UNKNOWN."""

    @activity.defn(name=OperationName.LIFT_LIMITS)
    async def lift_limits(self, request: power.LiftLimits) -> op.Outcome:
        """Take the limits of transactions away."""


class LocalListActivities(Protocol):
    """Brings the local lists of id tags of the charge points whose sockets a node holds."""

    @activity.defn(name=OperationName.UPDATE_LOCAL_LIST)
    async def update_local_list(self, request: UpdateLocalList) -> LocalListUpdated:
        """Read who is admitted, and send what the charge point does not have yet."""


async def under_heartbeats(node: object, operation: str, *request: Any) -> Any:
    """Run an operation under heartbeats; a missing socket is a typed, final error."""
    try:
        async with beating(_BEAT, stopped=_gone("The node stops.")):
            return await getattr(node, operation)(*request)
    except ChargePointGoneError as error:
        raise _gone(str(error)) from error


def _gone(why: str) -> ApplicationError:
    return ApplicationError(why, type=CHARGE_POINT_GONE, non_retryable=True)
