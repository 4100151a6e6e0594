"""What one release began, the next replays and goes on with, also while both are at work."""

import pytest
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

from activities.mailer import FileMailer
from domain.states import RunStatus, WaitingFor
from simulator.profile import ABB_TERRA_AC_W22
from temporal.client import DATA_CONVERTER
from temporal.deployment import RELEASE
from tests.faults.scenes import waits_for
from tests.faults.stage import Run, Stage
from worker import make_worker

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_NEXT = "the.next"
_NEXT_DEPLOYMENT = WorkerDeploymentConfig(
    version=WorkerDeploymentVersion(deployment_name="dynamo", build_id=_NEXT),
    use_worker_versioning=False,
)


async def _releases(run: Run) -> list[str]:
    """Those that decided in the run, in the order of their first decisions."""
    history = await run.handle.fetch_history()
    said = [
        event.workflow_task_completed_event_attributes.worker_version.build_id
        for event in history.events
        if event.HasField("workflow_task_completed_event_attributes")
    ]
    return list(dict.fromkeys(said))


async def test_a_run_that_one_release_began_is_ended_by_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered = await stage.register("SN-UPGRADED", ABB_TERRA_AC_W22)
    run = await stage.start(registered.id)
    await waits_for(run, WaitingFor.CONNECTION)
    monkeypatch.setattr("worker.DEPLOYMENT", _NEXT_DEPLOYMENT)
    await stage.work_anew()
    async with stage.switched_on(registered.id, serial="SN-UPGRADED"):
        view = await stage.verdict(run)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert await _releases(run) == [RELEASE, _NEXT]


async def test_in_a_rolling_upgrade_runs_end_with_the_old_release_or_the_next(
    stage: Stage, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serials = ("SN-ENDS-WHILE-BOTH-WORK", "SN-BEGINS-WHILE-BOTH-WORK", "SN-OUTLIVES-THE-OLD")
    ids = {one: (await stage.register(one, ABB_TERRA_AC_W22)).id for one in serials}
    ends, begins, outlives = serials
    runs = {one: await stage.start(ids[one]) for one in (ends, outlives)}
    for run in runs.values():
        await waits_for(run, WaitingFor.CONNECTION)
    monkeypatch.setattr("worker.DEPLOYMENT", _NEXT_DEPLOYMENT)
    other = await Client.connect(temporal_address, data_converter=DATA_CONVERTER)
    mailer = FileMailer(stage.mail, sender=stage.settings.mail_from)
    async with make_worker(
        other, stage.database, mailer, settings=stage.settings, task_queue=stage.task_queue
    ):
        runs[begins] = await stage.start(ids[begins])
        async with stage.switched_on(ids[ends], serial=ends):
            views = [await stage.verdict(runs[ends])]
        await waits_for(runs[begins], WaitingFor.CONNECTION)
        await stage.work_anew()  # the old release is gone
        for one in (begins, outlives):
            async with stage.switched_on(ids[one], serial=one):
                views.append(await stage.verdict(runs[one]))
    assert [view.status for view in views] == [RunStatus.COMPLETED] * 3
    assert set(await _releases(runs[ends])) <= {RELEASE, _NEXT}
    assert (await _releases(runs[begins]))[-1] == _NEXT
    assert await _releases(runs[outlives]) == [RELEASE, _NEXT]


async def test_what_is_told_of_a_release_decides_nothing(stage: Stage) -> None:
    """Versioned, a run would stand still until somebody says which release is the current one."""
    registered = await stage.register("SN-TOLD", ABB_TERRA_AC_W22)
    run = await stage.start(registered.id)
    await waits_for(run, WaitingFor.CONNECTION)
    found = (await run.handle.describe()).raw_description.workflow_execution_info
    assert found.worker_deployment_name == "dynamo"
    assert not found.HasField("versioning_info")
