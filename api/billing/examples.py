"""A charge detail record as the document shows it; its class belongs to the domain."""

from typing import Any, Final

CDR: Final[dict[str, Any]] = {
    "id": "cdr_01HX9CDRABCDEFGHJK",
    "state": "issued",
    "start_date_time": "2026-05-03T12:00:00Z",
    "end_date_time": "2026-05-03T14:00:00Z",
    "session_id": "7",
    "cdr_token": {"uid": "04A2F3B1"},
    "cdr_location": {
        "id": "prj_01HX4M7TABCDE12345",
        "name": "Riverside Business Park",
        "address": "12 Riverside Way, Bristol, BS1 4AA",
        "charge_point_id": "cp_01HX5P2QRSTUVWXYZ0",
        "charge_point": "CP-SN-00483921",
        "connector_id": 1,
        "time_zone": "Europe/London",
    },
    "currency": "GBP",
    "tariffs": [
        {
            "id": "trf_01HX9TARIFFABCDEFG",
            "valid_from": "2026-05-01T00:00:00Z",
            "currency": "GBP",
            "elements": [
                {
                    "price_components": [
                        {"type": "FLAT", "price": "0.50", "vat": "20", "step_size": 1},
                        {"type": "ENERGY", "price": "0.32", "vat": "20", "step_size": 1},
                    ],
                    "restrictions": None,
                }
            ],
        }
    ],
    "charging_periods": [
        {
            "start_date_time": "2026-05-03T12:00:00Z",
            "dimensions": [
                {"type": "ENERGY", "volume": "12.5"},
                {"type": "TIME", "volume": "1.7500"},
            ],
            "tariff_id": "trf_01HX9TARIFFABCDEFG",
        },
        {
            "start_date_time": "2026-05-03T13:45:00Z",
            "dimensions": [
                {"type": "ENERGY", "volume": "0"},
                {"type": "PARKING_TIME", "volume": "0.2500"},
            ],
            "tariff_id": "trf_01HX9TARIFFABCDEFG",
        },
    ],
    "lines": [
        {
            "type": "FLAT",
            "vat": "20",
            "volume": "1",
            "cost": {"excl_vat": "0.50", "incl_vat": "0.60"},
        },
        {
            "type": "ENERGY",
            "vat": "20",
            "volume": "12.5",
            "cost": {"excl_vat": "4.00", "incl_vat": "4.80"},
        },
    ],
    "total_cost": {"excl_vat": "4.50", "incl_vat": "5.40"},
    "total_fixed_cost": {"excl_vat": "0.50", "incl_vat": "0.60"},
    "total_energy": "12.5",
    "total_energy_cost": {"excl_vat": "4.00", "incl_vat": "4.80"},
    "total_time": "2.0000",
    "total_time_cost": {"excl_vat": "0.00", "incl_vat": "0.00"},
    "total_parking_time": "0.2500",
    "total_parking_cost": {"excl_vat": "0.00", "incl_vat": "0.00"},
    "remark": None,
    "link": "unauthenticated",
    "signed_readings": [],
    "credit": False,
    "credit_reference_id": None,
    "last_updated": "2026-05-03T14:00:02Z",
}
CDRS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/json": {"example": {"items": [CDR], "next_cursor": None}}}}
}
