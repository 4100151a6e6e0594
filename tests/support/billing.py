"""A project that bills, and sessions at its charge point as a node stores them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.audit import ENGINE
from domain.billing.cdr import Cdr
from domain.billing.messages import BillTransaction, TransactionBilled
from domain.billing.tariff import Tariff, TariffVersion
from domain.facts import ConnectorFact
from domain.ids import Prefix, new_id
from domain.states import ConnectorStatus, Role
from storage.bill_transaction import StoredBilling
from storage.billing_activation import BillingActivation
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.fact_records import ConnectorStatus as StatusRecord
from storage.fact_records import MeterEntry, MeterValues, Record, TransactionStart, TransactionStop
from storage.models.billing import ChargeDetailRecord
from storage.models.projects import Project
from storage.models.transactions import MeterValue, Transaction
from storage.store_facts import store_facts
from storage.tariffs import StoredTariff, Tariffs
from tests.support.rows import AT, one_charge_point

ACTIVE = AT
"""Billing is active from this moment on: 1 May 2026, 10:15 UTC."""
PRICE = "0.30"
_STOPPED = "2026-05-02T11:00"


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def energy_tariff(price: str = PRICE, *, currency: str = "GBP") -> Tariff:
    """One price for energy, with a VAT of 20 %."""
    component = {"type": "ENERGY", "price": price, "vat": "20"}
    elements = [{"price_components": [component]}]
    return Tariff.model_validate({"currency": currency, "elements": elements})


async def records_of(connection: AsyncConnection, transaction_id: int) -> Sequence[Cdr]:
    """Every record of a transaction, in the order in which they came to be."""
    documents = await connection.scalars(
        select(col(ChargeDetailRecord.document))
        .where(col(ChargeDetailRecord.transaction_id) == transaction_id)
        .order_by(col(ChargeDetailRecord.revision), col(ChargeDetailRecord.credit))
    )
    return [Cdr.model_validate(document) for document in documents]


def stored_tariff(
    tariff: Tariff, *, valid_from: datetime = AT, set_as: Role = Role.SITE_OWNER
) -> StoredTariff:
    """A version as it is handed to storage."""
    version = TariffVersion(id=new_id(Prefix.TARIFF), valid_from=valid_from, tariff=tariff)
    return StoredTariff(version=version, set_by="usr_2", set_as=set_as, created_at=AT)


@dataclass
class Site:
    """A project with one charge point, and a clock."""

    database: Database
    now: datetime = ACTIVE + timedelta(days=2)
    project_id: str = "prj_1"
    charge_point_id: str = "cp_1"
    _records: StoredBilling = field(init=False)

    def __post_init__(self) -> None:
        self._records = StoredBilling(self.database, load_catalogue(), now=lambda: self.now)

    async def begin(self, *tariffs: StoredTariff, time_zone: str = "Europe/London") -> None:
        """Register it, price it, and activate its billing."""
        await one_charge_point(self.database, charge_point_id=self.charge_point_id)
        await self.price(*tariffs or (stored_tariff(energy_tariff()),))
        async with self.database.write() as connection:
            await connection.execute(update(Project).values(time_zone=time_zone))
            await BillingActivation(connection, self.project_id).activate(at=ACTIVE)

    async def price(self, *tariffs: StoredTariff) -> None:
        """Add tariffs."""
        async with self.database.write() as connection:
            for tariff in tariffs:
                await Tariffs(connection, self.project_id).add(tariff, by=ENGINE)

    async def start(
        self,
        started: str = "2026-05-02T09:00",
        *,
        meter: int | None = 1000,
        id_tag: str = "04A2B3C4",
        received: str | None = None,
    ) -> int:
        """Store a StartTransaction."""
        record = TransactionStart(
            charge_point_id=self.charge_point_id,
            connector_id=1,
            id_tag=id_tag,
            started_at=at(started),
            meter_start=meter,
            received_at=at(received or started),
        )
        await self._store(record)
        return record.number

    async def values(
        self, transaction_id: int, *points: tuple[str, int], late: bool = False
    ) -> MeterValues:
        """Store MeterValues: moments and Wh."""
        record = MeterValues(
            charge_point_id=self.charge_point_id,
            connector_id=1,
            received_at=self.now,
            transaction_id=str(transaction_id),
            number=transaction_id,
            entries=entries(*points),
            late={transaction_id} if late else set(),
        )
        await self._store(record)
        return record

    async def stop(
        self,
        transaction_id: int,
        stopped: str = _STOPPED,
        *,
        meter: int | None = 11_000,
        received: str | None = None,
        contested: int | None = None,
    ) -> TransactionStop:
        """Store a StopTransaction."""
        record = TransactionStop(
            charge_point_id=self.charge_point_id,
            transaction_id=str(transaction_id),
            stopped_at=at(stopped),
            meter_stop=meter,
            reason="Local",
            received_at=at(received or stopped),
            entries=[],
            contested=contested,
        )
        await self._store(record)
        return record

    async def status(self, status: ConnectorStatus, since: str) -> None:
        """Store a StatusNotification of the connector."""
        await self._store(
            StatusRecord(
                charge_point_id=self.charge_point_id,
                fact=ConnectorFact(
                    connector_id=1, status=status, error_code="NoError", at=self.now
                ),
                stamped_at=at(since),
            )
        )

    async def session(self, **start: Any) -> int:
        """Store a session of 10 kWh from start to stop, or of two hours."""
        transaction_id = await self.start(**start)
        started = at(start.get("started", _STOPPED))
        if started <= at(_STOPPED):
            await self.stop(transaction_id)
        else:
            await self.stop(transaction_id, f"{started + timedelta(hours=2):%Y-%m-%dT%H:%M}")
        return transaction_id

    async def bill(self, transaction_id: int) -> TransactionBilled:
        """What the billing workflow does."""
        due = BillTransaction(
            charge_point_id=self.charge_point_id, transaction_id=str(transaction_id)
        )
        return await self._records.bill(due)

    async def cdrs(self, transaction_id: int) -> Sequence[Cdr]:
        """Every record of the transaction."""
        async with self.database.read() as connection:
            return await records_of(connection, transaction_id)

    async def mark(self, transaction_id: int) -> str | None:
        """Where billing stands with it."""
        async with self.database.read() as connection:
            mark: str | None = await connection.scalar(
                select(col(Transaction.billing)).where(col(Transaction.id) == transaction_id)
            )
            return mark

    async def rows_of_values(self) -> int:
        """How many meter values are stored."""
        async with self.database.read() as connection:
            return len((await connection.execute(select(col(MeterValue.id)))).all())

    async def _store(self, record: Record) -> None:
        async with self.database.write() as connection:
            await store_facts(connection, [record])


def entries(*points: tuple[str, int]) -> list[MeterEntry]:
    """Register values in Wh."""
    return [MeterEntry(at=at(moment), samples=[{"value": str(wh)}]) for moment, wh in points]
