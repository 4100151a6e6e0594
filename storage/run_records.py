"""Records of commissioning runs and whereabouts of charge points, for the activities."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.batch import WaitNote
from domain.commissioning import (
    AnswerNote,
    AvailabilityOwed,
    Briefing,
    Finished,
    NamedTransaction,
    Registered,
    RunRequest,
    RunVerdict,
    TransactionReadings,
    VerdictNotice,
    WhoseSerial,
)
from domain.contests import how_to_decide
from domain.facts import Snapshot
from domain.id_tag import RUN_PART
from domain.operations import DesiredParameter
from domain.ownership import Claim, Owner, Release, Released, Whereabouts
from domain.parameters import text_of
from domain.rules.likeness import serial_key
from storage.accounts import Accounts
from storage.astray import read_astray
from storage.batches import open_batch_of
from storage.catalogue import Catalogue
from storage.charge_points import accept_charge_point, is_withdrawn, read_registered
from storage.connection_attempts import last_refusal
from storage.connections import read_connection
from storage.contests import read_confirmed
from storage.engine import Database
from storage.kept_evidence import evidence_for
from storage.local_lists import doubt_list
from storage.members import Member, Members
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.invitations import ServiceVisit
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from storage.ownership import let_go, take
from storage.parameters import Parameters
from storage.records import CatalogueRecords
from storage.rows import Rows
from storage.run_audit import RunAudit
from storage.run_log import write_run_log
from storage.runs import Runs
from storage.snapshots import read_snapshot
from storage.transactions import readings_of
from storage.withdrawals import Withdrawals

_ID_TAG_BYTES = RUN_PART // 2  # in uppercase hex


class StoredRuns(CatalogueRecords):
    """Implements :class:`domain.ports.RunRecords`."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        *,
        api_url: str = "",
        temporal_ui_url: str = "",
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(database, catalogue, now=now)
        self._api_url = api_url
        self._temporal_ui_url = temporal_ui_url

    async def begin_run(self, request: RunRequest, *, owner: Owner) -> Briefing:
        """Open the run and take the charge point; then, and only then, read the snapshot.

        In this order an event is either in the snapshot or signalled to the owner.
        """
        charge_point_id = request.charge_point_id
        async with self._database.write() as connection:
            runs = Runs(connection)
            run = await runs.get(charge_point_id, request.commissioning_id)
            id_tag = (run and run.id_tag) or secrets.token_hex(_ID_TAG_BYTES).upper()
            if not await runs.begin(request.commissioning_id, id_tag=id_tag):
                return Briefing(accepted=False, verdict=None if run is None else run.view)
            busy_with = await take(
                connection, charge_point_id, owner=owner, run=request.commissioning_id
            )
            if busy_with is not None:
                return Briefing(accepted=True, busy_with=busy_with)
            await doubt_list(connection, charge_point_id)  # it may be another unit by now
        async with self._database.read() as connection:
            device = await read_registered(connection, charge_point_id)
            entry = self._catalogue.resolve(device.vendor, device.model)
            kept = await evidence_for(connection, request)
            return Briefing(
                accepted=True,
                id_tag=id_tag,
                registered=device,
                snapshot=await self._snapshot(connection, request),
                desired=await desired_parameters(connection, self._catalogue, device),
                firmware=entry.firmware,
                previous=kept.previous,
                configured_at=kept.configured_at,
                api_url=self._api_url,
                temporal_ui_url=self._temporal_ui_url,
            )

    async def catch_up(self, request: RunRequest, *, owner: Owner) -> Snapshot:
        """Return what is known now; a node that died may not have told all of it.

        An open run that has lost its charge point takes it again first.
        """
        charge_point_id, run_id = request.charge_point_id, request.commissioning_id
        async with self._database.write() as connection:
            run = await Runs(connection).open_run(charge_point_id)
            if run is not None and run.request.commissioning_id == run_id:
                await take(connection, charge_point_id, owner=owner, run=run_id)
        async with self._database.read() as connection:
            snapshot = await self._snapshot(connection, request)
            return replace(snapshot, astray=await read_astray(connection, request))

    async def _snapshot(self, connection: AsyncConnection, request: RunRequest) -> Snapshot:
        return await read_snapshot(
            connection,
            request.charge_point_id,
            commissioning_id=request.commissioning_id,
            now=self._now(),
        )

    async def finish_run(self, verdict: RunVerdict, *, owner: Owner) -> Finished:
        """Store the verdict and its log, and let go of the charge point."""
        view = verdict.view
        async with self._database.write() as connection:
            runs = Runs(connection)
            if await runs.finish(view, verdict.cancel):
                await write_run_log(connection, view)
            elif run := await runs.get(view.charge_point_id, view.commissioning_id):
                view = run.view or view
            released = await let_go(connection, view.charge_point_id, owner=owner)
            batch_of = await open_batch_of(connection, view.charge_point_id)
            await Withdrawals(connection).complete(view.charge_point_id, at=self._now())
        return Finished(
            view=view, configuration_queued=released.configuration_queued, batch_of=batch_of
        )

    async def note_wait(self, note: WaitNote) -> str | None:
        """Keep what the run waits for; returns the project whose open batch has to know."""
        async with self._database.write() as connection:
            if not await Runs(connection).note_wait(note) or note.waiting is None:
                return None
            return await open_batch_of(connection, note.charge_point_id)

    async def note_answer(self, note: AnswerNote) -> None:
        """Tell of the answer on the audit trail, once."""
        async with self._database.write() as connection:
            await RunAudit(connection, note.project_id).answered(note)

    async def accept_charge_point(self, charge_point_id: str) -> None:
        """Have boots of the charge point answered Accepted from now on."""
        async with self._database.write() as connection:
            await accept_charge_point(connection, charge_point_id, at=self._now())

    async def whose_serial(self, question: WhoseSerial) -> Registered | None:
        """Find another charge point of the project with one of these serial numbers."""
        keys = [serial_key(serial) for serial in question.serials]
        query = (
            select(col(ChargePoint.id))
            .where(col(ChargePoint.project_id) == question.project_id)
            .where(col(ChargePoint.id) != question.charge_point_id)
            .where(col(ChargePoint.serial_key).in_(keys))
            .where(col(ChargePoint.withdrawn_at).is_(None))  # no swap with it is possible
            .limit(1)
        )
        async with self._database.read() as connection:
            other = await connection.scalar(query)
            return None if other is None else await read_registered(connection, other)

    async def readings(self, transaction: NamedTransaction) -> TransactionReadings:
        """Return the meter values of a transaction, by time."""
        async with self._database.read() as connection:
            return (await readings_of(connection, [transaction]))[transaction]

    async def is_newest(self, owed: AvailabilityOwed) -> bool:
        """Tell whether no run has begun since, and nobody has withdrawn the charge point."""
        async with self._database.read() as connection:
            newest = await Runs(connection).latest(owed.charge_point_id)
            if await is_withdrawn(connection, owed.charge_point_id):
                return False
        return newest is not None and newest.request.commissioning_id == owed.commissioning_id

    async def notice(self, commissioning_id: str) -> VerdictNotice | None:
        """Return what the verdict mail needs; None when it was sent or there is no verdict."""
        async with self._database.read() as connection:
            row = await Rows(connection).one(
                select(
                    col(CommissioningRun.charge_point_id),
                    col(CommissioningRun.notified),
                    Project.__table__.c.name.label("project_name"),
                )
                .select_from(CommissioningRun)
                .join(Project, col(Project.id) == col(CommissioningRun.project_id))
                .where(col(CommissioningRun.id) == commissioning_id)
            )
            run = await Runs(connection).get(row.charge_point_id, commissioning_id)
            if row.notified or run is None or run.view is None:
                return None
            reader = await _reader(connection, run.request)
            if reader is None:
                return None
            return VerdictNotice(
                account_id=reader.account_id if isinstance(reader, Member) else reader.id,
                email=reader.email,
                project_name=row.project_name,
                registered=await read_registered(connection, row.charge_point_id),
                view=run.view,
            )

    async def notice_sent(self, commissioning_id: str) -> None:
        """Note that the verdict was mailed."""
        async with self._database.write() as connection:
            await Rows(connection).at(CommissioningRun, commissioning_id).set(notified=True)


async def _reader(connection: AsyncConnection, request: RunRequest) -> Member | Account | None:
    """Return the reader of the verdict: who started it, while they work on the project."""
    visited = col(ServiceVisit.installer_id) == request.installer_id
    run = col(CommissioningRun.id) == request.commissioning_id
    in_visit = await connection.scalar(
        select(col(ServiceVisit.id))
        .join(CommissioningRun, col(CommissioningRun.service_visit_id) == col(ServiceVisit.id))
        .where(run, visited)
    )
    account = await Accounts(connection).get(request.installer_id)
    if in_visit is not None and account is not None:
        return account
    people = Members(connection, request.project_id)
    return await people.member_or_maker(request.installer_id)


class StoredDirectory(CatalogueRecords):
    """Implements :class:`domain.ports.Directory`."""

    async def locate(self, charge_point_id: str) -> Whereabouts:
        """Return where the charge point is, or since when and why it is not there."""
        async with self._database.read() as connection:
            return await self._whereabouts(connection, charge_point_id)

    async def claim(self, charge_point_id: str, *, owner: Owner) -> Claim:
        """Take the charge point for a push, unless it has an owner."""
        async with self._database.write() as connection:
            busy_with = await take(connection, charge_point_id, owner=owner, run=None)
        # Only now: what happens from here on is signalled to the owner.
        async with self._database.read() as connection:
            whereabouts = await self._whereabouts(connection, charge_point_id)
            if busy_with is not None:
                return Claim(busy_with=busy_with, whereabouts=whereabouts)
            device = await read_registered(connection, charge_point_id)
            return Claim(
                busy_with=None,
                whereabouts=whereabouts,
                snapshot=await read_snapshot(connection, charge_point_id, now=self._now()),
                desired=await desired_parameters(connection, self._catalogue, device),
                restart=await Parameters(connection).restart(charge_point_id),
            )

    async def release(self, request: Release, *, owner: Owner) -> Released:
        """Let go, if it is still the owner's."""
        charge_point_id = request.charge_point_id
        async with self._database.write() as connection:
            if request.note is not None:
                await Parameters(connection).note_restart(charge_point_id, request.note)
            return await let_go(
                connection, charge_point_id, owner=owner, restart_due=request.restart_due
            )

    async def _whereabouts(self, connection: AsyncConnection, charge_point_id: str) -> Whereabouts:
        link = await read_connection(connection, charge_point_id, now=self._now())
        if link is not None and link.connected:
            return Whereabouts(connection=link)
        contest = (await read_confirmed(connection, [charge_point_id])).get(charge_point_id)
        return Whereabouts(
            connection=None,
            contested=None if contest is None else how_to_decide(charge_point_id, contest),
            withdrawn=await is_withdrawn(connection, charge_point_id),
            last_seen_at=None if link is None else link.at,
            last_refusal=await last_refusal(connection, charge_point_id),
        )


async def desired_parameters(
    connection: AsyncConnection, catalogue: Catalogue, device: Registered
) -> tuple[DesiredParameter, ...]:
    """Return the template's defaults with the installer's values over them and after them."""
    template = catalogue.resolve(device.vendor, device.model).template
    chosen = await Parameters(connection).desired(device.charge_point_id)
    of_template = [
        DesiredParameter(
            key=parameter.key,
            value=chosen.get(parameter.key, text_of(parameter.default)),
            assertion=parameter.assertion,
            required=parameter.required,
            chosen=parameter.key in chosen,
        )
        for parameter in template.parameters
    ]
    known = {parameter.key for parameter in template.parameters}
    return (
        *of_template,
        *(
            DesiredParameter(key=key, value=value, chosen=True)
            for key, value in sorted(chosen.items())
            if key not in known
        ),
    )
