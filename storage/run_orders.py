"""Committing to a run: its row, before its workflow is started. For API and activities alike."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import OPERATOR, Actor
from domain.commissioning import RetryOrder, RunRequest, RunToStart, StartOrder
from domain.errors import ConflictError, NotFoundError
from domain.states import RunStatus
from storage.charge_points import ChargePoints, read_registered
from storage.in_use import at_live_site, charging
from storage.rows import Repository
from storage.run_audit import RunAudit
from storage.runs import Runs
from storage.visiting import visit_of


class RunOrders(Repository):
    """Turns orders into rows. The same order, given again, is the same run."""

    def __init__(self, connection: AsyncConnection, *, at: datetime) -> None:
        super().__init__(connection)
        self._at = at

    async def start(
        self, order: StartOrder, *, previous: str | None = None, from_scratch: bool = True
    ) -> RunToStart:
        """Commit to a new run; ``previous`` is the run that it retries.

        Raises:
            NotFoundError: ``charge_point_not_found``.
            ConflictError: ``run_open`` with the open run's ``commissioning_id``;
                ``project_handed_over``; ``charging`` with the ``transaction_ids``.

        """
        charge_point = await ChargePoints(self._connection).for_change(
            order.charge_point_id, installer_id=order.installer_id
        )
        live_site = await at_live_site(self._connection, order.charge_point_id)
        if live_site and not order.options.stop_sessions:
            await self._refuse_while_charging(order)
        request = RunRequest(
            commissioning_id=order.commissioning_id,
            charge_point_id=order.charge_point_id,
            project_id=charge_point.project_id,
            installer_id=order.installer_id,
            started_by=order.started_by,
            started_at=self._at,
            options=order.options,
            previous_commissioning_id=previous,
            from_scratch=from_scratch,
            live_site=live_site,
        )
        stored = await Runs(self._connection).create_starting(request)
        if stored is request:  # else the order was given before
            trail = RunAudit(self._connection, request.project_id)
            await trail.started(request, by=order.actor)
        return await self._committed(stored)

    async def take_back(self, charge_point_id: str, *, by: Actor) -> bool:
        """Abandon the open run whose workflow has not begun; False: there is none like that."""
        runs = Runs(self._connection)
        run = await runs.open_run(charge_point_id)
        return run is not None and await runs.abandon(run.request, by=by, at=self._at)

    async def retry(self, order: RetryOrder) -> RunToStart:
        """Commit to a run like the newest one.

        Raises:
            NotFoundError: ``charge_point_not_found``.
            ConflictError: ``run_open``; ``nothing_to_retry``; ``already_completed``;
                ``project_handed_over``; ``charging`` with the ``transaction_ids``.

        """
        order = await self._as_in_its_visit(order)
        charge_point = await ChargePoints(self._connection).get(
            order.charge_point_id, installer_id=order.installer_id
        )
        if order.project_id not in {None, charge_point.project_id}:
            raise NotFoundError(
                "charge_point_not_found", "The project has no charge point with this id."
            )
        runs = Runs(self._connection)
        given_before = await runs.get(order.charge_point_id, order.commissioning_id)
        if given_before is not None:
            return await self._committed(given_before.request)
        previous = await runs.latest(order.charge_point_id)
        if previous is None:
            raise ConflictError(
                "nothing_to_retry", "Commissioning was never started here. Start it first."
            )
        if previous.status is RunStatus.COMPLETED:
            raise ConflictError(
                "already_completed",
                "The newest run passed. Start a new one if you want the checks again.",
                commissioning_id=previous.request.commissioning_id,
            )
        options = replace(previous.request.options, stop_sessions=order.stop_sessions)
        if order.update_firmware is not None:
            options = replace(options, update_firmware=order.update_firmware)
        if order.test_connectors is not None:
            options = replace(options, test_connectors=order.test_connectors)
        again = StartOrder(
            commissioning_id=order.commissioning_id,
            charge_point_id=order.charge_point_id,
            installer_id=order.installer_id,
            started_by=order.started_by,
            options=options,
            actor=order.actor,
        )
        return await self.start(
            again, previous=previous.request.commissioning_id, from_scratch=order.from_scratch
        )

    async def _as_in_its_visit(self, order: RetryOrder) -> RetryOrder:
        """After the handover an operator retries for the installer of the service visit."""
        if order.actor != OPERATOR:
            return order
        visit = await self._rows.find(visit_of(order.charge_point_id))
        return order if visit is None else replace(order, installer_id=visit.installer_id)

    async def _refuse_while_charging(self, order: StartOrder) -> None:
        given_before = await Runs(self._connection).get(
            order.charge_point_id, order.commissioning_id
        )
        running = await charging(self._connection, order.charge_point_id)
        if running and given_before is None:
            raise ConflictError(
                "charging",
                "Somebody charges there, as far as it has told. Wait for the end, or send "
                "`stop_sessions`: their sessions end then, and are billed.",
                transaction_ids=running,
            )

    async def _committed(self, request: RunRequest) -> RunToStart:
        registered = await read_registered(self._connection, request.charge_point_id)
        return RunToStart(request=request, registered=registered)
