"""May a charge point be restarted for its configuration, and was it told to before?"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from domain.facts import Snapshot
from domain.states import ConnectorStatus

_FREE = frozenset({ConnectorStatus.AVAILABLE, ConnectorStatus.UNAVAILABLE, ConnectorStatus.FAULTED})
_DIGEST_LENGTH = 32


def restart_intent(charge_point_id: str, chosen: Sequence[tuple[str, str, datetime]]) -> str:
    """Name the one restart for these values: key, text, and when it was chosen.

    A charge point that does not take them, or loops, is so never restarted for them twice; a value
    that is chosen again is another choice.
    """
    facts = sorted((key, desired, chosen_at.isoformat()) for key, desired, chosen_at in chosen)
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{charge_point_id}:restart:{digest}"


def is_free(status: str) -> bool:
    """Tell whether a connector in this status has nobody at it."""
    return status in _FREE


def occupied_by(snapshot: Snapshot) -> str | None:
    """Say who would be disturbed by a restart; None when nobody charges, is about to, or has.

    An open transaction counts whatever its connector reports: better no restart than a customer's
    charge cut off.
    """
    for transaction in snapshot.transactions:
        if transaction.stopped_at is None:
            return (
                f"transaction {transaction.transaction_id} is running "
                f"on connector {transaction.connector_id}"
            )
    for connector in snapshot.connectors:
        # Connector 0 is the station: whatever it reports, no cable is plugged into it.
        if connector.connector_id > 0 and not is_free(connector.status):
            return f"connector {connector.connector_id} reports {connector.status}"
    return None
