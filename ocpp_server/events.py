"""Which event a stored fact is for a watching workflow."""

from dataclasses import replace
from functools import partial

from domain.facts import (
    ChargePointEvent,
    ConnectionFact,
    EventKind,
    MeterFact,
)
from domain.ids import Prefix, new_id
from domain.rules.sampled_values import read_samples
from storage import fact_records as records


def event_of(record: records.Record) -> ChargePointEvent | None:
    """Make the event; None for a record that is none. Made once, so that its id is stable."""
    event = partial(
        ChargePointEvent,
        event_id=new_id(Prefix.EVENT),
        charge_point_id=record.charge_point_id or "",
    )
    match record:
        case records.Connected() if record.generation or record.contest is not None:
            contested = record.contest is not None
            link = replace(_link(record, connected=not contested), contested=contested)
            kind = EventKind.DISCONNECTED if contested else EventKind.CONNECTED
            return event(kind=kind, at=record.at, connection=link)
        case records.Disconnected(was_current=True):
            link = _link(record, connected=False)
            return event(kind=EventKind.DISCONNECTED, at=record.at, connection=link)
        case records.Boot():
            return event(kind=EventKind.BOOT, at=record.fact.at, boot=record.fact)
        case records.ConnectorStatus():
            return event(kind=EventKind.CONNECTOR, at=record.fact.at, connector=record.fact)
        case records.Touched(heartbeat_at=heartbeat_at) if heartbeat_at is not None:
            return event(kind=EventKind.HEARTBEAT, at=heartbeat_at)
        case records.MeterValues():
            at = record.received_at
            return event(kind=EventKind.METER_VALUES, at=at, meter=_meter(record))
        case records.StatusReport(kind=news) if news is not None:
            return event(kind=news, at=record.at, status=record.status)
        case records.TransactionStart(stored=stored) if (
            stored is not None and stored.stopped_at is None
        ):
            # One repeated after the stop is none: an ended transaction stays ended.
            at = record.received_at
            return event(kind=EventKind.TRANSACTION_STARTED, at=at, transaction=stored)
        case records.TransactionStop(stored=stored) if stored is not None:
            at = record.received_at
            return event(kind=EventKind.TRANSACTION_STOPPED, at=at, transaction=stored)
        case _:
            return None


def _link(record: records.Connected | records.Disconnected, *, connected: bool) -> ConnectionFact:
    return ConnectionFact(
        connected=connected,
        node_id=record.node_id,
        generation=record.generation,
        ocpp_version=record.ocpp_version,
        at=record.at,
        remote_address=record.remote_address,
    )


def _meter(record: records.MeterValues) -> MeterFact:
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
