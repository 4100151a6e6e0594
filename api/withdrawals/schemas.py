"""Shapes of withdrawing charge points."""

from pydantic import ConfigDict, Field, StrictBool

from api.fields import Reason, Request


class Withdraw(Request):
    """Why a charge point is taken out of its project."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "Dead on arrival", "end_run": True}]}
    )

    reason: Reason
    end_run: StrictBool = Field(
        default=False,
        description="True: an open run is cancelled and a session stopped first, and the charge "
        "point is withdrawn once they have ended. False: while there is one, it is refused",
    )
