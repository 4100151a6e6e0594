"""Shapes of an import."""

from typing import Any, Final

from pydantic import BaseModel, Field

from api.charge_points.schemas import ChargePointRegistered
from api.fields import example

EXAMPLE: Final = (
    "serial_number,model,vendor,ocpp_version,latitude,longitude,address,connectors\r\n"
    'CP-SN-00483921,ABB Terra AC W22,ABB,1.6,51.4545,-2.5879,"Bay 3, Car Park A",\r\n'
    "CP-SN-00483922,ABB Terra AC W22,ABB,,,,,2\r\n"
)
_REGISTERED: dict[str, Any] = {
    "id": "cp_01HX5P2QRSTUVWXYZ0",
    "serial_number": "CP-SN-00483921",
    "status": "registered",
    "ocpp_endpoint": "wss://ocpp.dynamo-csms.com/cp_01HX5P2QRSTUVWXYZ0",
}


class Imported(BaseModel):
    """The charge points that a file made."""

    model_config = example(total=1, items=[_REGISTERED])

    total: int
    items: list[ChargePointRegistered] = Field(description="In the order of the file")
