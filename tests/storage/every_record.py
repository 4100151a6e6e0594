"""What a node hands over of one charge point: a record of each kind, and of each that others write.

They are in the order of a story; each is a batch by itself.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.facts import BootFact, ConnectorFact, EventKind
from domain.states import LogLevel, RegistrationStatus
from storage.fact_records import (
    Authorization,
    Boot,
    Connected,
    ConnectorStatus,
    Disconnected,
    LogEntry,
    MeterEntry,
    MeterValues,
    Oddity,
    Record,
    RefusedConnection,
    StatusReport,
    Touched,
    TransactionStart,
    TransactionStop,
)

NODES: Final = ("node_x", "node_y")
NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)


def records_of(of: str) -> list[Record]:
    """It connects and tells; then another speaks, too, twice, and all is told in the contest."""
    node, other = NODES
    link = Connected(
        charge_point_id=of, node_id=node, ocpp_version="1.6", remote_address=None, at=NOW
    )
    later = NOW + timedelta(hours=1)
    newcomer = replace(link, node_id=other, remote_address="192.0.2.1", at=later)
    gone = Disconnected(
        charge_point_id=of,
        node_id=other,
        generation=2,
        ocpp_version="1.6",
        remote_address="192.0.2.1",
        at=later,
    )
    return [
        link,
        *_told(of),
        *_noted(of),
        Touched(charge_point_id=of, node_id=node, generation=1, seen_at=NOW, heartbeat_at=NOW),
        # Another has gone before the first was asked, which goes on as the third.
        newcomer,
        gone,
        # The next one stays, and both live.
        replace(newcomer, remote_address="192.0.2.2", alive=frozenset({3})),
        *_told(of, contested=4),
        replace(gone, generation=4),
    ]


def _told(of: str, *, contested: int | None = None) -> list[Record]:
    free = ConnectorStatus(
        charge_point_id=of,
        fact=ConnectorFact(connector_id=1, status="Available", error_code="NoError", at=NOW),
        stamped_at=NOW,
        contested=contested,
    )
    suspended = replace(free, fact=replace(free.fact, status="SuspendedEVSE"))
    values = MeterValues(
        charge_point_id=of,
        connector_id=1,
        received_at=NOW,
        entries=[MeterEntry(at=NOW + timedelta(minutes=1), samples=[{"value": "1"}])],
        contested=contested,
    )
    return [
        Boot(
            charge_point_id=of,
            fact=BootFact(
                boot_id=f"boot_{of}_{contested}",
                at=NOW,
                vendor="V",
                model="M",
                charge_point_serial=None,
                charge_box_serial=None,
                firmware_version=None,
                registration=RegistrationStatus.PENDING,
            ),
            payload={},
            contested=contested,
        ),
        suspended,
        replace(free, fact=replace(free.fact, status="SuspendedEV")),
        replace(suspended, goes_on=True),
        free,
        Authorization(charge_point_id=of, id_tag="TAG", contested=contested),
        replace(values, inferred=True),
        replace(values, lookup=7),
        TransactionStart(
            charge_point_id=of,
            connector_id=1,
            id_tag="TAG",
            started_at=NOW,
            meter_start=None,
            received_at=NOW,
            contested=contested,
        ),
        TransactionStop(
            charge_point_id=of,
            transaction_id=-1,  # it was lost
            stopped_at=NOW,
            meter_stop=9,
            reason=None,
            received_at=NOW,
            entries=[],
            contested=contested,
        ),
        StatusReport(
            charge_point_id=of,
            at=NOW,
            kind=EventKind.FIRMWARE_STATUS,
            status="Installing",
            text="It installs its firmware.",
            level=LogLevel.INFO,
            commissioning_id=None,
            contested=contested,
        ),
    ]


def _noted(of: str) -> list[Record]:
    frame = LogEntry(
        charge_point_id=of,
        commissioning_id=None,
        at=NOW,
        level=LogLevel.INFO,
        kind="ocpp",
        text="[]",
    )
    repeatable = replace(frame, same="what it says")
    odd = Oddity(
        charge_point_id=of,
        commissioning_id=None,
        at=NOW,
        action="Heartbeat",
        what="It says more than it may.",
        refused=False,
        excerpt="{}",
    )
    refused = RefusedConnection(
        identity=of,
        charge_point_id=of,
        at=NOW,
        code="wrong_password",
        reason="It is another one.",
        remote_address="192.0.2.1",
    )
    return [
        frame,
        repeatable,
        repeatable,  # it is a count from now on
        odd,
        replace(odd, commissioning_id="com_x"),
        refused,
        refused,
    ]
