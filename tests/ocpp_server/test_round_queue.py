"""A few pieces of work in each round of the event loop."""

import asyncio
from functools import partial

from ocpp_server.queues import RoundQueue


async def test_a_few_pieces_of_work_in_a_round() -> None:
    queue = RoundQueue(2)
    done: list[int] = []
    at_once = [queue.take(partial(done.append, number)) for number in range(5)]
    assert at_once == [True, True, False, False, False]
    seen = []
    while len(done) < 5:
        seen.append(len(done))
        await asyncio.sleep(0)
    assert seen == [2, 4]
    assert done == [0, 1, 2, 3, 4]
