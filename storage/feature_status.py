"""How far what came alive at the handover is."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.states import Feature, FeatureState

_WORST_FIRST = (
    FeatureState.FAILED,
    FeatureState.ACTIVATING,
    FeatureState.LIMITED,
    FeatureState.PENDING,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargePointFeatureStatus:
    """How far a feature is on one charge point; why it is not simply active, and what to do."""

    charge_point_id: str
    state: FeatureState
    cause: str | None
    action: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureStatus:
    """How far a feature of a project is, and the charge points where it is not simply active."""

    feature: Feature
    state: FeatureState
    detail: str | None = None
    charge_points: tuple[ChargePointFeatureStatus, ...] = ()


def worst(found: Sequence[ChargePointFeatureStatus]) -> FeatureState:
    """How far it is of all of them."""
    states = {one.state for one in found}
    return next((state for state in _WORST_FIRST if state in states), FeatureState.ACTIVE)
