"""Shapes of declarations."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from api.deps import now
from api.fields import Moment, Name, Notes, Request, Timestamp, example
from api.plausibility import Confirming
from documents.signature_picture import MOST_CHARACTERS as MOST_OF_A_PICTURE
from domain.declarations import (
    Declaration,
    Declared,
    EarthingSystem,
    PhaseRotation,
    Polarity,
    RcdType,
)
from domain.drawing import MOST_CHARACTERS, read_drawing
from domain.plausibility import Current, Plausibility, Quantity, Question

_CLOCKS_DIFFER: Final = timedelta(minutes=10)
_EXAMPLE: Final[dict[str, Any]] = {
    "certificate_reference": "EIC-2026-0413",
    "installer_registration": "Register of electrical contractors, no. 40213",
    "installer_competence": "Qualified for EV charging installations",
    "earthing_system": "TN-C-S",
    "pen_fault_protection": "Device that watches the voltage, in the charge point",
    "protective_device": "MCB type B, 10 kA",
    "protective_device_current_a": 40,
    "cable": "Armoured, 3-core, copper",
    "cable_cross_section_mm2": 6,
    "r1_plus_r2_ohm": 0.21,
    "polarity": "correct",
    "phase_rotation": "single_phase",
    "rcd_type": "A+6mA-DC",
    "rcd_rated_current_ma": 30,
    "rcd_trip_time_ms": 18.4,
    "earth_loop_impedance_ohm": 0.35,
    "insulation_resistance_mohm": 999,
    "instrument": "MFT1741+ no. 101223118",
    "tested_by": "Jane Smith",
    "tested_at": "2026-05-01T08:50:00Z",
    "notes": "Supply from DB-3, way 7.",
    "signature": "J. Smith",
    "signature_drawing": "M 4 30 C 20 2 32 2 26 30 Q 34 44 52 20 L 88 24",
}

_MEASURED: Final = {
    "rcd_rated_current_ma": Quantity.RCD_RATED_CURRENT,
    "rcd_trip_time_ms": Quantity.RCD_TRIP_TIME,
    "earth_loop_impedance_ohm": Quantity.EARTH_LOOP_IMPEDANCE,
    "insulation_resistance_mohm": Quantity.INSULATION_RESISTANCE,
    "protective_device_current_a": Quantity.PROTECTIVE_DEVICE_CURRENT,
    "cable_cross_section_mm2": Quantity.CABLE_CROSS_SECTION,
    "r1_plus_r2_ohm": Quantity.R1_PLUS_R2,
}


def _measured(most: int, *, above: int = 0) -> Any:
    """Describe a measured number: a decimal within bounds, written as a number."""
    return (
        Field(gt=above, le=most, max_digits=8, decimal_places=3),
        PlainSerializer(float, return_type=float, when_used="json"),
        WithJsonSchema({"type": "number", "exclusiveMinimum": above, "maximum": most}),
    )


def _not_ahead(moment: Moment) -> Moment:
    if moment > now() + _CLOCKS_DIFFER:
        raise ValueError("must not lie in the future")
    return moment


def _is_drawing(path: str) -> str:
    read_drawing(path)
    return path


Milliamperes = Annotated[Decimal, *_measured(3_000)]
Milliseconds = Annotated[Decimal, *_measured(1_000)]
Ohms = Annotated[Decimal, *_measured(2_000)]
Megaohms = Annotated[Decimal, *_measured(10_000)]
Amperes = Annotated[Decimal, *_measured(6_300)]
SquareMillimetres = Annotated[Decimal, *_measured(1_000)]
Short = Annotated[Name, StringConstraints(max_length=100)]
Drawn = Annotated[str, StringConstraints(max_length=MOST_CHARACTERS), AfterValidator(_is_drawing)]
Picture = Annotated[str, StringConstraints(max_length=MOST_OF_A_PICTURE)]
Past = Annotated[Moment, AfterValidator(_not_ahead)]


class DeclaredFields(Request):
    """What an installer can declare."""

    certificate_reference: Short | None = Field(
        default=None, description="Of the electrical installation certificate"
    )
    installer_registration: Short | None = Field(
        default=None, description="Where the installer is registered, and the number"
    )
    installer_competence: Short | None = Field(
        default=None, description="What qualifies the installer for this work"
    )
    earthing_system: EarthingSystem | None = Field(
        default=None, description="Of the supply and the installation (IEC 60364-1)"
    )
    pen_fault_protection: Short | None = Field(
        default=None, description="What protects people when the PEN conductor breaks"
    )
    protective_device: Short | None = Field(
        default=None, description="Against overcurrent: kind, characteristic, breaking capacity"
    )
    protective_device_current_a: Amperes | None = Field(
        default=None, description="Rated current In, A"
    )
    cable: Short | None = Field(
        default=None, description="Of the circuit: kind, cores, conductor, how it is laid"
    )
    cable_cross_section_mm2: SquareMillimetres | None = Field(
        default=None, description="Of a line conductor, mm²"
    )
    r1_plus_r2_ohm: Ohms | None = Field(
        default=None, description="Line and protective conductor of the circuit, R1+R2, Ω"
    )
    polarity: Polarity | None = None
    phase_rotation: PhaseRotation | None = Field(
        default=None, description="Clockwise is L1, L2, L3"
    )
    rcd_type: RcdType | None = None
    rcd_rated_current_ma: Milliamperes | None = Field(
        default=None, description="Rated residual operating current IΔn, mA"
    )
    rcd_trip_time_ms: Milliseconds | None = Field(default=None, description="At IΔn, ms")
    earth_loop_impedance_ohm: Ohms | None = Field(default=None, description="Zs, Ω")
    insulation_resistance_mohm: Megaohms | None = Field(
        default=None, description="MΩ; the end of the scale where the instrument shows more"
    )
    instrument: Short | None = Field(default=None, description="Type and serial number")
    tested_by: Short | None = None
    tested_at: Past | None = None
    notes: Notes | None = None
    signature: Short | None = Field(default=None, description="Your name, as sign-off")
    signature_drawing: Drawn | None = Field(
        default=None,
        description="Your hand beside your name: an SVG path of the absolute commands M, L, Q and "
        "C, as signature pads write it; it needs `signature`",
    )
    signature_png: Picture | None = Field(
        default=None,
        description="Your hand as a picture, in place of `signature_drawing`: base64 of a PNG file "
        "of 150 kB and 4 megapixels at most, dark on white or on nothing, with or without "
        "`data:image/png;base64,`; it is kept in grey, cut to its strokes, at most 900 by 300 "
        "pixels, and needs `signature`",
    )


class Declare(DeclaredFields, Confirming):
    """What you declare; what is left out is not declared. It replaces what was declared before."""

    model_config = example(_EXAMPLE)

    @field_validator("signature_drawing", "signature_png")
    @classmethod
    def _beside_a_name(cls, hand: str | None, info: ValidationInfo) -> str | None:
        if hand is not None and info.data.get("signature") is None:
            raise ValueError("needs `signature`, your name")
        return hand

    @field_validator("signature_png")
    @classmethod
    def _one_of_two(cls, picture: str | None, info: ValidationInfo) -> str | None:
        if picture is not None and info.data.get("signature_drawing") is not None:
            raise ValueError("give this or `signature_drawing`, not both")
        return picture

    def declared(self) -> Declared:
        """The fields as they are stored."""
        return Declared(**self.model_dump(exclude={"confirm"}))

    def questions(self, plausibility: Plausibility, kinds: Collection[Current]) -> list[Question]:
        """What is to be asked about it, of a charge point of such a kind."""
        return [
            question
            for name, quantity in _MEASURED.items()
            for question in plausibility.ask(name, quantity, getattr(self, name), kinds)
        ]


class DeclarationShown(DeclaredFields):
    """What is declared, by whom and when; both null where nothing was declared."""

    model_config = example(**_EXAMPLE, by="installer@acme.com", at="2026-05-01T09:00:00Z")

    tested_at: Timestamp | None = None
    by: str | None = None
    at: Timestamp | None = None

    @classmethod
    def of(cls, declaration: Declaration | None) -> "DeclarationShown":
        """Show a declaration, or that there is none."""
        if declaration is None:
            return cls()
        return cls(**asdict(declaration.declared), by=declaration.by, at=declaration.at)
