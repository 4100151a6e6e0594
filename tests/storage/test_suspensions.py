"""Time in which a charge point gave no power belongs to the session in which it did not."""

from decimal import Decimal

from domain.billing.tariff import Tariff
from domain.states import ConnectorStatus
from storage.engine import Database
from tests.support.billing import Site, stored_tariff

EVSE, CHARGING = ConnectorStatus.SUSPENDED_EVSE, ConnectorStatus.CHARGING
IDLE = {"type": "PARKING_TIME", "price": "6"}
TARIFF = Tariff.model_validate({"currency": "GBP", "elements": [{"price_components": [IDLE]}]})


async def hours_idle(site: Site, transaction: int, stopped: str) -> Decimal:
    """How long a session without energy was idle; it costs 6.00 an hour."""
    await site.stop(transaction, stopped, meter=1000)
    await site.bill(transaction)
    (cdr,) = await site.cdrs(transaction)
    assert cdr.total_cost.excl_vat == 6 * cdr.total_parking_time
    return cdr.total_parking_time


async def test_it_is_no_idle_time(database: Database) -> None:
    site = Site(database)
    await site.begin(stored_tariff(TARIFF))
    transaction = await site.start("2026-05-02T09:00")
    await site.status(EVSE, "2026-05-02T09:00")
    await site.status(CHARGING, "2026-05-02T10:00")
    await site.status(EVSE, "2026-05-02T10:30")
    assert await hours_idle(site, transaction, "2026-05-02T11:00") == Decimal("0.5")


async def test_without_a_word_of_its_end_it_ends_with_its_session(database: Database) -> None:
    """The link broke; the session after it is another matter."""
    site = Site(database)
    await site.begin(stored_tariff(TARIFF))
    first = await site.start("2026-05-02T09:00")
    await site.status(EVSE, "2026-05-02T09:30")
    assert await hours_idle(site, first, "2026-05-02T11:00") == Decimal("0.5")
    second = await site.start("2026-05-02T11:00")
    assert await hours_idle(site, second, "2026-05-02T12:00") == 1


async def test_it_may_be_told_before_the_session(database: Database) -> None:
    site = Site(database)
    await site.begin(stored_tariff(TARIFF))
    await site.status(EVSE, "2026-05-02T08:59")
    transaction = await site.start("2026-05-02T09:00")
    assert await hours_idle(site, transaction, "2026-05-02T11:00") == 0
