"""What the database and Temporal hold at the end of an experiment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Row
from sqlmodel import col
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey

from domain.names import SearchAttribute
from domain.states import RunStatus
from storage.engine import Database
from storage.models.charge_points import ChargePoint
from storage.models.configuration import SentCommand
from storage.models.facts import LogEntry
from storage.models.runs import CommissioningRun
from storage.models.transactions import Transaction

_OPEN = {RunStatus.STARTING, RunStatus.IN_PROGRESS}
_COMMISSIONING = SearchAttributeKey.for_keyword(SearchAttribute.COMMISSIONING)


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A commissioning workflow."""

    commissioning_id: str | None
    running: bool


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Rows and workflows."""

    runs: Sequence[Row[Any]]
    commands: Sequence[Row[Any]]
    transactions: Sequence[Row[Any]]
    verdict_entries: dict[str, int]
    owned: Sequence[str]
    """Charge points that have an owner."""
    workflows: Sequence[Workflow]
    orphaned: frozenset[str]
    """Workflow ids of the stray-transaction workflows that run."""

    @property
    def open_runs(self) -> set[str]:
        """Runs without a verdict."""
        return {run.id for run in self.runs if run.status in _OPEN}


async def gather(database: Database, temporal: Client) -> Evidence:
    """Read all of it."""
    workflows = [
        Workflow(
            commissioning_id=found.typed_search_attributes.get(_COMMISSIONING),
            running=found.status is WorkflowExecutionStatus.RUNNING,
        )
        for found in await _listed(temporal, "WorkflowType = 'CommissioningWorkflow'")
    ]
    orphaned = await _listed(
        temporal, "WorkflowType = 'StrayTransactionWorkflow' AND ExecutionStatus = 'Running'"
    )
    async with database.read() as connection:
        verdicts = await connection.execute(
            select(col(LogEntry.commissioning_id), func.count().label("entries"))
            .where(col(LogEntry.text).startswith("The run is "))
            .group_by(col(LogEntry.commissioning_id))
        )
        return Evidence(
            runs=(await connection.execute(select(CommissioningRun.__table__))).all(),
            commands=(await connection.execute(select(SentCommand.__table__))).all(),
            transactions=(await connection.execute(select(Transaction.__table__))).all(),
            verdict_entries={row.commissioning_id: row.entries for row in verdicts},
            owned=[
                row.id
                for row in await connection.execute(
                    select(col(ChargePoint.id)).where(col(ChargePoint.watched_by).is_not(None))
                )
            ],
            workflows=workflows,
            orphaned=frozenset(found.id for found in orphaned),
        )


async def _listed(temporal: Client, query: str) -> list[WorkflowExecution]:
    return [found async for found in temporal.list_workflows(query)]
