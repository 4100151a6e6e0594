"""What the probe of a node says while its database is away."""

import asyncio
from contextlib import suppress

import httpx

from embedded.ports import free_port
from storage.engine import Database
from tests.ocpp_server.bed import RecordingSink, make_node
from tests.support.eventually import eventually
from tests.support.plain import PLAIN


async def test_a_node_that_waits_for_its_database_lives_and_is_not_ready() -> None:
    database = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/none")
    node, port = make_node(database, RecordingSink()), free_port()
    starting = asyncio.create_task(node.start("127.0.0.1", port))

    async def listens() -> None:
        async with httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=30) as client:
            try:
                live = await client.get(f"http://127.0.0.1:{port}/health/live")
            except httpx.ConnectError as error:
                raise AssertionError from error
            ready = await client.get(f"http://127.0.0.1:{port}/health/ready")
        assert live.status_code == 200
        assert ready.status_code == 503
        assert "waits for its database" in ready.text

    await eventually(listens)
    assert not starting.done()
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await starting
    await node.stop()
    await database.close()
