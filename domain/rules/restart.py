"""May a charge point be restarted for its configuration, and was it told to before?"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.facts import Snapshot
from domain.states import ConnectorStatus

_FREE = frozenset({ConnectorStatus.AVAILABLE, ConnectorStatus.UNAVAILABLE, ConnectorStatus.FAULTED})
_DIGEST_LENGTH = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A value that a charge point has taken, when, and that counts after a restart."""

    value: str
    at: datetime


def has_restarted(
    since: datetime,
    *,
    boot_at: datetime | None,
    connected_at: datetime,
    reset_at: datetime | None,
) -> bool:
    """Tell whether a charge point has restarted since it took a value.

    A boot of a younger connection is one of a restart, and so is one on the same link after we
    have asked for a restart. Any other on the same link need not be: in Pending it boots anew all
    the time.
    """
    if boot_at is None or boot_at <= since:
        return False
    return connected_at > since or (reset_at is not None and since <= reset_at < boot_at)


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
