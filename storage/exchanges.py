"""Putting right which hardware is where: one in the place of another, or two exchanged."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from domain.errors import ConflictError
from domain.states import ChargePointStatus, Exchange
from domain.withdrawals import WithdrawalOrder
from storage.charge_points import ChargePoint, ChargePoints, refuse_withdrawn
from storage.checklists import Checklists
from storage.declarations import Declarations
from storage.in_use import at_live_site, charging
from storage.models.charge_points import ChargePoint as ChargePointRow
from storage.models.documents import Declaration, Photo
from storage.parameters import Parameters
from storage.rows import Repository
from storage.runs import refuse_while_open
from storage.verdicts import restate
from storage.visiting import visit_of
from storage.withdrawals import Withdrawals

_PLACE = {"latitude", "longitude", "location_address", "max_amps", "phases"}


class Exchanges(Repository):
    """Changes of two charge points of one locked project at once."""

    async def replace(
        self, old: ChargePoint, new: ChargePoint, order: WithdrawalOrder, *, end_run: bool
    ) -> bool:
        """Put a new one in the place of the old, which is withdrawn; False: it will be.

        Raises:
            ConflictError: ``already_replaced``; ``same_serial``; as of a withdrawal, and as of a
                registration.

        """
        await self._refuse_second(old)
        if new.serial_number.strip().casefold() == old.serial_number.strip().casefold():
            raise ConflictError(
                "same_serial",
                "That is the serial number of the charge point itself. Send the one on the type "
                "plate of the unit that is in its place now.",
            )
        done = old.withdrawal is not None or await Withdrawals(self._connection).withdraw(
            old, order, end_run=end_run
        )
        visit = await self._rows.find(visit_of(old.id))
        await ChargePoints(self._connection).register(
            new, visit=None if visit is None else visit.id
        )
        cable = await self._rows.get(ChargePointRow, old.id)
        await self._set(new.id, max_amps=cable.max_amps, phases=cable.phases, replaces=old.id)
        await self._set(old.id, replaced_by=new.id)
        return done

    async def swap(
        self, one: ChargePoint, other: ChargePoint, exchange: Exchange, *, at: datetime
    ) -> None:
        """Exchange places, endpoints or units of two; verdicts that no longer fit count no more.

        Raises:
            ConflictError: ``withdrawn``; ``run_open`` with the run's ``commissioning_id``;
                ``charging`` with the ``transaction_ids``, at a site that is handed over.

        """
        for each in (one, other):
            refuse_withdrawn(each)
            await refuse_while_open(self._connection, each.id)
            await self._refuse_while_charging(each)
        if exchange is not Exchange.UNITS:
            await self._swap_places(one.id, other.id)
        if exchange is not Exchange.PLACES:
            await self._swap_units(one, other, at=at)
        for each in (one, other):
            await restate(self._connection, each.id)
            if exchange is not Exchange.PLACES and await at_live_site(self._connection, each.id):
                # Nobody charges at another unit before it is commissioned there.
                await self._set(each.id, status=ChargePointStatus.REGISTERED)

    async def _refuse_while_charging(self, charge_point: ChargePoint) -> None:
        if not await at_live_site(self._connection, charge_point.id):
            return
        running = await charging(self._connection, charge_point.id)
        if running:
            raise ConflictError(
                "charging",
                f"Charge point {charge_point.serial_number} is charging, as far as it has told. "
                "Wait for the end, or unplug the vehicle; then swap them.",
                charge_point_id=charge_point.id,
                transaction_ids=running,
            )

    async def _refuse_second(self, old: ChargePoint) -> None:
        present = col(ChargePointRow.withdrawn_at).is_(None)
        serial_number = col(ChargePointRow.serial_number)
        there = await self._rows.value(serial_number, old.replaced_by, present)
        if there is not None:
            raise ConflictError(
                "already_replaced",
                f"Charge point {there} ({old.replaced_by}) is in its place. Replace that one.",
                charge_point_id=old.replaced_by,
            )

    async def _swap_places(self, one: str, other: str) -> None:
        """Where it is, how it is connected there, and what was declared and photographed there."""
        places = {
            here: (await self._rows.get(ChargePointRow, here)).model_dump(include=_PLACE)
            for here in (one, other)
        }
        declared = await Declarations(self._connection).of([one, other])
        pictures = {
            here: await self._photos_only_of(here, there)
            for here, there in ((one, other), (other, one))
        }
        of_both = col(Declaration.charge_point_id).in_((one, other))
        await self._rows.those(Declaration, of_both).remove()
        for here, there in ((one, other), (other, one)):
            await self._set(here, **places[there])
            if there in declared:
                await Declarations(self._connection).put(here, declared[there])
            those = self._rows.those(Photo, col(Photo.id).in_(pictures[there]))
            await those.set(charge_point_id=here)
        await Checklists(self._connection).swap(one, other)

    async def _photos_only_of(self, here: str, there: str) -> list[str]:
        """Those of one place; a picture that both have is where it belongs already."""
        also_there = select(col(Photo.sha256)).where(col(Photo.charge_point_id) == there)
        return await self._rows.values(
            select(col(Photo.id)).where(
                col(Photo.charge_point_id) == here, col(Photo.sha256).not_in(also_there)
            )
        )

    async def _swap_units(self, one: ChargePoint, other: ChargePoint, *, at: datetime) -> None:
        """The name plates, and values that were chosen for another model, to be told anew."""
        repository, parameters = ChargePoints(self._connection), Parameters(self._connection)
        # No two of a project have one serial number at a time.
        await self._set(one.id, serial_key=one.id)
        for here, there in ((other, one), (one, other)):
            present = await repository.in_project(here.id, here.project_id)
            await repository.change(
                replace(
                    present,
                    serial_number=there.serial_number,
                    vendor=there.vendor,
                    model=there.model,
                    connectors=there.connectors,
                )
            )
        if (one.vendor, one.model) == (other.vendor, other.model):
            return
        chosen = {each.id: await parameters.desired(each.id) for each in (one, other)}
        for here, there in ((one, other), (other, one)):
            await parameters.forget(here.id)
            await parameters.queue(here.id, chosen[there.id], at=at)

    async def _set(self, identity: str, **values: object) -> None:
        await self._rows.at(ChargePointRow, identity).set(**values)
