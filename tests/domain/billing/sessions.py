"""Sessions and tariffs that tests of billing begin with."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.billing.charging import Charge, price_session
from domain.billing.register import Reading, Session, Span
from domain.billing.tariff import Tariff, TariffVersion

LONDON = ZoneInfo("Europe/London")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_MWH = 1_000_000  # in a kWh


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def kwh(number: float) -> int:
    return round(number * _MWH)


def session(
    start: str,
    stop: str,
    *points: tuple[str, float],
    total: float,
    meter_start: float = 1000,
    suspended: Sequence[tuple[str, str]] = (),
) -> Session:
    """A session by UTC times; ``points`` and ``total`` are kWh since its start."""
    return Session(
        started_at=utc(start),
        stopped_at=utc(stop),
        meter_start_mwh=kwh(meter_start),
        meter_stop_mwh=kwh(meter_start + total),
        readings=tuple(Reading(at=utc(at), mwh=kwh(meter_start + value)) for at, value in points),
        suspended=tuple(Span(start=utc(since), end=utc(until)) for since, until in suspended),
    )


def component(kind: str, price: str, *, vat: str | None = None, step: int = 1) -> dict[str, Any]:
    return {"type": kind, "price": price, "vat": vat, "step_size": step}


def element(*components: dict[str, Any], **restrictions: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"price_components": list(components)}
    return made | ({"restrictions": restrictions} if restrictions else {})


def version(
    *elements: dict[str, Any],
    valid_from: datetime = LONG_AGO,
    version_id: str = "trf_1",
    currency: str = "GBP",
) -> TariffVersion:
    tariff = Tariff.model_validate({"currency": currency, "elements": list(elements)})
    return TariffVersion(id=version_id, valid_from=valid_from, tariff=tariff)


def bill(
    what: Session,
    *versions: TariffVersion | dict[str, Any],
    zone: ZoneInfo = LONDON,
    currency: str = "GBP",
) -> Charge:
    """Charge a session by versions, or by the elements of one."""
    made: Sequence[TariffVersion] = [each for each in versions if isinstance(each, TariffVersion)]
    elements = [each for each in versions if isinstance(each, dict)]
    if elements:
        made = [*made, version(*elements, currency=currency)]
    return price_session(what, made, zone=zone, currency=currency)


def excl(charged: Charge) -> Decimal:
    return charged.cost().excl_vat


def incl(charged: Charge) -> Decimal:
    return charged.cost().incl_vat


HOUR = timedelta(hours=1)
