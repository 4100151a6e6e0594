"""*As processes* on the page about services: done as it says, with values for its examples."""

import re
import secrets
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from embedded.ports import free_port
from tests.deployment.topology import launcher, register_namespace
from tests.docs.test_links import ROOT
from tests.support.databases import empty_postgresql
from tests.support.processes import until_ok

_PAGE = (ROOT / "docs" / "how-to" / "run-as-services.md").read_text()
_SECTION = _PAGE.partition("\n## As processes\n")[2].partition("\n## ")[0]
_BUILD, _INSTALL, _EXPORTS, _MIGRATE, _RUN = (
    block.strip().splitlines() for block in re.findall(r"```sh\n(.*?)```", _SECTION, re.DOTALL)
)


def test_it_is_built_and_installed_as_the_image_is() -> None:
    """The commands of the image are run by the tests, see tests/support/wheel.py."""
    stage = (ROOT / "Dockerfile").read_text().partition("AS build\n")[2].partition("\nFROM ")[0]
    runs = re.findall(r"^RUN (.*)$", stage.replace("\\\n", " "), re.MULTILINE)
    of_the_image = [
        " ".join(one.split()).replace("python ", "python3 ").replace("/tmp/wheel", "dist")  # noqa: S108
        for run in runs
        for one in run.split("&&")
    ]
    typed = [line for line in (*_BUILD, *_INSTALL) if not line.startswith("export ")]
    assert set(of_the_image) - set(typed) == {
        "/opt/dynamo/bin/python3 -m compileall -q /opt/dynamo"
    }
    assert set(typed) <= set(of_the_image)
    assert [line for line in _INSTALL if line not in typed] == ["export PATH=/opt/dynamo/bin:$PATH"]


@pytest.fixture
def database_url(postgresql_server_url: str) -> Iterator[str]:
    with empty_postgresql(postgresql_server_url) as url:
        yield url


async def test_the_variables_the_migration_and_the_processes(
    temporal_address: str, database_url: str, installed: Sequence[str], tmp_path: Path
) -> None:
    values = {
        "DYNAMO_SECRET_KEY": "s" * 32,
        "DYNAMO_CERTIFICATE_KEY": secrets.token_hex(32),
        "DYNAMO_DATABASE_URL": database_url,
        "DYNAMO_PUBLIC_API_URL": "https://api.example.com",
        "DYNAMO_PUBLIC_OCPP_URL": "wss://ocpp.example.com",
        "DYNAMO_TEMPORAL_UI_URL": "https://temporal-ui.example.com",
        "TEMPORAL_ADDRESS": temporal_address,
        "TEMPORAL_NAMESPACE": await register_namespace(temporal_address),
    }
    assert [line.partition("=")[0] for line in _EXPORTS] == [f"export {name}" for name in values]
    assert _MIGRATE == ["dynamo migrate --temporal"], "what the launcher does, below"
    async with launcher(
        temporal_address=temporal_address,
        namespace=values["TEMPORAL_NAMESPACE"],
        database_url=database_url,
        folder=tmp_path,
        program=installed,
        **values,
    ) as starts:
        ports = {kind: free_port() for kind in ("worker", "api", "ocpp-server")}
        for line in _RUN:
            words = shlex.split(line)
            given = dict(word.split("=", 1) for word in words if "=" in word)
            program, kind = words[len(given) :]
            assert program == "dynamo"
            variable = f"DYNAMO_{kind.removesuffix('-server').upper()}_PORT"
            await starts.start(kind, log=kind, **given, **{variable: str(ports[kind])})
        for port in ports.values():
            await until_ok(f"http://127.0.0.1:{port}/health/live")
            await until_ok(f"http://127.0.0.1:{port}/health/ready")
        await until_ok(f"http://127.0.0.1:{ports['api']}/health/system")
