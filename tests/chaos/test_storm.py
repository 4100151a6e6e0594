"""A small herd that comes back at once."""

from pathlib import Path

import pytest

from tests.chaos.storm import storm
from tests.support.figures import Figure


@pytest.mark.timeout(320)
async def test_the_api_answers_while_a_nodes_charge_points_come_back(
    tmp_path: Path, figure: Figure
) -> None:
    figures = await storm(tmp_path, chargers=50)
    figure(str(figures))
    assert figures.held
