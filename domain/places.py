"""Places at a charge point, each by one number; 0 is the whole charge point.

OCPP 2.x has EVSEs with connectors of their own; connector n of OCPP 1.6 is the one connector of
EVSE n. Rows have both. All else names a place by one number, that of OCPP 1.6; here one becomes the
other.
"""


def evse_of(number: int) -> int:
    """Return the EVSE of a place."""
    return number


def connector_of(number: int) -> int:
    """Return the number of its connector within its EVSE."""
    return min(number, 1)


def number_of(evse_id: int) -> int:
    """Return the place that an EVSE is."""
    return evse_id
