"""What an installer declares, in words."""

import base64
from collections.abc import Sequence

from documents.certificate.connector_words import Rows
from documents.certificate.words import moment
from domain.contractors import Contractor
from domain.declarations import Declaration, PhaseRotation, Polarity
from domain.drawing import Drawing, read_drawing


def contractor_rows(contractor: Contractor | None) -> Rows:
    """Name the company that did the work, where it was declared."""
    if contractor is None:
        return ()
    rows = (
        ("Installer", contractor.company),
        ("Installer's address", contractor.address),
        ("Company registration", contractor.registration),
    )
    return tuple((label, value) for label, value in rows if value is not None)


def declared_rows(declaration: Declaration | None, time_zone: str) -> Rows:
    """Name each field that is declared, with its value and its unit."""
    if declaration is None:
        return ()
    fields = declaration.declared
    measured: Sequence[tuple[str, object, str]] = (
        ("Electrical installation certificate", fields.certificate_reference, ""),
        ("Installer's registration", fields.installer_registration, ""),
        ("Installer's competence", fields.installer_competence, ""),
        ("Earthing system", fields.earthing_system, ""),
        ("PEN fault protection", fields.pen_fault_protection, ""),
        ("Protective device", fields.protective_device, ""),
        ("Its rated current In", fields.protective_device_current_a, "A"),
        ("Cable", fields.cable, ""),
        ("Its cross-section", fields.cable_cross_section_mm2, "mm²"),
        ("R1+R2", fields.r1_plus_r2_ohm, "Ω"),
        ("Polarity", _in_words(fields.polarity), ""),
        ("Phase rotation", _in_words(fields.phase_rotation), ""),
        ("RCD type", fields.rcd_type and fields.rcd_type.value.replace("-", " "), ""),
        ("RCD rated residual current", fields.rcd_rated_current_ma, "mA"),
        ("RCD trip time", fields.rcd_trip_time_ms, "ms"),
        ("Earth-loop impedance Zs", fields.earth_loop_impedance_ohm, "Ω"),
        ("Insulation resistance", fields.insulation_resistance_mohm, "MΩ"),
        ("Test instrument", fields.instrument, ""),
        ("Tested by", fields.tested_by, ""),
        ("Tested at", fields.tested_at and moment(fields.tested_at, time_zone), ""),
    )
    return tuple(
        (label, f"{value} {unit}".strip()) for label, value, unit in measured if value is not None
    )


def drawing_of(declaration: Declaration | None) -> Drawing | None:
    """Return the signature as it was drawn, where it was."""
    path = None if declaration is None else declaration.declared.signature_drawing
    return None if path is None else read_drawing(path)


def picture_of(declaration: Declaration | None) -> bytes | None:
    """Return the signature as a picture (PNG), where one was given."""
    picture = None if declaration is None else declaration.declared.signature_png
    return None if picture is None else base64.b64decode(picture)


def _in_words(found: Polarity | PhaseRotation | None) -> str | None:
    return None if found is None else found.value.replace("_", " ")
