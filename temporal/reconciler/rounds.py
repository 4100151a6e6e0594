"""The rounds of the reconciler: every step, one after the other, and what has had its day."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from temporalio.client import Client

from domain.names import SHARED_TASK_QUEUE
from storage.contest_notices import untold_contests
from storage.engine import Database
from storage.held_notices import untold
from storage.kept_answers import KeptAnswers
from storage.mail_notices import due_notices, forget_notices
from storage.outages import Outage
from storage.sessions import forget_sessions
from temporal import starts
from temporal.open_workflows import OpenWorkflows
from temporal.reconciler.charge_points import ChargePointSteps, TransactionSteps
from temporal.reconciler.projects import ProjectSteps
from temporal.reconciler.runs import RunSteps
from temporal.reconciler.step import ReconcilerParts, ReconcileStep

_ROUND: Final = timedelta(seconds=15)
_STEP: Final = timedelta(seconds=10)  # one that needs longer goes on at the next round
_INVITATION_ROUND: Final = timedelta(minutes=15)  # the workflow tells as often
_log = structlog.get_logger(__name__)


class Reconciler:
    """Implements :class:`domain.ports.Rounds`: looks at every row that may need it, each round.

    What it knows from round to round (where a step was cut off, what is looked at more seldom) is
    about its own rounds; another worker's, in between, do not make it wrong.
    """

    def __init__(
        self,
        client: Client,
        database: Database,
        *,
        now: Callable[[], datetime],
        task_queue: str = SHARED_TASK_QUEUE,
    ) -> None:
        self._database = database
        self._now = now
        self._open = OpenWorkflows(client)
        self._outage = Outage("reconciler_step_failed", log=_log)
        parts = ReconcilerParts(
            client=client, database=database, now=now, task_queue=task_queue, open=self._open
        )
        projects = ProjectSteps(parts)
        self._steps: Sequence[ReconcileStep[Any]] = (
            *RunSteps(parts).all,
            *ChargePointSteps(parts).all,
            *projects.all,
            *TransactionSteps(parts).all,
            *_mail_steps(parts),
        )
        self._invitations = projects.invitations
        self._next_invitations = now()

    async def go_round(self) -> timedelta:
        """Reconcile; what fails in an outage is tried again at the next round."""
        await self.reconcile()
        return _ROUND

    async def reconcile(self) -> None:
        """Take every step once."""
        done = [await self._run_step("list", self._open.refresh())]
        done += [await self._run_step(step.name, step.go(self._database)) for step in self._steps]
        done.append(await self._run_step("forget", self._forget()))
        if all(done):
            self._outage.over()
        if self._now() >= self._next_invitations and await self._run_step(
            "invitations", self._invitations.go(self._database)
        ):
            self._next_invitations = self._now() + _INVITATION_ROUND

    async def _run_step(self, name: str, step: Awaitable[bool]) -> bool:
        """Take a step; tells whether all of it was done."""
        try:
            async with asyncio.timeout(_STEP.total_seconds()):
                return await step
        except Exception as error:  # noqa: BLE001 - the rounds outlive every outage
            self._outage.failed(error, step=name)
            return False

    async def _forget(self) -> bool:
        async with self._database.write() as connection:
            await KeptAnswers(connection).purge(before=self._now())
            await forget_notices(connection, now=self._now())
            await forget_sessions(connection, now=self._now())
        return True


def _mail_steps(parts: ReconcilerParts) -> tuple[ReconcileStep[Any], ...]:
    """Make the steps of gathered news, of contests of links, and of records that are held."""
    return (
        ReconcileStep(
            "notices",
            lambda connection, **page: due_notices(connection, now=parts.now(), **page),
            lambda notice: parts.begin(starts.gathered_mail(notice)),
            first=0,
        ),
        ReconcileStep(
            "contests",
            untold_contests,
            lambda charge_point: parts.begin(starts.contest_notice(charge_point)),
        ),
        ReconcileStep(
            "held",
            lambda connection, **page: untold(connection, now=parts.now(), **page),
            lambda project: parts.begin(starts.held_digest(project)),
        ),
    )
