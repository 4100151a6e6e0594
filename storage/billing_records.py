"""Billing of transactions: from rows to charge detail records, in one database transaction."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.billing.cdr import Cdr, CdrLocation, Subject, make_cdr
from domain.billing.charging import charge
from domain.billing.clocks import Times
from domain.billing.messages import Settled
from domain.billing.register import Reading, Session
from domain.ids import Prefix, new_id
from domain.rules.sampled_values import read_samples
from domain.states import TransactionBilling
from storage.billing import Billing
from storage.billing_months import Months
from storage.cdrs import Cdrs, Issued
from storage.engine import Database
from storage.suspensions import read_suspensions
from storage.tables import (
    charge_points,
    commissioning_runs,
    meter_values,
    projects,
    transactions,
)
from storage.tariffs import Tariffs

_MWH = 1000  # in a Wh


class StoredBilling:
    """Implements :class:`domain.ports.BillingRecords`."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def settle(self, transaction_id: int) -> Settled:
        """Bill a transaction that is due; or correct its record, where it would be another now.

        The transaction's row is locked from the look at it until its records are committed, and
        whoever brings new meter values marks that row after them; so no value is overlooked, and of
        two who settle the same transaction one finds nothing due.
        """
        async with self._database.write() as connection:
            row = (
                await connection.execute(
                    select(transactions)
                    .where(transactions.c.id == transaction_id)
                    .with_for_update()
                )
            ).one_or_none()
            if row is None or row.billing != TransactionBilling.DUE:
                return Settled(reason="Nothing is due.")
            site = (
                await connection.execute(
                    select(projects, charge_points.c.serial_number)
                    .join(charge_points, charge_points.c.project_id == projects.c.id)
                    .where(charge_points.c.id == row.charge_point_id)
                    # No month is closed from here on until the records are committed.
                    .with_for_update(read=True, of=projects)
                )
            ).one()
            why_not = await _exemption(connection, row, project_id=site.id)
            settled = (
                Settled(reason=why_not)
                if why_not is not None
                else await self._issue(connection, row, site)
            )
            await connection.execute(
                update(transactions)
                .where(transactions.c.id == transaction_id)
                .values(billing=TransactionBilling.EXEMPT if why_not else TransactionBilling.BILLED)
            )
            return settled

    async def _issue(self, connection: AsyncConnection, row: Row[Any], site: Row[Any]) -> Settled:
        records = Cdrs(connection, site.id)
        standing = await records.standing(row.id)
        # A correction is for what the meter said; a zone that was changed since is none of it.
        time_zone = site.time_zone if standing is None else standing.cdr.cdr_location.time_zone
        made = await self._compute(connection, row, site, time_zone)
        if standing is None:
            issued = [Issued(revision=1, cdr=made)]
        elif standing.cdr.agrees_with(made):
            return Settled(reason="Its record stands.")
        else:
            credit = standing.cdr.taken_back(at=made.last_updated)
            issued = [
                Issued(revision=standing.revision, cdr=credit),
                Issued(revision=standing.revision + 1, cdr=made),
            ]
        month, _ = await Months(connection, site.id).open_at(made.last_updated)
        for each in issued:
            await records.issue(each, transaction_id=row.id, month=month)
        return Settled(cdr_ids=tuple(each.cdr.id for each in issued))

    async def _compute(
        self, connection: AsyncConnection, row: Row[Any], site: Row[Any], time_zone: str
    ) -> Cdr:
        versions = [stored.version for stored in await Tariffs(connection, site.id).all()]
        currency = versions[0].tariff.currency  # all have the same, and billing needs one
        charged = charge(
            await _session(connection, row), versions, zone=ZoneInfo(time_zone), currency=currency
        )
        subject = Subject(
            session_id=str(row.id),
            id_tag=row.id_tag,
            location=CdrLocation(
                id=site.id,
                name=site.name,
                address=site.address,
                charge_point_id=row.charge_point_id,
                charge_point=site.serial_number,
                connector_id=row.connector_id,
                time_zone=time_zone,
            ),
        )
        return make_cdr(
            new_id(Prefix.CDR), subject, charged, versions, currency=currency, at=self._now()
        )


async def _exemption(connection: AsyncConnection, row: Row[Any], *, project_id: str) -> str | None:
    """Why a transaction is not billed; None where it is."""
    run = await connection.scalar(
        select(commissioning_runs.c.id)
        .where(commissioning_runs.c.charge_point_id == row.charge_point_id)
        # A start told after the verdict belongs to no run: the tag alone tells what it is.
        .where(func.upper(commissioning_runs.c.id_tag) == row.id_tag.strip().upper())
        .limit(1)
    )
    if row.commissioning_id is not None or run is not None:
        return "It is a test transaction."
    if not await Billing(connection, project_id).bills(_times(row).began):
        return "Billing was not active when it began."
    return None


def _times(row: Row[Any]) -> Times:
    return Times(
        started_at=row.started_at,
        received_at=row.received_at,
        stopped_at=row.stopped_at,
        stop_received_at=row.stop_received_at,
    )


async def _session(connection: AsyncConnection, row: Row[Any]) -> Session:
    values = await connection.execute(
        select(meter_values.c.at, meter_values.c.samples).where(
            meter_values.c.transaction_id == row.id
        )
    )
    registers = tuple(
        Reading(at=value.at, mwh=round(energy_wh * _MWH))
        for value in values
        if (energy_wh := read_samples(value.at, value.samples).energy_wh) is not None
    )
    shown = [reading.mwh for reading in registers]
    start = row.meter_start * _MWH if row.meter_start is not None else min(shown, default=None)
    stop = row.meter_stop * _MWH if row.meter_stop is not None else max(shown, default=None)
    times = _times(row)
    return Session(
        started_at=row.started_at,
        stopped_at=times.ended,
        timed=times.sound,
        suspended=await read_suspensions(connection, row, ended=times.ended),
        # Where neither end and no reading is known, nothing is: no energy is made up.
        meter_start_mwh=start if start is not None else stop or 0,
        meter_stop_mwh=stop if stop is not None else start or 0,
        metered=row.meter_start is not None and row.meter_stop is not None,
        readings=registers,
    )
