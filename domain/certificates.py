"""What a certificate says: facts of the record, apart from them what the installer declares."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.checklists import Checklist
from domain.checks import RunView
from domain.commissioning import MeterReading, Registered
from domain.contractors import Contractor
from domain.declarations import Declaration, PhotoFact
from domain.facts import Irregularity, TransactionFact
from domain.withdrawals import Withdrawal


class CertificateScope(StrEnum):
    """What a certificate is about."""

    CHARGE_POINT = "charge_point"
    PROJECT = "project"
    SERVICE_VISIT = "service_visit"


class FrameDirection(StrEnum):
    """Of a frame, as the log names it."""

    FROM_CHARGE_POINT = "in"
    TO_CHARGE_POINT = "out"


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One OCPP frame of the log. ``text`` is as sent, secrets masked, maybe cut at its end."""

    at: datetime
    direction: FrameDirection
    action: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The project, and its handover as far as there was one."""

    project_id: str
    name: str
    address: str
    installer: str
    """The company that was declared, else that of the account, or the installer's name."""
    contractor: Contractor | None = None
    """The company as it was declared, with its address and registration."""
    owner: str | None = None
    """The company, or the owner's name, or the e-mail that was given for one."""
    time_zone: str = "UTC"
    """Of the site, as IANA names it."""
    handed_over_at: datetime | None = None
    sign_off_notes: str | None = None
    installer_signature: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Where a charge point stands, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargePointReport:
    """One charge point by its newest verdict: ``run`` completed or failed."""

    registered: Registered
    run: RunView
    position: Position | None = None
    transaction: TransactionFact | None = None
    readings: tuple[MeterReading, ...] = ()
    frames: tuple[Frame, ...] = ()
    frames_logged: int = 0
    irregularities: tuple[Irregularity, ...] = ()
    """What was odd about its messages in the run."""
    declaration: Declaration | None = None
    photos: tuple[PhotoFact, ...] = ()
    stale: str | None = None
    """What has changed since the run passed, in words that follow its name: it counts no more."""
    withdrawal: Withdrawal | None = None
    replaces: str | None = None
    """Serial number of the withdrawn one in whose place it is."""
    time_zone: str = "UTC"
    """Of the site, as IANA names it."""
    checklist: Checklist | None = None
    contractor: Contractor | None = None
    """That of the site."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdrawn:
    """A charge point that is out of the project; ``replaced_by`` is a serial number."""

    registered: Registered
    withdrawal: Withdrawal
    replaced_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unjudged:
    """A charge point of the project without a verdict, and why, in words."""

    registered: Registered
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """A service visit that was signed off, or closed by the owner."""

    service_visit_id: str
    purpose: str
    opened_at: datetime
    accepted_at: datetime
    closed_at: datetime
    closed_by: str
    """``installer`` or ``site_owner``."""
    sign_off_notes: str | None = None
    installer_signature: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a certificate is made of. As long as it says the same, so does the certificate.

    Of a ``visit`` it has that visit's charge points alone, as they stood when it was closed.
    """

    scope: CertificateScope
    site: Site
    charge_points: tuple[ChargePointReport, ...]
    unjudged: tuple[Unjudged, ...] = ()
    withdrawn: tuple[Withdrawn, ...] = ()
    visit: Visit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """What a certificate says about itself.

    ``number`` is its place among those of the same subject (a visit's among its project's), ``url``
    the address of its online copy, ``keys_url`` that of the public keys.
    """

    certificate_id: str
    number: int
    issued_at: datetime
    key_fingerprint: str
    url: str
    keys_url: str
