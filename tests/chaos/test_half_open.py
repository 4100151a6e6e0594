"""Half-open links, with the server's periods a quarter of what they are."""

from pathlib import Path

from ocpp_server import contests, server
from storage.nodes import NODE_BEAT, NODE_DEADLINE
from tests.chaos.half_open import NOTICED_WITHIN, SERVED_WITHIN, half_open
from tests.support.figures import Figure

_WRITTEN = 2.0  # seconds until the end of a link is committed, with room


def test_the_periods_add_up() -> None:
    assert server._SILENT_SECONDS + server._KEEPER_SECONDS + _WRITTEN < NOTICED_WITHIN
    # A link is not cut off for one ping that was lost.
    assert server._SILENT_SECONDS - server._PING_SECONDS >= 2 * server._KEEPER_SECONDS
    # Nor does a node that died hold its links for longer, or for one beat that it missed.
    assert 2 * NODE_BEAT < NODE_DEADLINE
    assert (NODE_DEADLINE + NODE_BEAT).total_seconds() < NOTICED_WITHIN
    # Who comes from another address waits for an answer of the old link, and is served in time.
    assert contests.ANSWER_SECONDS <= SERVED_WITHIN / 2


async def test_half_open_links_are_noticed_and_left_behind(tmp_path: Path, figure: Figure) -> None:
    figures = await half_open(tmp_path, chargers=4, faster=4)
    figure(str(figures))
    assert figures.held
