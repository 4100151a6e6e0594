"""Bills a transaction: from rows to charge detail records, in one database transaction."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
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
from domain.billing.judging import Judgement, decide, judge
from domain.billing.messages import BillTransaction, TransactionBilled
from domain.billing.register import Session
from domain.billing.tariff import TariffVersion
from domain.ids import Prefix, new_id
from domain.places import number_of
from domain.states import TransactionBilling
from storage.announcements import announce_held
from storage.billing_activation import BillingActivation
from storage.billing_told import Gathered, Site, gather, link_of, times_of
from storage.catalogue import Catalogue
from storage.cdrs import Cdrs, Issued
from storage.contests import is_asked
from storage.held import HeldRecords
from storage.models.billing import HeldRecord
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.models.transactions import Transaction
from storage.records import CatalogueRecords
from storage.rows import Rows, record_of
from storage.run_queries import is_tag_of_the_run
from storage.statements import Months
from storage.tariffs import Tariffs


class StoredBilling(CatalogueRecords):
    """Charge detail records, as activities ask for them; safe to repeat."""

    async def bill(self, due: BillTransaction) -> TransactionBilled:
        """Bill a transaction that is due, or correct its record where that has changed."""
        async with self._database.write() as connection:
            number = await connection.scalar(
                select(col(Transaction.id))
                .where(col(Transaction.charge_point_id) == due.charge_point_id)
                .where(col(Transaction.ocpp_id) == due.transaction_id)
            )
            if number is None:
                return TransactionBilled(reason="Nothing is due.")
            return await bill_transaction(connection, number, self._catalogue, at=self._now())


async def bill_transaction(
    connection: AsyncConnection, number: int, catalogue: Catalogue, *, at: datetime
) -> TransactionBilled:
    """Bill a transaction that is due, correct its record, or hold it.

    The transaction's row is locked from the look at it until its records are committed, and
    whoever brings new meter values marks that row after them; so no value is overlooked, and of
    two who bill the same transaction one finds nothing due.
    """
    rows = Rows(connection)
    its_row = select(Transaction.__table__).where(col(Transaction.id) == number)
    row = await rows.read(its_row.with_for_update(), record_of(Transaction))
    if row is None or row.billing != TransactionBilling.DUE:
        return TransactionBilled(reason="Nothing is due.")
    if await is_asked(connection, row.charge_point_id):
        return TransactionBilled(reason="It is not known yet whether another link speaks, too.")
    charge_point = await rows.get(ChargePoint, row.charge_point_id)
    its_project = select(Project.__table__).where(col(Project.id) == charge_point.project_id)
    # No month is closed from here on until the records are committed.
    project = record_of(Project)(await rows.one(its_project.with_for_update(read=True)))
    site = Site(charge_point, project)
    why_not = await _exemption(connection, row, project_id=project.id)
    if why_not is not None:
        billed, mark = TransactionBilled(reason=why_not), TransactionBilling.EXEMPT
    else:
        billed, mark = await _Bill(connection, row, site, catalogue, at=at).make()
    await rows.at(Transaction, number).set(billing=mark)
    return billed


class _Bill:
    """Decides what becomes of one transaction."""

    def __init__(
        self,
        connection: AsyncConnection,
        row: Transaction,
        site: Site,
        catalogue: Catalogue,
        *,
        at: datetime,
    ) -> None:
        self._connection = connection
        self._row = row
        self._site = site
        self._catalogue = catalogue
        self._at = at
        self._records = Cdrs(connection, site.project.id)
        self._holds = HeldRecords(connection, site.project.id)

    async def make(self) -> tuple[TransactionBilled, TransactionBilling]:
        """Judge it, and write what follows."""
        held = await self._holds.of_transaction(self._row.id)
        # The owner decided about one stop; another stop needs a new decision.
        same = held is not None and held.stop_received_at == self._row.stop_received_at
        if held is not None and held.state is HoldState.DROPPED:
            return TransactionBilled(
                reason="The site owner has dropped it."
            ), TransactionBilling.DROPPED
        versions = [
            stored.version
            for stored in await Tariffs(self._connection, self._site.project.id).all()
        ]
        gathered = await gather(self._connection, self._row, self._site, self._catalogue)
        outcome = _outcome(gathered, versions, held if same else None)
        if held is not None and same and _waits_still(held, outcome):
            return TransactionBilled(reason="It waits for the site owner."), TransactionBilling.HELD
        ids = await self._issue(outcome.session, gathered, versions)
        if outcome.hold is not None:
            await self._hold(outcome.hold, gathered, versions, held)
            mark, reason = TransactionBilling.HELD, outcome.hold.reason
        else:
            if held is not None and held.state is HoldState.HELD:
                await self._holds.settle(held, at=self._at)
            mark, reason = TransactionBilling.BILLED, "Its record stands."
        return TransactionBilled(cdr_ids=ids, reason=None if ids else reason), mark

    async def _issue(
        self, session: Session | None, gathered: Gathered, versions: Sequence[TariffVersion]
    ) -> tuple[str, ...]:
        """Issue what the records lack: a first one, or a credit of one that was, and a new one."""
        newest = await self._records.newest(self._row.id)
        standing = None if newest is None or newest.cdr.credit else newest
        # A correction follows the meter, not a time zone that was changed since.
        time_zone = (
            self._site.project.time_zone if newest is None else newest.cdr.cdr_location.time_zone
        )
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
        month, _ = await Months(self._connection, self._site.project.id).open_at(self._at)
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
            link=link_of(self._site.charge_point),
            signed_readings=gathered.signed,
        )
        return make_cdr(
            new_id(Prefix.CDR), subject, charged, versions, currency=currency, at=self._at
        )

    def _location(self, time_zone: str) -> CdrLocation:
        return CdrLocation(
            id=self._site.project.id,
            name=self._site.project.name,
            address=self._site.project.address,
            charge_point_id=self._row.charge_point_id,
            charge_point=self._site.charge_point.serial_number,
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
            cdr_location=self._location(self._site.project.time_zone),
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
            link=link_of(self._site.charge_point),
            signed_readings=gathered.signed,
        )
        held = await self._holds.hold(
            document,
            transaction_id=row.id,
            stop_received_at=told.times.stop_received_at,
            known=known,
            at=self._at,
        )
        if known is None or known.state is not HoldState.HELD:
            await announce_held(
                self._connection, self._site.project.id, held.id, document=document, at=self._at
            )


def _outcome(
    gathered: Gathered, versions: Sequence[TariffVersion], held: HeldRecord | None
) -> Judgement:
    """Judge it anew, or bill it as the owner decided."""
    if held is not None and held.state is HoldState.RELEASED and held.decision is not None:
        session = decide(gathered.told, held.decision, versions)
        if session is not None:
            return Judgement(session=session, hold=None)
    return judge(gathered.told, versions)


def _waits_still(held: HeldRecord, outcome: Judgement) -> bool:
    """Whether what is known by now would release a record that only its owner releases."""
    if held.state is not HoldState.HELD:
        return False
    wanted = set(held.document.wanted)
    return not wanted <= set(() if outcome.hold is None else outcome.hold.wanted)


async def _exemption(
    connection: AsyncConnection, row: Transaction, *, project_id: str
) -> str | None:
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
    if not await BillingActivation(connection, project_id).bills(times_of(row).began):
        return "Billing was not active when it began."
    return None
