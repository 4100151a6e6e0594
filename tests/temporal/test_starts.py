"""Workflows are started from one table, which says of each start all that it depends on."""

import ast
import inspect
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from temporalio import workflow
from temporalio.client import Client

from domain.batch import BatchOwner
from domain.billing.messages import BillTransaction
from domain.commands import Command, CommandName
from domain.commissioning import OrphanedTransaction, Registered, RunOptions, RunRequest, RunToStart
from domain.handover import ProjectRequest
from domain.ids import Prefix, new_id
from domain.names import SearchAttribute
from domain.power.facts import SiteRequest
from temporal import starts
from temporal.start import Existing, Start
from worker import WORKFLOWS

_ROOT = Path(__file__).parents[2]
_CALLS: Final = {
    "start_workflow",
    "execute_workflow",
    "WithStartWorkflowOperation",
    "ScheduleActionStartWorkflow",
}
_CP = new_id(Prefix.CHARGE_POINT)
_ONE = new_id(Prefix.EVENT)
_NUMBER = secrets.randbelow(2**31)
_PROJECT = ProjectRequest(project_id=new_id(Prefix.PROJECT), installer_id="usr_1", name="Riverside")
_BILL = BillTransaction(charge_point_id=_CP, transaction_id=str(_NUMBER))
_RUN = RunToStart(
    request=RunRequest(
        commissioning_id=new_id(Prefix.COMMISSIONING),
        charge_point_id=_CP,
        project_id=_PROJECT.project_id,
        installer_id="usr_1",
        started_by="alex@acme.example",
        started_at=datetime(2026, 5, 1, tzinfo=UTC),
        options=RunOptions(),
    ),
    registered=Registered(
        charge_point_id=_CP,
        project_id=_PROJECT.project_id,
        vendor="Alfen",
        model="Eve Single",
        serial_number="S1",
        ocpp_version="1.6",
        place="B2-14, " + "é" * 150,
    ),
)
TABLE: Sequence[Start] = (
    starts.run(_RUN),
    starts.batch(BatchOwner(project_id=_PROJECT.project_id, installer_id="usr_1", name="é" * 150)),
    starts.configuration(_CP),
    starts.connection_test(_CP),
    starts.command(Command(command_id=_ONE, charge_point_id=_CP, name=CommandName.UNLOCK)),
    starts.local_list(_CP),
    starts.orphaned_transaction(
        OrphanedTransaction(charge_point_id=_CP, commissioning_id="com_1", transaction_id=_ONE)
    ),
    starts.project(_PROJECT),
    starts.invitation_ended(_PROJECT, _ONE),
    starts.site(SiteRequest(project_id=_PROJECT.project_id, name="Riverside")),
    starts.billing(_BILL),
    starts.billing_anew(_BILL),
    starts.held_digest(_PROJECT.project_id),
    starts.gathered_mail(_NUMBER),
    starts.contest_notice(_CP),
    starts.account_letter(_ONE),
    starts.delivery(_ONE),
    starts.delivery_again(_ONE),
    starts.retention(f"retention-{_ONE}"),
    starts.reconciler(f"reconciler-{_ONE}"),
    starts.dispatcher(f"dispatcher-{_ONE}"),
)
_DEFINITIONS = {one.name: one for one in map(workflow._Definition.must_from_class, WORKFLOWS)}


def test_no_other_place_starts_a_workflow() -> None:
    places = set()
    for path in sorted(_ROOT.rglob("*.py")):
        part = path.relative_to(_ROOT)
        if part.parts[0] in {"tests", "bench", "docs"} or part.parts[0].startswith("."):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else ast.unparse(called)
                if name in _CALLS:
                    places.add(str(part))
    assert places == {"temporal/start.py"}


def test_the_table_is_whole() -> None:
    made = [
        name
        for name, one in vars(starts).items()
        if inspect.isfunction(one) and one.__module__ == starts.__name__
    ]
    assert len(made) == len(TABLE)
    alone = {"AvailabilityWorkflow", "NoticeWorkflow"}  # other workflows start them
    assert {start.workflow for start in TABLE} == set(_DEFINITIONS) - alone


@pytest.mark.parametrize("start", TABLE, ids=lambda start: f"{start.workflow}-{start.signal}")
class TestAStart:
    def test_is_of_a_workflow_that_takes_its_input_and_its_signal(self, start: Start) -> None:
        definition = _DEFINITIONS[start.workflow]
        assert definition.arg_types == [type(start.request)]
        if start.signal is not None:
            signal = definition.signals[start.signal]
            assert signal.arg_types == [type(one) for one in start.signal_args]
            assert start.existing is Existing.SERVES

    async def test_is_taken_as_it_says(
        self, start: Start, temporal_client: Client, task_queue: str
    ) -> None:
        begun: Any = await start.begin(temporal_client, task_queue)
        handle = temporal_client.get_workflow_handle(start.id)
        try:
            assert begun
            described = await handle.describe()
            summary = await described.static_summary()
            assert summary
            assert start.summary.startswith(summary)
            found = {one.key.name: one.value for one in described.typed_search_attributes}
            assert found == {str(name): value for name, value in start.attributes.items()}
            assert set(start.attributes) <= set(SearchAttribute)
            again = await start.begin(temporal_client, task_queue)
            assert again is (start.existing is Existing.SERVES)
        finally:
            await handle.terminate()
        assert await start.begin(temporal_client, task_queue) is (
            start.existing is not Existing.FORBIDS
        )
        if start.existing is not Existing.FORBIDS:
            await handle.terminate()
