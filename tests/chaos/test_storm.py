"""A small herd that comes back at once, to a database that is full of its past."""

from pathlib import Path

import pytest

from tests.chaos.storm import storm
from tests.support.figures import Figure

SESSIONS = 5_000
"""Of each charge point, finished: years."""


@pytest.mark.timeout(320)
@pytest.mark.parametrize("on_sqlite", [False, True], ids=["postgresql", "sqlite"])
async def test_the_api_answers_while_a_nodes_charge_points_come_back(
    tmp_path: Path, figure: Figure, *, on_sqlite: bool
) -> None:
    figures = await storm(tmp_path, chargers=25, sessions=SESSIONS, on_sqlite=on_sqlite)
    figure(str(figures))
    assert figures.held
