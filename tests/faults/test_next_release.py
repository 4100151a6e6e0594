"""What one release began, the next replays and goes on with."""

import pytest

from domain.states import RunStatus, WaitingFor
from simulator.profile import ABB_TERRA_AC_W22
from temporal.client import BUILD_ID
from tests.faults.scenes import waits_for
from tests.faults.stage import Run, Stage


async def _releases(run: Run) -> list[str]:
    """Those that decided in the run, in the order of their first decisions."""
    history = await run.handle.fetch_history()
    said = [
        event.workflow_task_completed_event_attributes.worker_version.build_id
        for event in history.events
        if event.HasField("workflow_task_completed_event_attributes")
    ]
    return list(dict.fromkeys(said))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_run_that_one_release_began_is_ended_by_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered = await stage.register("SN-UPGRADED", ABB_TERRA_AC_W22)
    run = await stage.start(registered.id)
    await waits_for(run, WaitingFor.CONNECTION)
    monkeypatch.setattr("worker.BUILD_ID", "the-next")
    await stage.work_anew()
    async with stage.switched_on(registered.id, serial="SN-UPGRADED"):
        view = await stage.verdict(run)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert await _releases(run) == [BUILD_ID, "the-next"]
