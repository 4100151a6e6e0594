"""Firmware and diagnostics status (OCPP 1.6 §4.4, §4.5) and their secure kin; security events."""

from datetime import datetime

from domain.facts import EventKind
from domain.states import LogLevel
from ocpp_server.dispatch import Handler, Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.fields import missing, text
from storage.fact_records import StatusReport


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
