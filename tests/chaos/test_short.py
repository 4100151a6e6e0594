"""The experiment in short: each part is killed, links are disturbed, and nothing is lost."""

from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.experiment import Plan, experiment
from tests.chaos.report import show
from tests.chaos.schedule import Kill, Part

_SECONDS = 20
# Runs are started at 0, 3.5, 7 and 10.5 s: the API dies of some, and the worker of others. The last
# kill comes so early that a part which is down at its moment is killed all the same.
_KILLS = (
    Kill(at=0.05, part=Part.API, down=0.5),
    Kill(at=3.6, part=Part.WORKER, down=1.0),
    Kill(at=5.5, part=Part.NODE_1, down=1.0),
    Kill(at=7.05, part=Part.API, down=0.5),
    Kill(at=8.5, part=Part.TEMPORAL, down=1.0),
    Kill(at=11.0, part=Part.NODE_2, down=1.0),
    Kill(at=12.5, part=Part.POSTGRESQL, down=0.5),
)
# No charge point of the four ignores a stop: waiting for that one takes minutes.
_PLAN = Plan(seed=89, runs=5, chargers=4, seconds=_SECONDS, settle=200, kills=_KILLS)


@pytest.mark.timeout(600)  # more than all that is waited for: the table is always printed
async def test_every_acknowledged_run_survives_the_death_of_each_part(tmp_path: Path) -> None:
    outcome = await experiment(_PLAN, tmp_path)
    show(outcome, Console(width=140))
    assert {what: which for what, which in outcome.broken.items() if which} == {}
    assert outcome.answers.wrong == []
    assert outcome.answers.acknowledged
    assert outcome.verdicts["in_progress"] == outcome.verdicts["starting"] == 0
    assert outcome.kills.keys() == set(Part)
