"""Honest mistakes at the start: one line, the setting, the address, and what to do."""

import asyncio
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from sqlalchemy import text

from api.app import run_api
from domain.starting import MistakeError
from runtime import process as our_process
from runtime.settings import Settings
from storage.engine import Database
from storage.migrate import upgrade
from tests.cli.test_cli import SECRET, dynamo
from tests.documents.authorities import certificate, pem
from tests.support.databases import postgresql_copy
from tests.support.eventually import eventually
from tests.support.postgres import WITH_PASSWORD
from tests.support.processes import dynamo as running
from tests.support.processes import log_lines

PROCESSES = ["api", "worker", "ocpp-server"]
ALL = [*PROCESSES, "migrate"]
OTHER = "o" * 32
PASSWORD = "p4ss-w0rd-of-nobody"
KEY = "0123456789abcdef" * 4
LISTENS = '"event":"api_listening"'


@pytest.fixture
def database_url(postgresql_server_url: str) -> Iterator[str]:
    with postgresql_copy(postgresql_server_url) as url:
        yield url


@pytest.fixture
def settings(database_url: str, temporal_address: str) -> dict[str, str]:
    return {
        "DYNAMO_SECRET_KEY": SECRET,
        "DYNAMO_DATABASE_URL": database_url,
        "DYNAMO_API_PORT": "0",
        "DYNAMO_OCPP_PORT": "0",
        "TEMPORAL_ADDRESS": temporal_address,
    }


def refusal(process: str, settings: dict[str, str], *, code: int = 1) -> str:
    """Start it with a mistake; return the one line that it ends with."""
    outcome = dynamo(process, **settings)
    assert outcome.returncode == code, outcome.stderr
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("dynamo: ")
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    assert PASSWORD not in outcome.stderr
    assert SECRET not in outcome.stderr
    return outcome.stderr


@pytest.mark.parametrize("process", ALL)
def test_a_forgotten_database(process: str, settings: dict[str, str]) -> None:
    del settings["DYNAMO_DATABASE_URL"]
    assert "DYNAMO_DATABASE_URL is not set" in refusal(process, settings)


@pytest.mark.parametrize("process", ALL)
def test_a_wrong_password_at_each_process(process: str, settings: dict[str, str]) -> None:
    url = settings["DYNAMO_DATABASE_URL"].replace("postgres@", f"{WITH_PASSWORD}:{PASSWORD}@")
    said = refusal(process, settings | {"DYNAMO_DATABASE_URL": url})
    assert "DYNAMO_DATABASE_URL: 127.0.0.1:" in said
    assert "refuses the user or the password" in said
    assert f'password authentication failed for user "{WITH_PASSWORD}"' in said


@pytest.mark.parametrize(
    ("process", "prefix"), [("api", "API"), ("worker", "WORKER"), ("ocpp-server", "OCPP")]
)
def test_a_busy_port(process: str, prefix: str, settings: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refusal(process, settings | {f"DYNAMO_{prefix}_PORT": str(port)})
    assert f"DYNAMO_{prefix}_PORT: port {port} on 127.0.0.1 is busy" in said


def test_papers_that_cannot_be_left(tmp_path: Path) -> None:
    """Said at once, and not after the play."""
    (tmp_path / "file").touch()
    outcome = dynamo("demo", "--papers", str(tmp_path / "file" / "papers"))
    assert outcome.returncode == 2
    assert outcome.stderr.startswith(f"dynamo: --papers: {tmp_path}/file/papers cannot be made")
    assert outcome.stderr.count("\n") == 1


def test_a_mistake_of_the_simulator_is_one_line() -> None:
    outcome = dynamo("simulate", "--url", "http://nowhere/cp")
    assert outcome.returncode == 2
    assert outcome.stderr == "simulate: 'http://nowhere/cp' is not like ws://host:port/identity\n"


def test_a_wrong_namespace_when_migrating(settings: dict[str, str]) -> None:
    outcome = dynamo("migrate", "--temporal", **settings, TEMPORAL_NAMESPACE="prodution")
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("dynamo: TEMPORAL_NAMESPACE: ")
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (f"postgresql://u:{PASSWORD}@nowhere.invalid/dynamo", "is not known"),
        (f"postgresql://u:{PASSWORD}@127.0.0.1/dynamo?sslmode=bogus", "sslmode is one of disable,"),
    ],
)
def test_a_wrong_database_when_migrating(url: str, sentence: str, settings: dict[str, str]) -> None:
    line = refusal("migrate", settings | {"DYNAMO_DATABASE_URL": url})
    assert line.startswith("dynamo: DYNAMO_DATABASE_URL: ")
    assert sentence in line


async def serves(_settings: Settings) -> None:
    """What runs once nothing stands in the way."""
    raise RuntimeError("it serves")


# Each of the processes above begins with `serve`; so here it is asked alone.
async def mistake(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, **more: Any) -> str:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MistakeError) as caught:
        await our_process.serve(Settings(), serves, **more)
    assert "\n" not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


async def test_without_a_mistake_it_serves(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RuntimeError, match="it serves"):
        await our_process.serve(Settings(), serves, listens="api")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("//postgres@127.0.0.1", f"//u:{PASSWORD}@nowhere.invalid"), "is not known"),
        (("/test_", "/dynmao_"), "mend the name"),
        (("$", "?sslmode=require"), "and sslmode do not fit"),
    ],
)
async def test_a_database_that_cannot_be(
    change: tuple[str, str],
    sentence: str,
    settings: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = re.sub(*change, settings["DYNAMO_DATABASE_URL"])
    assert url != settings["DYNAMO_DATABASE_URL"]
    said = await mistake(settings | {"DYNAMO_DATABASE_URL": url}, monkeypatch)
    assert said.startswith("DYNAMO_DATABASE_URL: ")
    assert sentence in said


async def test_a_certificate_file_that_is_missing(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = settings["DYNAMO_DATABASE_URL"] + "?sslmode=verify-full&sslrootcert=/none/ca.pem"
    said = await mistake(settings | {"DYNAMO_DATABASE_URL": url}, monkeypatch)
    assert said == "DYNAMO_DATABASE_URL: sslrootcert=/none/ca.pem cannot be read."


async def test_a_file_that_cannot_be_made(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/none/engine.sqlite3"
    said = await mistake(settings | {"DYNAMO_DATABASE_URL": url}, monkeypatch)
    assert f"{tmp_path}/none/engine.sqlite3 cannot be used" in said


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("TEMPORAL_NAMESPACE", "prodution", "has no namespace 'prodution'"),
        ("TEMPORAL_ADDRESS", "nowhere.invalid:7233", "host of nowhere.invalid:7233 is not known"),
        ("TEMPORAL_ADDRESS", "temporal", "temporal is no host and port, such as temporal:7233"),
        ("TEMPORAL_CONFIG_FILE", __file__, "TOML"),
    ],
)
async def test_a_temporal_that_cannot_be(
    setting: str,
    value: str,
    sentence: str,
    settings: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = await mistake(settings | {setting: value}, monkeypatch)
    assert said.startswith("TEMPORAL_")
    assert sentence in said


@pytest.mark.parametrize("listens", ["api", "ocpp"])
@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
async def test_an_address_of_another_machine(
    listens: str, host: str, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = f"DYNAMO_{listens.upper()}_HOST"
    said = await mistake(settings | {setting: host}, monkeypatch, listens=listens)
    assert said.startswith(f"{setting}: {host} is not an address of this machine")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "none is no directory"),
        (b"vendor = ", "acme.toml: Invalid value"),
        (b'vendor = "Acme"\nmodel = 7', "acme.toml: "),
        (b"\xff", "acme.toml"),
        ("plausible.toml", "plausible.toml"),
        ("checklists/mine.toml", "mine.toml"),
    ],
)
async def test_a_catalogue_that_cannot_be_used(
    content: bytes | str | None,
    sentence: str,
    settings: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    folder = tmp_path / ("none" if content is None else "")
    if isinstance(content, bytes):
        (tmp_path / "acme.toml").write_bytes(content)
    elif content is not None:
        (tmp_path / content).parent.mkdir(exist_ok=True)
        (tmp_path / content).write_bytes(b"power = ")
    said = await mistake(settings | {"DYNAMO_CATALOGUE_DIR": str(folder)}, monkeypatch)
    assert said.startswith("DYNAMO_CATALOGUE_DIR: ")
    assert sentence in said


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN PRIVATE KEY-----"])
async def test_a_signer_of_certificates_that_is_none(
    content: bytes | None,
    settings: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    file = tmp_path / "signer.pem"
    if content is not None:
        file.write_bytes(content)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DYNAMO_CERTIFICATE_SIGNER", str(file))
    with pytest.raises(MistakeError) as caught:
        await run_api(Settings())
    assert str(caught.value).startswith(f"DYNAMO_CERTIFICATE_SIGNER: {file} ")
    assert "\n" not in str(caught.value)


async def test_other_keys_are_noticed_and_replaced_on_purpose(
    settings: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "first.log"
    async with running("api", settings=settings | {"DYNAMO_CERTIFICATE_KEY": KEY}, log=log):
        await eventually(lambda: _keys_are_known(settings["DYNAMO_DATABASE_URL"]))
    other = settings | {"DYNAMO_SECRET_KEY": OTHER}
    said = await asyncio.to_thread(refusal, "worker", other)
    assert said.startswith("dynamo: DYNAMO_SECRET_KEY: not the same as in the other processes")
    assert "dynamo migrate --new-keys" in said
    swapped = settings | {"DYNAMO_CERTIFICATE_KEY": KEY[::-1]}
    said = await asyncio.to_thread(refusal, "api", swapped)
    assert said.startswith("dynamo: DYNAMO_CERTIFICATE_KEY: not the same")

    outcome = await asyncio.to_thread(dynamo, "migrate", "--new-keys", **other)
    assert outcome.returncode == 0, outcome.stderr
    said = await asyncio.to_thread(refusal, "ocpp-server", settings)
    assert "DYNAMO_SECRET_KEY: not the same" in said


async def test_another_signer_is_noticed_and_renewed(
    settings: dict[str, str], tmp_path: Path
) -> None:
    """Its certificate can be renewed as it is; another key, and none, only on purpose."""
    settings |= {"DYNAMO_CERTIFICATE_KEY": KEY}
    signers = {name: str(tmp_path / f"{name}.pem") for name in ("first", "renewed", "other")}
    key = generate_private_key(SECP256R1())
    for name, file in signers.items():
        of_it = generate_private_key(SECP256R1()) if name == "other" else key
        Path(file).write_bytes(pem(of_it, certificate(name, of_it, name, of_it, ca=False)))
    mine = {name: settings | {"DYNAMO_CERTIFICATE_SIGNER": file} for name, file in signers.items()}
    log = tmp_path / "log"
    async with running("api", settings=mine["first"], log=log):
        await eventually(lambda: _keys_are_known(settings["DYNAMO_DATABASE_URL"]))

        for wrong, theirs in ((mine["other"], r"[0-9a-f]{16}"), (settings, "none")):
            said = await asyncio.to_thread(refusal, "api", wrong)
            assert re.match(
                r"dynamo: DYNAMO_CERTIFICATE_SIGNER: not the same as in the other processes on the "
                rf"database at \S+ \(fingerprint {theirs}, theirs [0-9a-f]{{16}}\)\. Give every "
                r"process the same\. To change it on purpose: stop all of them, then run once with "
                r"the new one: dynamo migrate --new-keys$",
                said,
            ), said
        # Another process signs nothing, and may not even be able to read the file.
        async with running("worker", settings=mine["other"], log=log):
            await eventually(lambda: _says(log, '"event":"polling"'))
        async with running("api", settings=mine["renewed"], log=tmp_path / "renewed"):
            await eventually(lambda: _says(tmp_path / "renewed", LISTENS))

    outcome = await asyncio.to_thread(dynamo, "migrate", "--new-keys", **mine["other"])
    assert outcome.returncode == 0, outcome.stderr
    said = await asyncio.to_thread(refusal, "api", mine["renewed"])
    assert "DYNAMO_CERTIFICATE_SIGNER: not the same" in said
    async with running("api", settings=mine["other"], log=tmp_path / "other"):
        await eventually(lambda: _says(tmp_path / "other", LISTENS))


async def _keys_are_known(url: str) -> None:
    database = Database(url)
    try:
        async with database.read() as connection:
            found = await connection.scalars(text("SELECT setting FROM key_fingerprints"))
            assert set(found) == {
                "DYNAMO_SECRET_KEY",
                "DYNAMO_CERTIFICATE_KEY",
                "DYNAMO_CERTIFICATE_SIGNER",
            }
    finally:
        await database.close()


@pytest.mark.parametrize("process", PROCESSES)
async def test_what_may_come_is_waited_for(
    process: str, settings: dict[str, str], postgresql_server_url: str, tmp_path: Path
) -> None:
    """Without tables, and without Temporal, it says so once; when they come, it says that, too."""
    name = f"later_{uuid4().hex}"
    server = Database(postgresql_server_url)
    url = postgresql_server_url.rpartition("/")[0] + f"/{name}"
    try:
        await _run_outside(server, f"CREATE DATABASE {name}")
        log = tmp_path / "log"
        late = settings | {"DYNAMO_DATABASE_URL": url, "TEMPORAL_ADDRESS": "127.0.0.1:9"}
        async with running(process, settings=late, log=log) as started:

            def said() -> None:
                written = log.read_text()
                assert '"event":"waiting_for_database"' in written
                assert "has no tables yet. Run: dynamo migrate" in written
                assert '"event":"waiting_for_temporal"' in written
                assert "TEMPORAL_ADDRESS: Temporal at 127.0.0.1:9 cannot be reached" in written

            await eventually(said)
            await upgrade(url)
            await eventually(lambda: _says(log, '"event":"database_is_there"'))
            if process == "ocpp-server":  # the others begin with a request, or with Temporal
                await eventually(lambda: _is_seen(url, f"dynamo-{process}"))
            assert started.returncode is None
            assert log.read_text().count("has no tables yet") == 1
        lines = log_lines(log)  # to the last, and whatever process it is
        assert {line["process"] for line in lines} == {process}
    finally:
        await _run_outside(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await server.close()


async def _is_seen(url: str, application_name: str) -> None:
    database = Database(url, application_name="the test")
    try:
        async with database.read() as connection:
            names = await connection.scalars(text("SELECT application_name FROM pg_stat_activity"))
            assert application_name in set(names)
    finally:
        await database.close()


def _says(log: Path, words: str) -> None:
    assert words in log.read_text()


async def _run_outside(server: Database, statement: str) -> None:
    async with server._engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(statement))
