"""A month's statement as rows for a spreadsheet."""

import csv
import io
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from domain.billing.cdr import Cdr
from domain.billing.statement import Statement, signed

_HEADER: Final = (
    "cdr_id",
    "credit_reference_id",
    "issued_at",
    "start_date_time",
    "end_date_time",
    "session_id",
    "charge_point",
    "connector_id",
    "id_tag",
    "total_energy_kwh",
    "total_time_hours",
    "total_parking_time_hours",
    "currency",
    "fixed_cost_excl_vat",
    "energy_cost_excl_vat",
    "time_cost_excl_vat",
    "parking_cost_excl_vat",
    "total_cost_excl_vat",
    "vat",
    "total_cost_incl_vat",
    "remark",
    "link",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def statement_csv(statement: Statement) -> str:
    """Write a row for each record; times are those by which it was billed, with their offset.

    Volumes and amounts of credits are negative, so that columns may be added up.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(_HEADER)
    for cdr in statement.cdrs:
        rows.writerow(_row(cdr))
    return text.getvalue()


def _row(cdr: Cdr) -> Sequence[object]:
    zone = ZoneInfo(cdr.cdr_location.time_zone)
    vat = cdr.total_cost.incl_vat - cdr.total_cost.excl_vat
    return (
        cdr.id,
        cdr.credit_reference_id or "",
        *(
            moment.astimezone(zone).isoformat(timespec="seconds")
            for moment in (cdr.last_updated, cdr.start_date_time, cdr.end_date_time)
        ),
        cdr.session_id,
        _harmless(cdr.cdr_location.charge_point),
        cdr.cdr_location.connector_id,
        _harmless(cdr.cdr_token.uid),
        f"{signed(cdr, cdr.total_energy):.3f}",
        f"{signed(cdr, cdr.total_time):.4f}",
        f"{signed(cdr, cdr.total_parking_time):.4f}",
        cdr.currency,
        *(
            f"{cost.excl_vat:f}"
            for cost in (
                cdr.total_fixed_cost,
                cdr.total_energy_cost,
                cdr.total_time_cost,
                cdr.total_parking_cost,
                cdr.total_cost,
            )
        ),
        f"{vat:f}",
        f"{cdr.total_cost.incl_vat:f}",
        cdr.remark or "",
        cdr.link or "",
    )


def _harmless(text: str) -> str:
    """A charge point may send what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
