"""What an installer declares about the electrical installation; nobody here has measured it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class RcdType(StrEnum):
    """Kinds of residual current devices (IEC 61008, IEC 62423, IEC 62955)."""

    AC = "AC"
    A = "A"
    A_WITH_6_MA_DC = "A+6mA-DC"
    F = "F"
    B = "B"


class EarthingSystem(StrEnum):
    """How the supply and the installation are earthed (IEC 60364-1, 312.2)."""

    TN_S = "TN-S"
    TN_C_S = "TN-C-S"
    TN_C = "TN-C"
    TT = "TT"
    IT = "IT"


class Polarity(StrEnum):
    """What a test of the polarity found."""

    CORRECT = "correct"
    NOT_CORRECT = "not_correct"


class PhaseRotation(StrEnum):
    """What a test of the order of the phases found; clockwise is L1, L2, L3."""

    CLOCKWISE = "clockwise"
    ANTICLOCKWISE = "anticlockwise"
    SINGLE_PHASE = "single_phase"


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """The fields; None: not declared. The units stand in their names."""

    certificate_reference: str | None = None
    installer_registration: str | None = None
    installer_competence: str | None = None
    earthing_system: EarthingSystem | None = None
    pen_fault_protection: str | None = None
    protective_device: str | None = None
    protective_device_current_a: Decimal | None = None
    cable: str | None = None
    cable_cross_section_mm2: Decimal | None = None
    r1_plus_r2_ohm: Decimal | None = None
    polarity: Polarity | None = None
    phase_rotation: PhaseRotation | None = None
    rcd_type: RcdType | None = None
    rcd_rated_current_ma: Decimal | None = None
    rcd_trip_time_ms: Decimal | None = None
    earth_loop_impedance_ohm: Decimal | None = None
    insulation_resistance_mohm: Decimal | None = None
    instrument: str | None = None
    tested_by: str | None = None
    tested_at: datetime | None = None
    notes: str | None = None
    signature: str | None = None
    signature_drawing: str | None = None
    """An SVG path, see :mod:`domain.drawing`."""
    signature_png: str | None = None
    """Base64 of a PNG file, in grey, 900 by 300 pixels at most; in place of the path."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Declaration:
    """The fields, and who declared them when (an e-mail)."""

    declared: Declared
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoFact:
    """A photo that the installer added. It was written anew here, so it carries no metadata."""

    id: str
    caption: str | None
    width: int
    height: int
    sha256: str
    added_by: str
    added_at: datetime
