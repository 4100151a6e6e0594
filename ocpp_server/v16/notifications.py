"""What is said of a state: connectors, firmware, diagnostics, security.

StatusNotification (OCPP 1.6 §4.9); FirmwareStatusNotification and DiagnosticsStatusNotification
(§4.5, §4.4) with their secure kin; SecurityEventNotification (security whitepaper, A05).
"""

from datetime import datetime
from typing import Final

from domain.facts import ConnectorFact, EventKind
from domain.states import LogLevel
from ocpp_server.dispatch import Handler, Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.fields import connector_id, missing, stamped, text
from storage.fact_records import ConnectorStatus, StatusReport

_NO_ERROR: Final = {None, "NoError"}


def on_status(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """Keep the last status of the connector, at our time of its arrival.

    A word that the standard does not know is kept as it is: it is judged, and never taken for
    another. Without a status, the error code alone is worth keeping.
    """
    # Some firmware stamps a status with the moment since when it is so, days ago.
    stamp = stamped(peer, payload.get("timestamp"), now, says_now=False)
    status, error_code = text(payload, "status", 20), text(payload, "errorCode", 30)
    if status is None and error_code in _NO_ERROR:
        raise missing("status")
    fact = ConnectorFact(
        connector_id=connector_id(payload),
        status=status or "",
        error_code=error_code or "",
        at=now,
        vendor_error_code=text(payload, "vendorErrorCode", 100),
        info=text(payload, "info", 200),
    )
    return Reply(
        dict,
        (ConnectorStatus(charge_point_id=peer.charge_point_id, fact=fact, stamped_at=stamp),),
    )


def status_report(kind: EventKind, subject: str) -> Handler:
    """Make the handler of a message whose news is its ``status``."""

    def on_report(peer: Peer, payload: Payload, now: datetime) -> Reply:
        status = text(payload, "status", 50)
        if status is None:
            raise missing("status")
        level = LogLevel.WARNING if "Fail" in status or "Invalid" in status else LogLevel.INFO
        report = StatusReport(
            charge_point_id=peer.charge_point_id,
            at=now,
            kind=kind,
            status=status,
            text=f"{subject}: {status}",
            level=level,
            commissioning_id=peer.watched_run,
        )
        return Reply(dict, (report,))

    return on_report


def on_security_event(peer: Peer, payload: Payload, now: datetime) -> Reply:
    """Keep a security event in the log (OCPP 1.6 security whitepaper, A05)."""
    name = text(payload, "type", 50)
    if name is None:
        raise missing("type")
    detail = text(payload, "techInfo", 255)
    report = StatusReport(
        charge_point_id=peer.charge_point_id,
        at=now,
        kind=None,
        status=name,
        text=f"Security event: {name}{f' ({detail})' if detail else ''}",
        level=LogLevel.WARNING,
        commissioning_id=peer.watched_run,
    )
    return Reply(dict, (report,))
