"""The worked example of "How a session is billed", figure by figure; the how-to's tariff."""

import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from api.billing.schemas import NewTariff
from domain.billing.charging import Charge, price_session
from domain.billing.register import Reading, Session
from domain.billing.tariff import Dimension, Tariff, TariffVersion

_PAGE = (Path(__file__).parents[2] / "docs/topics/how-a-session-is-billed.md").read_text()
_HOW_TO = (Path(__file__).parents[2] / "docs/how-to/bill-sessions.md").read_text()
_LONDON = ZoneInfo("Europe/London")
_HOUR = 3_600_000_000


def table(first_column: str) -> list[list[str]]:
    """Rows of the table whose head begins with that word."""
    lines = _PAGE.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {first_column} "))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


READINGS = [
    (datetime.fromisoformat(at), clock, int(register)) for at, clock, register in table("At (UTC)")
]


@pytest.fixture
def charged() -> Charge:
    block = re.search(r"```json\n(.*?)```", _PAGE, re.DOTALL)
    assert block is not None
    tariff = Tariff.model_validate(json.loads(block.group(1)))
    (start, _, meter_start), *between, (stop, _, meter_stop) = READINGS
    session = Session(
        started_at=start,
        stopped_at=stop,
        meter_start_mwh=meter_start * 1000,
        meter_stop_mwh=meter_stop * 1000,
        readings=tuple(Reading(at=at, mwh=register * 1000) for at, _, register in between),
    )
    version = TariffVersion(id="trf_1", valid_from=start, tariff=tariff)
    return price_session(session, [version], zone=_LONDON, currency="GBP")


def test_the_clock() -> None:
    assert [f"{at.astimezone(_LONDON):%H:%M}" for at, _, _ in READINGS] == [
        clock for _, clock, _ in READINGS
    ]


def test_the_periods(charged: Charge) -> None:
    assert [
        (
            period.start,
            Decimal(period.mwh) / 1_000_000,
            Decimal(period.microseconds) / _HOUR,
            "idle" if period.idle else "charging",
        )
        for period in charged.periods
    ] == [
        (datetime.fromisoformat(start), Decimal(kwh), Decimal(hours.split()[0]), hours.split()[1])
        for start, _, kwh, hours in table("From (UTC)")
    ]


def test_the_lines(charged: Charge) -> None:
    *lines, total = table("Line")
    assert [(line.dimension, line.cost.excl_vat, line.cost.incl_vat) for line in charged.lines] == [
        (Dimension(name), Decimal(excl), Decimal(incl)) for name, _, excl, incl in lines
    ]
    cost = charged.cost()
    assert (cost.excl_vat, cost.incl_vat) == (Decimal(total[2]), Decimal(total[3]))


def test_the_tariff_of_the_how_to_is_taken() -> None:
    block = re.search(r"projects/\$PROJECT/tariff\" \\\n  -d '(.*?)'\n```", _HOW_TO, re.DOTALL)
    assert block is not None
    assert len(NewTariff.model_validate(json.loads(block.group(1))).elements) == 2
