"""What an operator does in Temporal, on the whole engine: find, cancel, retry."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.commissioning import (
    AN_OPERATOR,
    CancelRequest,
    RetryRun,
    RunAnswer,
    RunOptions,
    RunPace,
    RunStarted,
)
from domain.failures import FailureCode
from domain.handover import ProjectRequest
from domain.ids import Prefix, new_id
from domain.names import SearchAttribute, commissioning_workflow_id
from domain.states import CheckName, CheckResult, InstallerAnswer, RunStatus, WaitingFor
from simulator import Fault, VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22, ALFEN_EVE_SINGLE
from storage.runs import Runs
from tests.faults.stage import PATIENT, Run, Stage
from tests.support.eventually import eventually
from workflows.commissioning import CommissioningWorkflow
from workflows.project import ProjectWorkflow

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def open_project(stage: Stage) -> WorkflowHandle[ProjectWorkflow, None]:
    project = stage.project
    return await stage.client.start_workflow(
        ProjectWorkflow.run,
        ProjectRequest(project_id=project.id, installer_id=project.installer_id, name=project.name),
        id=project.id,
        task_queue=stage.task_queue,
    )


async def refused(update: Any) -> ApplicationError:
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await update
    assert isinstance(refusal.value.cause, ApplicationError)
    return refusal.value.cause


class TestFind:
    async def test_a_run_is_found_by_each_check_that_failed(self, stage: Stage) -> None:
        async with stage.powered(Fault.OLD_FIRMWARE, Fault.CONNECTOR_FAULTED) as charge_point:
            view = await stage.verdict(await stage.start(charge_point.identity))
        failed = [check.name for check in view.checks if check.result is CheckResult.FAILED]
        assert failed == [CheckName.FIRMWARE_VERSION, CheckName.CONNECTOR_AVAILABLE]
        this = f"WorkflowId = '{commissioning_workflow_id(charge_point.identity)}'"

        async def found_by_both() -> None:
            for name in CheckName:
                query = f"{this} AND {SearchAttribute.FAILED_CHECKS} = '{name}'"
                count = await stage.client.count_workflows(query)
                assert count.count == (name in failed)

        await eventually(found_by_both)


class TestRetry:
    async def test_a_failed_run_is_retried_on_its_project(self, stage: Stage) -> None:
        project = await open_project(stage)
        async with stage.powered(Fault.CONNECTOR_FAULTED) as charge_point:
            first = await stage.start(charge_point.identity)
            assert (await stage.verdict(first)).status is RunStatus.FAILED
            charge_point.clear_fault(Fault.CONNECTOR_FAULTED)
            started = await project.execute_update(
                ProjectWorkflow.retry_run, RetryRun(charge_point_id=charge_point.identity)
            )
            view = await stage.verdict(_run(stage, started))
        assert view.status is RunStatus.COMPLETED
        assert view.previous_commissioning_id == first.commissioning_id
        assert view.started_by == AN_OPERATOR
        assert [check.kept_from for check in view.checks][1] == first.commissioning_id

    async def test_from_scratch_keeps_nothing(self, stage: Stage) -> None:
        project = await open_project(stage)
        async with stage.powered(Fault.CONNECTOR_FAULTED) as charge_point:
            await stage.verdict(await stage.start(charge_point.identity))
            charge_point.clear_fault(Fault.CONNECTOR_FAULTED)
            request = RetryRun(
                charge_point_id=charge_point.identity, from_scratch=True, by="night@acme.com"
            )
            started = await project.execute_update(ProjectWorkflow.retry_run, request)
            view = await stage.verdict(_run(stage, started))
        assert [check.kept_from for check in view.checks] == [None] * 4
        assert view.started_by == "night@acme.com"

    async def test_a_retry_that_was_cancelled_at_once_hands_on_the_evidence(
        self, stage: Stage
    ) -> None:
        project = await open_project(stage)
        async with stage.powered(Fault.CONNECTOR_FAULTED) as charge_point:
            first = await stage.start(charge_point.identity)
            await stage.verdict(first)
            retry = RetryRun(charge_point_id=charge_point.identity)
            started = await project.execute_update(ProjectWorkflow.retry_run, retry)
            between = _run(stage, started)
            await between.handle.cancel()
            assert (await stage.verdict(between)).status is RunStatus.CANCELLED
            charge_point.clear_fault(Fault.CONNECTOR_FAULTED)
            started = await project.execute_update(ProjectWorkflow.retry_run, retry)
            view = await stage.verdict(_run(stage, started))
        assert view.status is RunStatus.COMPLETED
        assert view.previous_commissioning_id == between.commissioning_id
        assert view.checks[1].kept_from == first.commissioning_id

    async def test_what_cannot_be_retried_is_refused_in_words(self, stage: Stage) -> None:
        project = await open_project(stage)
        async with stage.powered() as charge_point:
            retry = RetryRun(charge_point_id=charge_point.identity)
            never = await refused(project.execute_update(ProjectWorkflow.retry_run, retry))
            assert never.message == "Commissioning was never started here. Start it first."
            run = await stage.start(charge_point.identity)
            at_work = await refused(project.execute_update(ProjectWorkflow.retry_run, retry))
            assert "is open for this charge point" in at_work.message
            await stage.verdict(run)
        passed = await refused(project.execute_update(ProjectWorkflow.retry_run, retry))
        assert "passed" in passed.message
        unknown = RetryRun(charge_point_id=new_id(Prefix.CHARGE_POINT))
        foreign = await refused(project.execute_update(ProjectWorkflow.retry_run, unknown))
        assert foreign.message == "You have no charge point with this id."
        typo = RetryRun(charge_point_id="cp_1")
        assert (
            "cp_ and 26"
            in (await refused(project.execute_update(ProjectWorkflow.retry_run, typo))).message
        )


class TestCancel:
    async def test_the_cancel_button_ends_it_as_cancelled(self, stage: Stage) -> None:
        async with stage.powered() as charge_point:
            run = await charging(stage, charge_point)
            await run.handle.cancel()
            view = await stage.verdict(run)
            assert charge_point.transactions == []
        assert view.status is RunStatus.CANCELLED
        assert view.cancelled_by == AN_OPERATOR
        assert view.cancel_reason == "Cancelled in Temporal by an operator."
        texts = [entry.text for entry in await stage.log(run)]
        assert any(f"cancelled by {AN_OPERATOR}: Cancelled in" in text for text in texts)

    async def test_an_update_cancels_it_with_a_reason(self, stage: Stage) -> None:
        async with stage.powered() as charge_point:
            run = await charging(stage, charge_point)
            request = CancelRequest(by="night@acme.com", reason="Wrong bay")
            await run.handle.execute_update(CommissioningWorkflow.cancel, request)
            view = await stage.verdict(run)
            assert charge_point.transactions == []
        assert (view.cancelled_by, view.cancel_reason) == ("night@acme.com", "Wrong bay")
        assert view.status is RunStatus.CANCELLED

    async def test_a_run_that_waits_for_a_dark_charge_point(self, stage: Stage) -> None:
        run = await stage.start(await dark(stage))
        await eventually(lambda: _is_begun(stage, run))
        await run.handle.cancel()
        assert (await stage.verdict(run)).status is RunStatus.CANCELLED


class TestAnswer:
    """A model that is updated in its vendor's app: the run asks, and believes the boot."""

    async def test_done_is_believed_when_a_boot_shows_it(self, stage: Stage) -> None:
        async with old_alfen(stage) as charge_point:
            run = await asked(stage, charge_point, WaitingFor.INSTALLER)
            answer = RunAnswer(answer=InstallerAnswer.DONE, note="by the app", by="alex@acme.com")
            await run.handle.execute_update(CommissioningWorkflow.answer, answer)
            await eventually(lambda: _prompts(run, "still reports"))
            charge_point.install_firmware("6.2.0-4200")
            view = await stage.verdict(run)
        assert view.status is RunStatus.COMPLETED, view.failure
        check = view.checks[1]
        assert check.evidence["reported_before"] == "1.2.0"
        assert check.evidence["reported"] == "6.2.0-4200"
        steps = {step.name: step.detail for step in check.steps}
        assert steps["confirmed"].startswith("alex@acme.com said that the firmware is updated (by")
        assert "updated_by_hand" in steps

    async def test_who_gives_it_up_is_on_the_record(self, stage: Stage) -> None:
        async with old_alfen(stage) as charge_point:
            run = await asked(stage, charge_point, WaitingFor.INSTALLER)
            answer = RunAnswer(
                answer=InstallerAnswer.GIVE_UP, note="no app here", by="alex@acme.com"
            )
            await run.handle.execute_update(CommissioningWorkflow.answer, answer)
            view = await stage.verdict(run)
        assert view.failure is not None
        assert view.failure.code == FailureCode.FIRMWARE_UPDATE_GIVEN_UP
        assert view.failure.cause == (
            "alex@acme.com gave up the update of the firmware '1.2.0': no app here."
        )

    async def test_a_vehicle_that_never_comes_is_skipped_with_a_reason(self, stage: Stage) -> None:
        nobody = replace(
            ABB_TERRA_AC_W22, auto_plug=False, configuration={"ConnectionTimeOut": "9"}
        )
        pace = replace(PATIENT, start=timedelta(milliseconds=300))
        async with stage.powered(profile=nobody) as charge_point:
            run = await asked(stage, charge_point, WaitingFor.VEHICLE, pace=pace)
            bare = RunAnswer(answer=InstallerAnswer.SKIP)
            update = run.handle.execute_update(CommissioningWorkflow.answer, bare)
            assert (await refused(update)).type == "note_missing"
            wrong = RunAnswer(answer=InstallerAnswer.DONE)
            update = run.handle.execute_update(CommissioningWorkflow.answer, wrong)
            assert (await refused(update)).type == "answer_not_possible"
            skip = RunAnswer(
                answer=InstallerAnswer.SKIP, note="No vehicle today", by="alex@acme.com"
            )
            await run.handle.execute_update(CommissioningWorkflow.answer, skip)
            view = await stage.verdict(run)
        assert view.status is RunStatus.COMPLETED
        assert view.checks[3].result is CheckResult.SKIPPED
        assert view.checks[3].skip_reason == (
            "alex@acme.com skipped the test charge while a vehicle was waited for: No vehicle "
            "today."
        )

    async def test_nothing_is_asked(self, stage: Stage) -> None:
        run = await stage.start(await dark(stage))
        await eventually(lambda: _is_begun(stage, run))
        update = run.handle.execute_update(
            CommissioningWorkflow.answer, RunAnswer(answer=InstallerAnswer.DONE)
        )
        assert (await refused(update)).type == "nothing_asked"
        await run.handle.cancel()
        await stage.verdict(run)


@asynccontextmanager
async def old_alfen(stage: Stage) -> AsyncIterator[VirtualChargePoint]:
    async with stage.powered(Fault.OLD_FIRMWARE, profile=ALFEN_EVE_SINGLE) as charge_point:
        yield charge_point


async def asked(
    stage: Stage, charge_point: VirtualChargePoint, what: WaitingFor, *, pace: RunPace = PATIENT
) -> Run:
    """Start a run, and let it come to its question."""
    options = RunOptions(update_firmware=True, wait_for_connection=pace.boot)
    run = await stage.start(charge_point.identity, options=options, pace=pace)

    async def asks() -> None:
        waiting = (await run.handle.query(CommissioningWorkflow.status)).waiting
        assert waiting is not None
        assert waiting.waiting_for is what
        assert waiting.answers

    await eventually(lambda: asks())  # noqa: PLW0108
    return run


async def _prompts(run: Run, text: str) -> None:
    waiting = (await run.handle.query(CommissioningWorkflow.status)).waiting
    assert waiting is not None
    assert text in waiting.prompt


async def charging(stage: Stage, charge_point: VirtualChargePoint) -> Run:
    run = await stage.start(charge_point.identity)
    await charge_point.until(lambda: bool(charge_point.transactions))
    return run


async def dark(stage: Stage) -> str:
    return (await stage.register(new_id(Prefix.EVENT), ABB_TERRA_AC_W22)).id


async def _is_begun(stage: Stage, run: Run) -> None:
    async with stage.database.read() as connection:
        row = await Runs(connection).get(run.charge_point_id, run.commissioning_id)
    assert row is not None
    assert row.status is RunStatus.IN_PROGRESS


def _run(stage: Stage, started: RunStarted) -> Run:
    return Run(
        commissioning_id=started.commissioning_id,
        charge_point_id=started.charge_point_id,
        handle=stage.client.get_workflow_handle_for(CommissioningWorkflow.run, started.workflow_id),
    )
