"""The experiment in short: each part is killed, links are disturbed, and nothing is lost."""

from pathlib import Path

import pytest

from tests.chaos.experiment import Plan, experiment
from tests.chaos.schedule import Part

# In this seed's twenty seconds each part is killed. No charge point of the four ignores a stop:
# waiting for that one takes minutes.
_PLAN = Plan(seed=89, runs=5, chargers=4, seconds=20, settle=200)


@pytest.mark.timeout(320)
async def test_every_acknowledged_run_survives_the_death_of_each_part(tmp_path: Path) -> None:
    outcome = await experiment(_PLAN, tmp_path)
    assert {what: which for what, which in outcome.broken.items() if which} == {}
    assert outcome.answers.wrong == []
    assert outcome.answers.acknowledged
    assert outcome.verdicts["in_progress"] == outcome.verdicts["starting"] == 0
    assert outcome.kills.keys() == set(Part)
