"""The operations on charge points as activities, served on the task queue of their node."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from domain import operations as op
from domain.ports import ChargePointGateway, ChargePointGoneError

CHARGE_POINT_GONE: Final = "ChargePointGone"
_In = TypeVar("_In", bound=op.Operation)
_Out = TypeVar("_Out")


class ChargePointActivities:
    """One activity per operation.

    Each raises the ApplicationError ``ChargePointGone``, not retried here, when the socket is not
    on this node: the workflow locates the charge point again.
    """

    def __init__(self, gateway: ChargePointGateway) -> None:
        self._gateway = gateway

    @property
    def all(self) -> Sequence[Callable[..., Any]]:
        """Every activity, for the worker."""
        return (
            self.read_identity,
            self.read_configuration,
            self.apply_configuration,
            self.trigger,
            self.change_availability,
            self.start_test_transaction,
            self.stop_test_transaction,
            self.update_firmware,
            self.reset,
            self.collect_logs,
            self.set_charging_profile,
            self.ping,
        )

    @activity.defn(name=op.OperationName.READ_IDENTITY)
    async def read_identity(self, request: op.Operation) -> op.Identity:
        """Who it says it is, and how its link and clock are."""
        return await _here(self._gateway.read_identity, request)

    @activity.defn(name=op.OperationName.READ_CONFIGURATION)
    async def read_configuration(self, request: op.ReadConfiguration) -> op.Configuration:
        """Its configuration as it reports it."""
        return await _here(self._gateway.read_configuration, request)

    @activity.defn(name=op.OperationName.APPLY_CONFIGURATION)
    async def apply_configuration(self, request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        """Write what differs, and read it back."""
        return await _here(self._gateway.apply_configuration, request)

    @activity.defn(name=op.OperationName.TRIGGER)
    async def trigger(self, request: op.Trigger) -> op.Outcome:
        """Ask for a message."""
        return await _here(self._gateway.trigger, request)

    @activity.defn(name=op.OperationName.CHANGE_AVAILABILITY)
    async def change_availability(self, request: op.ChangeAvailability) -> op.Outcome:
        """Make a connector operative or inoperative."""
        return await _here(self._gateway.change_availability, request)

    @activity.defn(name=op.OperationName.START_TEST_TRANSACTION)
    async def start_test_transaction(self, request: op.StartTestTransaction) -> op.Outcome:
        """Start remotely, once per intent."""
        return await _here(self._gateway.start_test_transaction, request)

    @activity.defn(name=op.OperationName.STOP_TEST_TRANSACTION)
    async def stop_test_transaction(self, request: op.StopTestTransaction) -> op.Outcome:
        """Stop remotely what has not ended."""
        return await _here(self._gateway.stop_test_transaction, request)

    @activity.defn(name=op.OperationName.UPDATE_FIRMWARE)
    async def update_firmware(self, request: op.UpdateFirmware) -> op.Outcome:
        """Order an update, once per intent."""
        return await _here(self._gateway.update_firmware, request)

    @activity.defn(name=op.OperationName.RESET)
    async def reset(self, request: op.Reset) -> op.Outcome:
        """Restart it, once per intent."""
        return await _here(self._gateway.reset, request)

    @activity.defn(name=op.OperationName.COLLECT_LOGS)
    async def collect_logs(self, request: op.CollectLogs) -> op.Outcome:
        """Order an upload of its diagnostics, once per intent."""
        return await _here(self._gateway.collect_logs, request)

    @activity.defn(name=op.OperationName.SET_CHARGING_PROFILE)
    async def set_charging_profile(self, request: op.SetChargingProfile) -> op.Outcome:
        """Limit its current."""
        return await _here(self._gateway.set_charging_profile, request)

    @activity.defn(name=op.OperationName.PING)
    async def ping(self, request: op.Operation) -> op.Ping:
        """Measure a round trip on its socket."""
        return await _here(self._gateway.ping, request)


async def _here(operation: Callable[[_In], Awaitable[_Out]], request: _In) -> _Out:
    try:
        return await operation(request)
    except ChargePointGoneError as error:
        raise ApplicationError(
            f"The socket of {request.charge_point_id} is not on this node.",
            type=CHARGE_POINT_GONE,
            non_retryable=True,
        ) from error
