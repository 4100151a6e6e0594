"""One generated client for all tests of a process."""

import pytest

from tests.clients.tools import PythonClient, installed


@pytest.fixture(scope="session")
def python_client(tmp_path_factory: pytest.TempPathFactory) -> PythonClient:
    """Generate the Python client."""
    installed()
    return PythonClient(tmp_path_factory.mktemp("python"))
