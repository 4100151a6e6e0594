"""``make fuzz``: valid messages, each mutated once or twice, are read and stored; none may be lost.

``python -m tests.ocpp_server.fuzz --count 100000 --seed 1`` prints how many were stored, and how
many were refused because what they are for could not be told any more. Exit 1 when one was lost.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog

from ocpp_server import frames
from ocpp_server.dispatch import CallRefusedError, dispatch
from ocpp_server.peer import Peer
from storage.engine import Database
from storage.fact_records import KnownTransaction, Record
from storage.migrate import upgrade
from storage.store_facts import store_facts
from tests.ocpp_server.bed import seed
from tests.ocpp_server.mutations import MUTATIONS, VALID, Message, mutated
from tests.support.ocpp import V16

_SHOWN = 10
_NOW = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)
_ROUTES = V16.routes


@dataclass
class Count:
    """What became of the messages."""

    stored: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)

    def lose(self, raw: bytes, why: object) -> None:
        """Note one that should have been stored."""
        self.lost.append(f"{why!r:.200}: {raw[:400]!r}")


def read(charge_point_id: str, raw: bytes, message: Message) -> tuple[Sequence[Record], bool]:
    """Read one message; returns its facts, and whether it was rightly refused."""
    peer = Peer(
        charge_point_id=charge_point_id,
        node_id="node",
        ocpp_version="1.6",
        remote_address=None,
        connected_at=_NOW,
    )
    peer.remember(KnownTransaction(transaction_id="7", number=7))
    frame = frames.parse(raw)
    assert isinstance(frame, frames.Call)
    try:
        reply = dispatch(_ROUTES, peer, frame, _NOW)
    except CallRefusedError:
        if not message.may_be_refused(frame.payload):
            raise
        return (), True
    message.check(reply)
    json.loads(frames.call_result(frame.message_id, reply.payload()))
    return reply.facts, False


async def fuzz(database: Database, charge_points: Sequence[str], numbers: range) -> Count:
    """Play the messages of these numbers; a charge point has one message in a commit."""
    count = Count()
    for first in range(numbers.start, numbers.stop, len(charge_points)):
        batch: list[tuple[bytes, Record]] = []
        for number, charge_point_id in zip(
            range(first, min(first + len(charge_points), numbers.stop)), charge_points, strict=False
        ):
            dice = random.Random(number)
            message = dice.choice(VALID)
            raw = mutated(message, dice.choices(MUTATIONS, k=dice.choice([1, 2])), number)
            try:
                found, refused = read(charge_point_id, raw, message)
            except Exception as error:  # noqa: BLE001 - whatever it is, a message was lost
                count.lose(raw, error)
                continue
            count.refused += refused
            count.stored += not found and not refused  # nothing is to be stored of it
            batch += [(raw, fact) for fact in found]
        await _store(database, batch, count)
    return count


async def _store(database: Database, batch: Sequence[tuple[bytes, Record]], count: Count) -> None:
    try:
        async with database.write() as connection:
            await store_facts(connection, [fact for _, fact in batch])
        count.stored += len(batch)
    except Exception as error:  # noqa: BLE001 - one by one, to tell which it is
        if len(batch) == 1:
            count.lose(batch[0][0], error)
            return
        for one in batch:
            await _store(database, [one], count)


async def _main(count: int, start: int) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'fuzz.db'}"
        await upgrade(url)
        database = Database(url)
        try:
            found = await fuzz(database, await seed(database, 500), range(start, start + count))
        finally:
            await database.close()
    sys.stdout.write(
        f"{count} messages: {found.stored} stored, {found.refused} refused for what they lack, "
        f"{len(found.lost)} lost\n"
    )
    for lost in found.lost[:_SHOWN]:
        sys.stdout.write(f"  {lost}\n")
    return 1 if found.lost else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="messages")
    parser.add_argument("--seed", type=int, default=0, help="number of the first message")
    given = parser.parse_args()
    sys.exit(asyncio.run(_main(given.count, given.seed)))
