"""Which event a stored fact is for a watching workflow."""

from dataclasses import replace

from domain.facts import (
    BootFact,
    ChargePointEvent,
    ConnectionFact,
    ConnectorFact,
    EventKind,
    MeterFact,
)
from domain.ids import Prefix, new_id
from domain.rules.sampled_values import read_samples
from storage.fact_records import (
    Boot,
    Connected,
    ConnectorStatus,
    Disconnected,
    MeterValues,
    Record,
    StatusReport,
    Touched,
    TransactionStart,
    TransactionStop,
)


def event_of(record: Record) -> ChargePointEvent | None:
    """Make the event; None for a record that is none. Made once, so that its id is stable."""
    event = _event(record, new_id(Prefix.EVENT))
    return event and replace(event, charge_point_id=record.charge_point_id or "")


def _event(record: Record, event_id: str) -> ChargePointEvent | None:
    match record:
        case Connected(contest=contest) if contest is not None:
            return ChargePointEvent(
                event_id=event_id,
                kind=EventKind.DISCONNECTED,
                at=record.at,
                connection=replace(_link(record, connected=False), contested=True),
            )
        case Connected() if record.generation:
            return ChargePointEvent(
                event_id=event_id,
                kind=EventKind.CONNECTED,
                at=record.at,
                connection=_link(record, connected=True),
            )
        case Disconnected(was_current=True):
            return ChargePointEvent(
                event_id=event_id,
                kind=EventKind.DISCONNECTED,
                at=record.at,
                connection=_link(record, connected=False),
            )
        case Boot():
            return ChargePointEvent(
                event_id=event_id, kind=EventKind.BOOT, at=record.at, boot=_boot(record)
            )
        case ConnectorStatus():
            return ChargePointEvent(
                event_id=event_id,
                kind=EventKind.CONNECTOR,
                at=record.at,
                connector=_connector(record),
            )
        case Touched(heartbeat_at=heartbeat_at) if heartbeat_at is not None:
            return ChargePointEvent(event_id=event_id, kind=EventKind.HEARTBEAT, at=heartbeat_at)
        case MeterValues():
            return ChargePointEvent(
                event_id=event_id,
                kind=EventKind.METER_VALUES,
                at=record.received_at,
                meter=_meter(record),
            )
        case StatusReport(kind=kind) if kind is not None:
            return ChargePointEvent(
                event_id=event_id, kind=kind, at=record.at, status=record.status
            )
        case TransactionStart() | TransactionStop():
            return _transaction(record, event_id)
        case _:
            return None


def _transaction(
    record: TransactionStart | TransactionStop, event_id: str
) -> ChargePointEvent | None:
    if record.stored is None:
        return None
    started = isinstance(record, TransactionStart)
    if started and record.stored.stopped_at is not None:
        return None  # a start repeated after the stop: an ended transaction stays ended
    return ChargePointEvent(
        event_id=event_id,
        kind=EventKind.TRANSACTION_STARTED if started else EventKind.TRANSACTION_STOPPED,
        at=record.received_at,
        transaction=record.stored,
    )


def _link(record: Connected | Disconnected, *, connected: bool) -> ConnectionFact:
    return ConnectionFact(
        connected=connected,
        node_id=record.node_id,
        generation=record.generation,
        ocpp_version=record.ocpp_version,
        at=record.at,
        remote_address=record.remote_address,
    )


def _boot(record: Boot) -> BootFact:
    return BootFact(
        boot_id=record.boot_id,
        at=record.at,
        vendor=record.vendor,
        model=record.model,
        charge_point_serial=record.charge_point_serial,
        charge_box_serial=record.charge_box_serial,
        firmware_version=record.firmware_version,
        registration=record.registration,
        warnings=record.warnings,
    )


def _meter(record: MeterValues) -> MeterFact:
    readings = [read_samples(entry.at, entry.samples) for entry in record.entries]
    registers = [
        (reading.at, reading.energy_wh) for reading in readings if reading.energy_wh is not None
    ]
    return MeterFact(
        connector_id=record.connector_id,
        transaction_id=record.transaction_id,
        at=max(reading.at for reading in readings),
        energy_wh=max(registers)[1] if registers else None,
    )


def _connector(record: ConnectorStatus) -> ConnectorFact:
    return ConnectorFact(
        connector_id=record.connector_id,
        status=record.status,
        error_code=record.error_code,
        at=record.at,
        vendor_error_code=record.vendor_error_code,
        info=record.info,
    )
