"""Runs with a verdict, as they lie in the database when their workflow has closed."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.certificates import ChargePointReport, Frame
from domain.commissioning import RunOptions, RunRequest
from domain.ids import Prefix, new_id
from storage.engine import Database
from storage.models.facts import LogEntry
from storage.models.runs import CommissioningRun
from storage.models.transactions import MeterValue, Transaction
from storage.runs import Runs
from tests.documents.reports import PASSED


async def judge(
    database: Database,
    charge_point_id: str,
    project_id: str,
    report: ChargePointReport = PASSED,
) -> str:
    """Leave behind what a run of that charge point leaves; returns the run's id."""
    run = new_id(Prefix.COMMISSIONING)
    view = replace(report.run, commissioning_id=run, charge_point_id=charge_point_id)
    async with database.write() as connection:
        runs = Runs(connection)
        await runs.create_starting(
            RunRequest(
                commissioning_id=run,
                charge_point_id=charge_point_id,
                project_id=project_id,
                installer_id="usr_x",
                started_by=view.started_by,
                started_at=view.started_at,
                options=RunOptions(run_test_transaction=view.run_test_transaction),
            )
        )
        if report.transaction is not None:
            number = await connection.scalar(
                insert(Transaction)
                .values(
                    ocpp_id="7",
                    charge_point_id=charge_point_id,
                    evse_id=1,
                    id_tag=report.transaction.id_tag,
                    commissioning_id=run,
                    started_at=report.transaction.started_at,
                    meter_start=report.transaction.meter_start,
                    received_at=report.transaction.started_at,
                    stopped_at=report.transaction.stopped_at,
                    meter_stop=report.transaction.meter_stop,
                )
                .returning(col(Transaction.id))
            )
            test = view.checks[-1]
            evidence = {**test.evidence, "transaction_id": "7"}
            view = replace(view, checks=(*view.checks[:-1], replace(test, evidence=evidence)))
            await connection.execute(
                insert(MeterValue),
                [
                    {
                        "charge_point_id": charge_point_id,
                        "evse_id": 1,
                        "transaction_id": number,
                        "at": reading.at,
                        "received_at": reading.at,
                        "samples": [
                            {"value": str(reading.energy_wh)},
                            {"value": str(reading.power_w), "measurand": "Power.Active.Import"},
                        ],
                    }
                    for reading in report.readings
                ],
            )
        await log_frames(connection, charge_point_id, run, report.frames)
        await runs.finish(view)
    return run


async def log_frames(
    connection: AsyncConnection, charge_point_id: str, run: str, frames: Sequence[Frame]
) -> None:
    """Log frames of a run."""
    await connection.execute(
        insert(LogEntry),
        [
            {
                "charge_point_id": charge_point_id,
                "commissioning_id": run,
                "at": frame.at,
                "level": "debug",
                "kind": "frame",
                "direction": frame.direction,
                "action": frame.action,
                "text": frame.text,
            }
            for frame in frames
        ],
    )


async def reopen(database: Database, run: str) -> None:
    """Take the verdict back, as if the run were still open."""
    async with database.write() as connection:
        await connection.execute(
            update(CommissioningRun)
            .where(col(CommissioningRun.id) == run)
            .values(status="in_progress", view=None)
        )
