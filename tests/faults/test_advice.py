"""Every advice of a failure can be followed, and the next run passes: no failure is a dead end.

What one fault of the simulator makes is mended in test_verdicts.py; what lies in the engine itself
is played in tests/workflows/test_own_failures.py, where time can be skipped.
"""

import pytest

from domain.failures import FailureCode
from tests.faults.cases import GROUPS
from tests.faults.scenes import SCENES, Scene
from tests.faults.stage import Stage, side_by_side
from tests.workflows.test_own_failures import MENDED, MENDED_AT_LENGTH


def test_the_advice_of_every_failure_is_followed() -> None:
    """A new code needs a case with a mend, a scene, or a row among the engine's own failures."""
    by_fault = {
        FailureCode(case.fails.code)
        for group in GROUPS.values()
        for case in group.values()
        if case.fails is not None
    }
    followed = {*by_fault, *SCENES, *MENDED, *MENDED_AT_LENGTH}  # a code may have two causes
    assert followed == set(FailureCode)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_each_scene_ends_well(stage: Stage) -> None:
    await side_by_side(
        "advice that leads nowhere", (_play(stage, code, scene) for code, scene in SCENES.items())
    )


async def _play(stage: Stage, code: FailureCode, scene: Scene) -> None:
    try:
        await scene(stage)
    except Exception as error:
        error.add_note(f"advice of: {code}")
        raise
