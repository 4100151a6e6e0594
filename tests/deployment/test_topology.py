"""The topology of docker-compose.yml as plain processes, on real parts: the whole guide."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select
from sqlmodel import col
from temporalio.api.sdk.v1 import WorkflowMetadata

from domain.names import RETENTION_SCHEDULE, SearchAttribute
from simulator.charge_point import VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22
from storage.engine import Database
from storage.models.facts import LogEntry
from tests.deployment.topology import TEMPORAL_UI, Topology
from tests.support.eventually import eventually
from tests.support.guide import Guide

OWNER = "facilities@riverside.example"
CHECKS = ["ocpp_handshake", "firmware_version", "connector_available", "test_transaction"]
_AGES = timedelta(days=3650)


@asynccontextmanager
async def _database(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


async def test_the_guide_with_a_charge_point_on_each_of_two_nodes(
    topology: Topology, database_url: str
) -> None:
    async with Guide(topology.api_url) as guide, asyncio.TaskGroup() as chargers:
        project = await guide.project(OWNER)
        serials = ("CP-SN-00000001", "CP-SN-00000002")
        ids = [await guide.charge_point(project, serial) for serial in serials]
        await _was_told_long_ago(database_url, ids[0])
        plugged = []
        for node, charge_point, serial in zip(topology.nodes, ids, serials, strict=True):
            virtual = VirtualChargePoint(
                ABB_TERRA_AC_W22, f"{node.ws_url}/{charge_point}", serial=serial, speed=20
            )
            plugged.append(chargers.create_task(virtual.run()))

        async def connected() -> None:
            for charge_point in ids:
                answer = await guide.test_connection(charge_point)
                assert answer["connected"], answer
                assert answer["latency_ms"] is not None
                assert answer["ocpp_version_negotiated"] == "1.6"

        await eventually(connected)
        for charge_point in ids:
            await guide.start(charge_point, run_test_transaction=True, notify_on_complete=True)
        for charge_point in ids:
            status = await guide.verdict(charge_point)
            assert status["status"] == "completed", status
            assert [(c["name"], c["result"]) for c in status["checks"]] == [
                (name, "passed") for name in CHECKS
            ]
        await guide.invite(project, OWNER)

        def invited() -> None:
            assert OWNER in [mail["To"] for mail in topology.mail.mails]

        await eventually(invited)
        (invitation,) = [mail for mail in topology.mail.mails if mail["To"] == OWNER]
        await guide.accept(invitation)
        assert (await guide.hand_over(project))["status"] == "handed_over"

        def notified() -> None:
            # A verdict each, and that the owner has accepted.
            assert len([m for m in topology.mail.mails if m["To"] != OWNER]) == len(ids) + 1

        await eventually(notified)
        for task in plugged:
            task.cancel()
    query = f"{SearchAttribute.PROJECT} = '{project}' AND WorkflowType = 'CommissioningWorkflow'"

    async def both_are_found() -> None:
        count = await topology.temporal.count_workflows(query)
        assert count.count == len(ids)

    await eventually(both_are_found)
    await _each_leads_to(project, topology, query)
    await _what_is_old_goes(topology, database_url)


async def _each_leads_to(project: str, topology: Topology, runs: str) -> None:
    """What operators see of a run in Temporal has a link to its project."""
    ui = f"{TEMPORAL_UI}/namespaces/{topology.temporal.namespace}/workflows"
    async for run in topology.temporal.list_workflows(runs):
        handle = topology.temporal.get_workflow_handle(run.id, run_id=run.run_id)
        told = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        assert f"[Project]({ui}/{project})" in told.current_details


async def _was_told_long_ago(database_url: str, charge_point: str) -> None:
    entry = {"charge_point_id": charge_point, "level": "info", "kind": "step", "text": "of old"}
    at = datetime.now(UTC) - _AGES
    async with _database(database_url) as database, database.write() as connection:
        await connection.execute(insert(LogEntry).values(**entry, at=at))


async def _what_is_old_goes(topology: Topology, database_url: str) -> None:
    """The worker has made the Schedule, and what that starts lets go of what is stored."""
    await topology.temporal.get_schedule_handle(RETENTION_SCHEDULE).trigger()

    async def gone() -> None:
        async with database.read() as connection:
            found = await connection.scalars(select(col(LogEntry.at)).order_by(col(LogEntry.at)))
            oldest = found.first()
        assert oldest is not None
        assert oldest > datetime.now(UTC) - _AGES / 2

    async with _database(database_url) as database:
        await eventually(gone)
