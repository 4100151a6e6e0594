"""Shapes of withdrawing charge points."""

from pydantic import BaseModel, Field, StrictBool

from api.charge_points.schemas import EXAMPLE, ChargePointShown
from api.fields import ModelName, Reason, Request, SerialNumber, example
from domain.states import Exchange

ISOLATED = Field(
    default=False,
    description="At a site that is handed over: true says that its supply is cut off, so that it "
    "cannot draw. One that is offline, and may still draw, is counted until you say so, or until "
    "the unit in its place connects",
)


class Withdraw(Request):
    """Why a charge point is taken out of its project."""

    model_config = example(reason="Dead on arrival", end_run=True)

    reason: Reason
    end_run: StrictBool = Field(
        default=False,
        description="True: an open run is cancelled and a session stopped first, and the charge "
        "point is withdrawn once they have ended. False: while there is one, it is refused",
    )
    isolated: StrictBool = ISOLATED


class Replace(Request):
    """The unit that is in the place of another one now."""

    model_config = example(serial_number="CP-SN-00483977", reason="Dead on arrival")

    serial_number: SerialNumber
    model: ModelName | None = Field(default=None, description="Left out: that of the old one")
    vendor: ModelName | None = Field(default=None, description="Left out: that of the old one")
    reason: Reason | None = Field(default=None, description="Why; left out: that it was replaced")
    end_run: StrictBool = Field(
        default=False,
        description="True: an open run of the old one is cancelled and a session stopped",
    )
    isolated: StrictBool = ISOLATED


class Replaced(BaseModel):
    """A charge point and the one that it replaces."""

    model_config = example(
        charge_point=EXAMPLE,
        replaced=EXAMPLE,
        configuration_kept=["HeartbeatInterval"],
        configuration_dropped=[],
    )

    charge_point: ChargePointShown
    replaced: ChargePointShown
    configuration_kept: list[str] = Field(description="Chosen values that the new one has, too")
    configuration_dropped: list[str] = Field(description="Chosen values that do not fit its model")


class Swap(Request):
    """Two charge points of a project, and what they exchange."""

    model_config = example(
        charge_point_ids=["cp_01HX5P2QRSTUVWXYZ0", "cp_01HX5P2QRSTUVWXYZ1"], exchange="places"
    )

    charge_point_ids: list[str] = Field(min_length=2, max_length=2)
    exchange: Exchange = Field(
        description="`places`: each unit has its own endpoint, and hangs in the other's bay. "
        "`endpoints`: each hangs in its own bay, and was given the other's endpoint. `units`: each "
        "hangs in the other's bay, and has the endpoint of that bay"
    )


class Swapped(BaseModel):
    """Two charge points after the exchange."""

    model_config = example(charge_points=[EXAMPLE, EXAMPLE])

    charge_points: list[ChargePointShown]
