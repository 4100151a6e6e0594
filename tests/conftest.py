"""Fixtures for all tests: real servers shared by a session, and what is fresh for each test.

``temporal_client``, ``task_queue``       a real Temporal server
``time_skipping_env``                     the time-skipping one, a fresh process a test
``database_url``, ``database``            run on SQLite and on PostgreSQL; one of them alone by
                                          ``@pytest.mark.parametrize("database_url", ["sqlite"],
                                          indirect=True)``
``installed``                             the engine from its wheel, in an environment of its own
``figure``                                notes a measured figure, printed after the tests
"""

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
import uvloop
from hypothesis import HealthCheck, settings
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from domain.names import SearchAttribute
from embedded import binaries
from storage.engine import Database
from temporal.client import DATA_CONVERTER
from temporal.search_attributes import add_search_attributes, register_search_attributes
from temporal.workers_end import WorkersEnd
from tests.support import databases, shared
from tests.support.compiled import compile_once
from tests.support.eviction import EvictAtTheEnd
from tests.support.in_memory import temporary_files_in_memory
from tests.support.queries import AskedAgain
from tests.support.temporal import TEST_SERVER

pytest_plugins = ["tests.support.figures"]
_ADDRESS_KEY = "dynamo_shared_servers"
_SHARED = pytest.StashKey[shared.SharedServers]()
_EXIT_STATUS = pytest.StashKey[int]()

# How long an example takes says more of the machine than of the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

compile_once()
temporary_files_in_memory()

# The default draws a trace with all values in colours: seconds in which nothing else runs.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests on the event loop that every process of ours runs on: it is quicker, too."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected: they stay, and looking is a quarter of it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Make the owner of the shared servers, in the controlling process alone."""
    if not hasattr(config, "workerinput"):
        owner = config.stash[_SHARED] = shared.SharedServers()
        config.add_cleanup(owner.stop)  # should another plugin fail before pytest_unconfigure


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell each xdist worker where to ask."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    node.workerinput[_ADDRESS_KEY] = config.stash[_SHARED].address  # type: ignore[attr-defined]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember the verdict for the exit."""
    session.config.stash[_EXIT_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the shared servers; leave without the interpreter's own end where Temporal was used.

    The SDK's threads may touch the interpreter while it ends, and abort the process after all tests
    have passed (temporalio/sdk-python#300).
    """
    owner = config.stash.get(_SHARED, None)
    if owner is not None:
        owner.stop()
    status = config.stash.get(_EXIT_STATUS, None)
    if status is not None and "temporalio.bridge.temporal_sdk_bridge" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


@pytest.fixture(scope="session")
def shared_servers(request: pytest.FixtureRequest) -> str:
    """Where to ask for a shared server (see :func:`tests.support.shared.ask`)."""
    if hasattr(request.config, "workerinput"):
        return str(request.config.workerinput[_ADDRESS_KEY])
    return request.config.stash[_SHARED].address


@pytest.fixture(scope="session")
def temporal_address(shared_servers: str) -> str:
    """``host:port`` of the session's Temporal server."""
    return shared.ask(shared_servers, "temporal")


@pytest.fixture(scope="session")
def installed(shared_servers: str) -> Sequence[str]:
    """The command of the engine installed from its wheel, away from the checkout."""
    return (shared.ask(shared_servers, "installed"),)


@pytest.fixture(scope="session")
def postgresql_server_url(shared_servers: str) -> str:
    """SQLAlchemy URL of the session's PostgreSQL, as its superuser."""
    return shared.ask(shared_servers, "postgresql")


@pytest.fixture
async def temporal_client(temporal_address: str) -> Client:
    """Return a client of the session's Temporal server; our search attributes are registered."""
    client = await Client.connect(
        temporal_address,
        data_converter=DATA_CONVERTER,
        interceptors=[AskedAgain()],
        plugins=[EvictAtTheEnd(), WorkersEnd()],
    )
    await register_search_attributes(client)
    return client


@pytest.fixture
def task_queue() -> str:
    """A task queue that no other test uses."""
    return f"test-{uuid4().hex}"


@pytest.fixture
async def time_skipping_env() -> AsyncIterator[WorkflowEnvironment]:
    """The time-skipping server, a process for this test alone (a tenth of a second)."""
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=DATA_CONVERTER,
        interceptors=[AskedAgain()],
        plugins=[EvictAtTheEnd(), WorkersEnd()],
        test_server_existing_path=str(binaries.find(TEST_SERVER)),
    ) as environment:
        await add_search_attributes(environment.client, SearchAttribute)
        yield environment


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, shared_servers: str, tmp_path: Path
) -> Iterator[str]:
    """URL of a migrated database for this test alone, on SQLite and on PostgreSQL."""
    template = shared.ask(shared_servers, request.param)
    copy: AbstractContextManager[str]
    if request.param == "sqlite":
        copy = databases.sqlite_copy(Path(template), tmp_path)
    else:
        copy = databases.postgresql_copy(template)
    with copy as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The engine's database on :func:`database_url`, closed after the test."""
    opened = Database(database_url)
    yield opened
    await opened.close()
