"""Which failures take for granted that a charge point is connected."""

from typing import Final

from domain.failures import FailureCode

_OF_ONE_THAT_IS_THERE: Final = frozenset(
    {
        FailureCode.IDENTITY_UNKNOWN,
        FailureCode.BOOT_NOT_ACCEPTED,
        FailureCode.NO_HEARTBEAT,
        FailureCode.HEARTBEAT_MISSING,
        FailureCode.CONNECTOR_SILENT,
        FailureCode.CONNECTOR_UNAVAILABLE,
        FailureCode.CONNECTOR_IN_USE,
        FailureCode.TRANSACTION_NOT_STARTED,
        FailureCode.TRANSACTION_REJECTED,
    }
)


def takes_it_for_online(code: FailureCode) -> bool:
    """Whether its sentence is untrue, or its advice in vain, of one that is not connected."""
    return code in _OF_ONE_THAT_IS_THERE
