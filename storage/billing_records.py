"""Billing of transactions: from rows to charge detail records, in one database transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.billing.cdr import Cdr, CdrLocation, CdrToken, Subject, make_cdr
from domain.billing.charging import price_session
from domain.billing.held import (
    HeldDocument,
    HeldReading,
    Hold,
    HoldState,
    bound_of,
    ends_of,
    kwh,
    suggestion_of,
)
from domain.billing.judging import decide, judge
from domain.billing.messages import BillTransaction, Settled
from domain.billing.register import Session
from domain.billing.tariff import TariffVersion
from domain.ids import Prefix, new_id
from domain.places import number_of
from domain.states import TransactionBilling
from storage.announcements import announce_held
from storage.billing import Billing
from storage.billing_months import Months
from storage.billing_told import Gathered, gather, link_of, times_of
from storage.catalogue import Catalogue
from storage.cdrs import Cdrs, Issued
from storage.contests import is_asked
from storage.engine import Database
from storage.held import HeldRecord, HeldRecords
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.models.transactions import Transaction
from storage.run_tags import is_tag_of_the_run
from storage.tariffs import Tariffs


class StoredBilling:
    """Implements :class:`domain.ports.BillingRecords`."""

    def __init__(
        self, database: Database, catalogue: Catalogue, *, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._now = now

    async def settle(self, due: BillTransaction) -> Settled:
        """Bill a transaction that is due, or correct its record where that has changed."""
        async with self._database.write() as connection:
            number = await connection.scalar(
                select(col(Transaction.id))
                .where(col(Transaction.charge_point_id) == due.charge_point_id)
                .where(col(Transaction.ocpp_id) == due.transaction_id)
            )
            if number is None:
                return Settled(reason="Nothing is due.")
            return await settle(connection, number, self._catalogue, at=self._now())


async def settle(
    connection: AsyncConnection, number: int, catalogue: Catalogue, *, at: datetime
) -> Settled:
    """Bill a transaction that is due, correct its record, or hold it.

    The transaction's row is locked from the look at it until its records are committed, and
    whoever brings new meter values marks that row after them; so no value is overlooked, and of
    two who settle the same transaction one finds nothing due.
    """
    row = (
        await connection.execute(
            select(Transaction.__table__).where(col(Transaction.id) == number).with_for_update()
        )
    ).one_or_none()
    if row is None or row.billing != TransactionBilling.DUE:
        return Settled(reason="Nothing is due.")
    if await is_asked(connection, row.charge_point_id):
        return Settled(reason="It is not known yet whether another link speaks, too.")
    site = (
        await connection.execute(
            select(
                Project.__table__,
                col(ChargePoint.serial_number),
                col(ChargePoint.vendor),
                col(ChargePoint.model),
                col(ChargePoint.credential_hash),
                col(ChargePoint.max_amps).label("cable_amps"),
                col(ChargePoint.phases).label("cable_phases"),
                col(ChargePoint.voltage).label("cable_voltage"),
            )
            .join(ChargePoint, col(ChargePoint.project_id) == col(Project.id))
            .where(col(ChargePoint.id) == row.charge_point_id)
            # No month is closed from here on until the records are committed.
            .with_for_update(read=True, of=Project)
        )
    ).one()
    why_not = await _exemption(connection, row, project_id=site.id)
    if why_not is not None:
        settled, mark = Settled(reason=why_not), TransactionBilling.EXEMPT
    else:
        settled, mark = await _Settlement(connection, row, site, catalogue, at=at).make()
    await connection.execute(
        update(Transaction).where(col(Transaction.id) == number).values(billing=mark)
    )
    return settled


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """What can be billed now, and what is to be held."""

    session: Session | None
    hold: Hold | None = None


class _Settlement:
    """Decides what becomes of one transaction."""

    def __init__(
        self,
        connection: AsyncConnection,
        row: Row[Any],
        site: Row[Any],
        catalogue: Catalogue,
        *,
        at: datetime,
    ) -> None:
        self._connection = connection
        self._row = row
        self._site = site
        self._catalogue = catalogue
        self._at = at
        self._records = Cdrs(connection, site.id)
        self._holds = HeldRecords(connection, site.id)

    async def make(self) -> tuple[Settled, TransactionBilling]:
        """Judge it, and write what follows."""
        held = await self._holds.of_transaction(self._row.id)
        # The owner decided about one stop; another stop needs a new decision.
        same = held is not None and held.stop_received_at == self._row.stop_received_at
        if held is not None and held.state is HoldState.DROPPED:
            return Settled(reason="The site owner has dropped it."), TransactionBilling.DROPPED
        versions = [
            stored.version for stored in await Tariffs(self._connection, self._site.id).all()
        ]
        gathered = await gather(self._connection, self._row, self._site, self._catalogue)
        outcome = _outcome(gathered, versions, held if same else None)
        if held is not None and same and _waits_still(held, outcome):
            return Settled(reason="It waits for the site owner."), TransactionBilling.HELD
        ids = await self._issue(outcome.session, gathered, versions)
        if outcome.hold is not None:
            await self._hold(outcome.hold, gathered, versions, held)
            mark, reason = TransactionBilling.HELD, outcome.hold.reason
        else:
            if held is not None and held.state is HoldState.HELD:
                await self._holds.settle(held, at=self._at)
            mark, reason = TransactionBilling.BILLED, "Its record stands."
        return Settled(cdr_ids=ids, reason=None if ids else reason), mark

    async def _issue(
        self, session: Session | None, gathered: Gathered, versions: Sequence[TariffVersion]
    ) -> tuple[str, ...]:
        """Issue what the records lack: a first one, or a credit of one that was, and a new one."""
        newest = await self._records.newest(self._row.id)
        standing = None if newest is None or newest.cdr.credit else newest
        # A correction follows the meter, not a time zone that was changed since.
        time_zone = self._site.time_zone if newest is None else newest.cdr.cdr_location.time_zone
        made = (
            None
            if session is None
            else self._compute(session, gathered, versions, time_zone=time_zone)
        )
        if standing is not None and made is not None and standing.cdr.agrees_with(made):
            return ()
        issued: list[Issued] = []
        if standing is not None:
            credit = standing.cdr.taken_back(at=self._at)
            issued.append(Issued(revision=standing.revision, cdr=credit))
        if made is not None:
            issued.append(Issued(revision=1 if newest is None else newest.revision + 1, cdr=made))
        month, _ = await Months(self._connection, self._site.id).open_at(self._at)
        for each in issued:
            await self._records.issue(each, transaction_id=self._row.id, month=month)
        return tuple(each.cdr.id for each in issued)

    def _compute(
        self,
        session: Session,
        gathered: Gathered,
        versions: Sequence[TariffVersion],
        *,
        time_zone: str,
    ) -> Cdr:
        currency = versions[0].tariff.currency  # all have the same, and billing needs one
        charged = price_session(session, versions, zone=ZoneInfo(time_zone), currency=currency)
        subject = Subject(
            session_id=self._row.ocpp_id,
            id_tag=self._row.id_tag,
            location=self._location(time_zone),
            link=link_of(self._site),
            signed_readings=gathered.signed,
        )
        return make_cdr(
            new_id(Prefix.CDR), subject, charged, versions, currency=currency, at=self._at
        )

    def _location(self, time_zone: str) -> CdrLocation:
        return CdrLocation(
            id=self._site.id,
            name=self._site.name,
            address=self._site.address,
            charge_point_id=self._row.charge_point_id,
            charge_point=self._site.serial_number,
            connector_id=number_of(self._row.evse_id),
            time_zone=time_zone,
        )

    async def _hold(
        self,
        hold: Hold,
        gathered: Gathered,
        versions: Sequence[TariffVersion],
        known: HeldRecord | None,
    ) -> None:
        row, told = self._row, gathered.told
        document = HeldDocument(
            session_id=row.ocpp_id,
            cdr_token=CdrToken(uid=row.id_tag),
            cdr_location=self._location(self._site.time_zone),
            start_date_time=row.started_at,
            end_date_time=row.stopped_at,
            start_received_at=row.received_at,
            end_received_at=row.stop_received_at,
            currency=versions[0].tariff.currency,
            cause=hold.cause,
            reason=hold.reason,
            wanted=hold.wanted,
            bound=bound_of(hold),
            suggestion=suggestion_of(hold),
            meter_start_kwh=None if told.meter_start_mwh is None else kwh(told.meter_start_mwh),
            meter_stop_kwh=None if told.meter_stop_mwh is None else kwh(told.meter_stop_mwh),
            readings=ends_of(
                [
                    HeldReading(at=reading.at, energy_kwh=kwh(reading.mwh))
                    for reading in sorted(told.readings, key=lambda reading: reading.at)
                ]
            ),
            superseded=row.superseded,
            link=link_of(self._site),
            signed_readings=gathered.signed,
        )
        held = await self._holds.hold(
            document,
            transaction_id=row.id,
            stop_received_at=row.stop_received_at,
            known=known,
            at=self._at,
        )
        if known is None or known.state is not HoldState.HELD:
            await announce_held(
                self._connection, self._site.id, held.id, document=document, at=self._at
            )


def _outcome(
    gathered: Gathered, versions: Sequence[TariffVersion], held: HeldRecord | None
) -> _Outcome:
    """Judge it anew, or bill it as the owner decided."""
    if held is not None and held.state is HoldState.RELEASED and held.decision is not None:
        session = decide(gathered.told, held.decision, versions)
        if session is not None:
            return _Outcome(session=session)
    judged = judge(gathered.told, versions)
    return _Outcome(session=judged.session, hold=judged.hold)


def _waits_still(held: HeldRecord, outcome: _Outcome) -> bool:
    """Whether what is known by now would release a record that only its owner releases."""
    if held.state is not HoldState.HELD:
        return False
    wanted = set(held.document.wanted)
    return not wanted <= set(() if outcome.hold is None else outcome.hold.wanted)


async def _exemption(connection: AsyncConnection, row: Row[Any], *, project_id: str) -> str | None:
    """Return why a transaction is not billed; None where it is."""
    run = await connection.scalar(
        select(col(CommissioningRun.id))
        .where(col(CommissioningRun.charge_point_id) == row.charge_point_id)
        # A start told after the verdict belongs to no run: the tag alone tells what it is.
        .where(is_tag_of_the_run(row.id_tag))
        .limit(1)
    )
    if row.commissioning_id is not None or run is not None:
        return "It is a test transaction."
    if not await Billing(connection, project_id).bills(times_of(row).began):
        return "Billing was not active when it began."
    return None
