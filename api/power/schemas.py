"""Shapes of a site's power and of its features."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator
from pydantic.config import JsonDict

from api.fields import Request, Shown, example
from api.plausibility import Confirming
from domain.plausibility import Current, Plausibility, Quantity, Question
from domain.power.facts import SiteLoad
from domain.power.reasons import Reason
from domain.power.site import (
    DEFAULT_MAX_AMPS,
    MAX_VOLTAGE,
    MIN_AMPS,
    MIN_VOLTAGE,
    NOMINAL_VOLTAGE,
    Electrical,
    Phase,
    SiteLimit,
)
from domain.states import Feature, FeatureState
from domain.wording import FieldValueError

_CP = "cp_01HX5P2QRSTUVWXYZ0"
_MAX_KW = 20_000
_MAX_AMPS = 30_000
_MAX_CABLE_AMPS = 2_000
_ELECTRICAL: JsonDict = {"max_amps": 16, "phases": ["L2"], "voltage": 230.0}


class PowerLimit(Confirming):
    """What the supply of the site can carry: in kW, or in amperes per phase, or without a limit."""

    model_config = example(max_power_kw=43.5, phases=3)

    max_power_kw: Annotated[float, Field(gt=0, le=_MAX_KW, allow_inf_nan=False)] | None = None
    max_amps_per_phase: Annotated[float, Field(gt=0, le=_MAX_AMPS, allow_inf_nan=False)] | None = (
        None
    )
    phases: Literal[1, 3] = 3

    @model_validator(mode="after")
    def _one_of_them(self) -> "PowerLimit":
        if self.max_power_kw is not None and self.max_amps_per_phase is not None:
            raise FieldValueError(
                "give max_power_kw or max_amps_per_phase, not both", "max_amps_per_phase"
            )
        amps = self.limit().amps
        if amps is not None and amps < MIN_AMPS:
            raise FieldValueError(
                f"this is {amps:.1f} A a phase; a vehicle needs at least {MIN_AMPS} A to charge",
                "max_amps_per_phase" if self.max_power_kw is None else "max_power_kw",
            )
        return self

    def questions(self, plausibility: Plausibility) -> list[Question]:
        """What is to be asked about it."""
        return [
            *plausibility.ask("max_power_kw", Quantity.SUPPLY_POWER, self.max_power_kw),
            *plausibility.ask(
                "max_amps_per_phase", Quantity.SUPPLY_CURRENT, self.max_amps_per_phase
            ),
        ]

    def limit(self) -> SiteLimit:
        """As the engine counts with it."""
        if self.max_power_kw is not None:
            return SiteLimit.of_power(self.max_power_kw, self.phases)
        return SiteLimit(amps=self.max_amps_per_phase, phases=self.phases)


class PowerShown(BaseModel):
    """What the supply of the site can carry; null where nobody has set a limit."""

    model_config = example(max_power_kw=43.5, max_amps_per_phase=63.04, phases=3)

    max_power_kw: float | None
    max_amps_per_phase: float | None
    phases: int

    @classmethod
    def of(cls, limit: SiteLimit) -> "PowerShown":
        """Show a limit."""
        return cls(
            max_power_kw=None if limit.power_kw is None else round(limit.power_kw, 3),
            max_amps_per_phase=None if limit.amps is None else round(limit.amps, 2),
            phases=limit.phases,
        )


class ElectricalChange(Confirming):
    """How a charge point is connected to the supply."""

    model_config = example(_ELECTRICAL)

    max_amps: Annotated[int, Field(ge=MIN_AMPS, le=_MAX_CABLE_AMPS)] = Field(
        default=DEFAULT_MAX_AMPS, description="What its cable carries, per phase"
    )
    phases: Annotated[list[Phase], Field(min_length=1, max_length=3)] | None = Field(
        default=None, description="Those of the supply that it is connected to; null: all"
    )
    voltage: Annotated[float, Field(ge=MIN_VOLTAGE, le=MAX_VOLTAGE, allow_inf_nan=False)] = Field(
        default=NOMINAL_VOLTAGE,
        description="Between one of its phases and neutral, in volts; its limits in watts are "
        "those in amperes times this",
    )

    @model_validator(mode="after")
    def _each_once(self) -> "ElectricalChange":
        if self.phases is not None and len(set(self.phases)) < len(self.phases):
            raise FieldValueError("name each phase once", "phases")
        return self

    def questions(self, plausibility: Plausibility, kinds: Collection[Current]) -> list[Question]:
        """What is to be asked about it, of a charge point of such a kind."""
        return [
            *plausibility.ask("max_amps", Quantity.CABLE_CURRENT, self.max_amps, kinds),
            *plausibility.ask("voltage", Quantity.VOLTAGE, self.voltage),
        ]

    def stored(self) -> Electrical:
        """As the registry keeps it."""
        phases = None if self.phases is None else tuple(sorted(self.phases))
        return Electrical(max_amps=self.max_amps, phases=phases, voltage=self.voltage)


class ElectricalShown(Shown):
    """How a charge point is connected to the supply."""

    model_config = example(_ELECTRICAL)

    max_amps: int
    phases: list[Phase] | None
    voltage: float


class Pausable(StrEnum):
    """A feature that its owner can pause."""

    BILLING = Feature.BILLING
    SMART_CHARGING = Feature.SMART_CHARGING


class ChargePointFeature(BaseModel):
    """How far a feature is on one charge point."""

    charge_point_id: str
    state: FeatureState
    cause: str | None = Field(
        description="Why it is not simply active, and what became of it; of `offline_charging` "
        "what drivers can do there while the engine is away"
    )
    action: str | None = Field(description="What to do about it")


class FeatureShown(Shown):
    """How far a feature is; ``charge_points`` are those where it is not simply active.

    Of `offline_charging` they are all.
    """

    model_config = example(
        feature="smart_charging",
        state="activating",
        detail=None,
        charge_points=[
            {"charge_point_id": _CP, "state": "activating", "cause": None, "action": None}
        ],
    )

    feature: Feature
    state: FeatureState
    detail: str | None = Field(description="Why it is not simply active, and what to do")
    charge_points: list[ChargePointFeature]


class FeatureChange(Request):
    """Pause a feature, or let it go on."""

    model_config = example(paused=True)

    paused: bool


class BayShown(Shown):
    """One connector with a session. Amperes are per phase."""

    charge_point_id: str
    connector_id: int
    transaction_id: str
    allotted_amps: int = Field(description="What it was allotted; 0 is a pause")
    bound_amps: float = Field(description="The most that it may draw until it confirms that")
    idle: bool = Field(description="The vehicle draws nothing by itself")
    reason: Reason = Field(description="Why it has what it has, in a word")
    detail: str = Field(description="The same in a sentence")
    as_of: datetime | None = Field(
        description="When the charge point confirmed that, or the session began"
    )


class StationShown(Shown):
    """One charge point, whether anybody charges there or not. Amperes are per phase."""

    charge_point_id: str
    bound_amps: float = Field(description="The most that it may draw in all")
    kept_amps: float = Field(description="What of it is for connectors where nobody charges")
    reason: Reason = Field(description="Why, where nobody charges, in a word")
    detail: str = Field(description="The same in a sentence")
    as_of: datetime | None = Field(
        description="When it confirmed its limits, or that it has none; null: it never did"
    )


class LoadShown(Shown):
    """How the power of the site is shared at this moment. Amperes are per phase."""

    model_config = example(
        power={"max_power_kw": 43.5, "max_amps_per_phase": 63.04, "phases": 3},
        paused=False,
        bound_amps=32.0,
        sessions=[
            {
                "charge_point_id": _CP,
                "connector_id": 1,
                "transaction_id": "7",
                "allotted_amps": 32,
                "bound_amps": 32.0,
                "idle": False,
                "reason": Reason.ALL_OF_ITS_CABLE,
                "detail": Reason.ALL_OF_ITS_CABLE.sentence,
                "as_of": "2026-05-01T09:00:00Z",
            }
        ],
        charge_points=[
            {
                "charge_point_id": _CP,
                "bound_amps": 32.0,
                "kept_amps": 0.0,
                "reason": Reason.STARTS_AT_ZERO,
                "detail": Reason.STARTS_AT_ZERO.sentence,
                "as_of": "2026-05-01T08:00:00Z",
            }
        ],
        as_of="2026-05-01T09:00:05Z",
    )

    power: PowerShown
    paused: bool
    bound_amps: float = Field(description="The most that may be drawn now, of the fullest phase")
    sessions: list[BayShown]
    charge_points: list[StationShown]
    as_of: datetime | None = Field(description="When all of this was so, as far as was known")

    @classmethod
    def of(cls, it: SiteLoad, **others: Any) -> Self:
        """Show a load."""
        return super().of(
            it,
            power=PowerShown.of(it.limit),
            bound_amps=round(it.bound_amps, 2),
            sessions=[BayShown.of(one, detail=one.reason.sentence) for one in it.bays],
            charge_points=[StationShown.of(one, detail=one.reason.sentence) for one in it.stations],
            **others,
        )
