"""A node on a free port with one provisioned charge point, on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from storage.engine import Database
from tests.ocpp_server.bed import Bed, RecordingSink, make_node, seed


@pytest.fixture
async def bed(database: Database) -> AsyncIterator[Bed]:
    (charge_point_id,) = await seed(database)
    sink = RecordingSink()
    node = make_node(database, sink)
    port = await node.start("127.0.0.1", 0)
    yield Bed(database, node, sink, port, charge_point_id)
    await node.stop()
