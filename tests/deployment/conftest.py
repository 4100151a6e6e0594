"""The topology as a fixture, on a namespace and a database of its own."""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from temporalio.client import Client

from temporal.client import DATA_CONVERTER
from tests.deployment.topology import Launcher, Topology, launcher, register_namespace
from tests.deployment.topology import topology as running
from tests.support.databases import empty_postgresql


@pytest.fixture
async def namespace(temporal_address: str) -> str:
    """A namespace of its own: here the shared task queue has its real name."""
    return await register_namespace(temporal_address)


@pytest.fixture
def database_url(postgresql_server_url: str) -> Iterator[str]:
    with empty_postgresql(postgresql_server_url) as url:
        yield url


@pytest.fixture
async def topology(
    temporal_address: str,
    namespace: str,
    database_url: str,
    installed: Sequence[str],
    tmp_path: Path,
) -> AsyncIterator[Topology]:
    """Of what is installed from the wheel: what is shipped is what is tested."""
    async with running(
        temporal_address=temporal_address,
        namespace=namespace,
        database_url=database_url,
        folder=tmp_path,
        program=installed,
    ) as engine:
        yield engine


@pytest.fixture
async def starts(
    temporal_address: str, namespace: str, database_url: str, tmp_path: Path
) -> AsyncIterator[Launcher]:
    """Starts processes; none runs yet."""
    async with launcher(
        temporal_address=temporal_address,
        namespace=namespace,
        database_url=database_url,
        folder=tmp_path,
    ) as made:
        yield made


@pytest.fixture
async def temporal(temporal_address: str, namespace: str) -> Client:
    """A client of the namespace."""
    return await Client.connect(
        temporal_address, namespace=namespace, data_converter=DATA_CONVERTER
    )
