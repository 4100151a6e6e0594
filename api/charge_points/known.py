"""Shapes of what is known of a charge point now: its link, its firmware, its connectors."""

from typing import Any, Self

from pydantic import BaseModel, Field

from api.fields import PreciseTimestamp, Shown
from domain.budget import OverBudget
from domain.contests import Contest
from domain.facts import Snapshot
from domain.flapping import Flapping


class FlappingShown(Shown):
    """An alarm: the charge point connects again and again."""

    connections: int = Field(description="Connections within ten minutes; at most 12 are counted")
    since: PreciseTimestamp
    remote_addresses: list[str] = Field(description="Where they came from")
    likely_cause: str

    @classmethod
    def of(cls, it: Flapping, **others: Any) -> Self:
        """Show the alarm."""
        return super().of(it, likely_cause=it.cause, **others)


class LinkShown(BaseModel):
    """One of several links that speak as a charge point."""

    link: int = Field(description="Its number, to keep it by")
    remote_address: str | None
    since: PreciseTimestamp
    connected: bool = Field(description="Whether it is still there")


class ContestShown(Shown):
    """An alarm: several links speak as the charge point. Nothing rests on any until one is kept."""

    since: PreciseTimestamp
    likely_cause: str
    links: list[LinkShown]

    @classmethod
    def of(cls, it: Contest, **others: Any) -> Self:
        """Show the alarm."""
        links = [
            LinkShown(
                link=link.generation,
                remote_address=link.remote_address,
                since=link.connected_at,
                connected=link.answered is not False,
            )
            for link in it.links
        ]
        return super().of(it, likely_cause=it.cause, links=links, **others)


class OverBudgetShown(Shown):
    """An alarm: the charge point sends more than is kept of one in a day."""

    since: PreciseTimestamp
    left_out: int = Field(description="Readings and log entries that were left out since")
    likely_cause: str

    @classmethod
    def of(cls, it: OverBudget, **others: Any) -> Self:
        """Show the alarm."""
        return super().of(it, likely_cause=it.cause, **others)


class ConnectionShown(BaseModel):
    """The present or the last link of a charge point."""

    connected: bool
    since: PreciseTimestamp | None = Field(description="Connected or disconnected since; or never")
    ocpp_version: str | None
    remote_address: str | None
    last_heartbeat_at: PreciseTimestamp | None
    last_refused_at: PreciseTimestamp | None
    last_refusal: str | None = Field(description="Why the last attempt was refused, in words")
    flapping: FlappingShown | None = Field(
        description="Set while it connects all the time; null when it is steady"
    )
    contest: ContestShown | None = Field(
        description="Set while several links speak as the charge point, and live; it counts as not "
        "connected then"
    )
    over_budget: OverBudgetShown | None = Field(
        description="Set until midnight (UTC) once it has sent more than is kept of a day, or null"
    )


class FirmwareShown(Shown):
    """What the charge point said of itself at its newest boot."""

    version: str | None
    vendor: str
    model: str
    serial_number: str | None
    booted_at: PreciseTimestamp


class ConnectorShown(BaseModel):
    """Last status of a connector; connector 0 is the station itself."""

    connector_id: int
    evse_id: int = Field(description="Its EVSE; with OCPP 1.6 the same number")
    status: str
    error_code: str
    vendor_error_code: str | None
    info: str | None
    at: PreciseTimestamp


def connection_of(facts: Snapshot) -> ConnectionShown:
    """Show the present or last link."""
    link, refusal = facts.connection, facts.last_refusal
    return ConnectionShown(
        connected=link is not None and link.connected,
        since=link.at if link else None,
        ocpp_version=link.ocpp_version if link else None,
        remote_address=link.remote_address if link else None,
        last_heartbeat_at=facts.last_heartbeat_at,
        last_refused_at=refusal.at if refusal else None,
        last_refusal=refusal.reason if refusal else None,
        flapping=FlappingShown.of(facts.flapping) if facts.flapping else None,
        contest=ContestShown.of(facts.contest) if facts.contest else None,
        over_budget=OverBudgetShown.of(facts.over_budget) if facts.over_budget else None,
    )


def firmware_of(facts: Snapshot) -> FirmwareShown | None:
    """Show what it said of itself when it booted last; None: it never did."""
    boot = facts.boot
    if boot is None:
        return None
    return FirmwareShown.of(
        boot,
        version=boot.firmware_version,
        serial_number=boot.charge_point_serial or boot.charge_box_serial,
        booted_at=boot.at,
    )
