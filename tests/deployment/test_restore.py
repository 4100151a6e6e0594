"""A backup, restored into an empty place as docs/how-to/back-up.md says: open runs go on there."""

import asyncio
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from simulator.charge_point import VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22
from tests.deployment.topology import register_namespace, topology
from tests.support.databases import empty_postgresql
from tests.support.dynamo import Up
from tests.support.eventually import eventually
from tests.support.guide import Guide
from tests.support.postgres import client_programs

SERIAL = "CP-SN-00000001"
Copy = Callable[[Path, Path], None]


def _tar(source: Path, target: Path) -> None:
    """Copy a data directory that nobody uses, as the page says."""
    archive = target.parent / "dynamo-backup.tar.gz"
    target.mkdir(mode=0o700)
    tar = shutil.which("tar") or "/bin/tar"
    subprocess.run([tar, "-czf", archive, "-C", source, "."], check=True)
    subprocess.run([tar, "-xzf", archive, "-C", target], check=True)


def _while_it_runs(source: Path, target: Path) -> None:
    """Copy the two databases by SQLite's own backup, one after the other, and the keys."""
    target.mkdir(mode=0o700)
    for name in ("engine.sqlite3", "temporal.sqlite3"):
        with (
            closing(sqlite3.connect(source / name)) as here,
            closing(sqlite3.connect(target / name)) as there,
        ):
            here.backup(there)
    for name in ("secret_key", "certificate_key"):
        (target / name).write_bytes((source / name).read_bytes())
        (target / name).chmod(0o600)


@asynccontextmanager
async def _up(data_dir: Path) -> AsyncIterator[dict[str, str]]:
    up = await Up.launch(data_dir, {"DYNAMO_BOOT_RETRY_INTERVAL": "1"})
    try:
        yield await up.until_ready()
    finally:
        await up.stop()


async def _commission(guide: Guide, charge_point: str, endpoint: str) -> None:
    """Connect it, which its run has waited for, and see the run pass."""
    virtual = VirtualChargePoint(ABB_TERRA_AC_W22, endpoint, serial=SERIAL, speed=20)
    plugged = asyncio.create_task(virtual.run())
    try:
        status = await guide.verdict(charge_point)
        assert status["status"] == "completed", status
    finally:
        plugged.cancel()
        await asyncio.gather(plugged, return_exceptions=True)


async def _waits(guide: Guide, charge_point: str) -> None:
    async def waits() -> None:
        status = await guide.status(charge_point)
        assert status["status"] == "in_progress", status
        assert status["waiting_for"] == "connection", status

    await eventually(waits, within=120)  # within a minute what Temporal lost is started


def _api(addresses: dict[str, str]) -> str:
    return addresses["API"].removesuffix("/api/v1")


@pytest.mark.timeout(320)
@pytest.mark.parametrize(
    ("copy", "stops_first"), [(_tar, True), (_while_it_runs, False)], ids=["stopped", "running"]
)
async def test_a_data_directory(tmp_path: Path, copy: Copy, *, stops_first: bool) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    async with _up(before) as addresses, Guide(_api(addresses)) as guide:
        charge_point = await guide.charge_point(await guide.project("o@a.example"), SERIAL)
        await guide.start(charge_point)
        await _waits(guide, charge_point)
        if not stops_first:
            copy(before, after)
        token, keys = guide.token, (await guide.get("/certificate-keys"))["keys"]
        assert keys
    if stops_first:
        copy(before, after)
    async with (
        _up(after) as addresses,
        Guide(_api(addresses), email="another@acme.example") as guide,
    ):
        guide.become(token)  # it was signed with the key that was restored
        assert (await guide.get("/certificate-keys"))["keys"] == keys
        await _waits(guide, charge_point)
        endpoint = addresses["OCPP"].replace("<charge point id>", charge_point)
        await _commission(guide, charge_point, endpoint)


def _dump_and_restore(url: str, into: str, folder: Path) -> None:
    """Copy a database by PostgreSQL's own programs, as the page says."""
    programs, file = client_programs(), folder / "engine.dump"
    source, target = (
        make_url(one).set(drivername="postgresql").render_as_string(hide_password=False)
        for one in (url, into)
    )
    dump = ["pg_dump", "--format=custom", f"--file={file}", f"--dbname={source}"]
    restore = ["pg_restore", "--exit-on-error", f"--dbname={target}", str(file)]
    for name, *options in (dump, restore):
        subprocess.run([programs / name, *options], check=True)


@pytest.fixture
def empty_url(postgresql_server_url: str) -> Iterator[str]:
    with empty_postgresql(postgresql_server_url) as url:
        yield url


@pytest.fixture
async def another_namespace(temporal_address: str) -> str:
    """One that knows of no workflow."""
    return await register_namespace(temporal_address)


@pytest.mark.timeout(320)
@pytest.mark.parametrize("temporal_is_lost", [False, True], ids=["temporal kept", "temporal lost"])
async def test_separate_services(
    temporal_address: str,
    namespace: str,
    another_namespace: str,
    database_url: str,
    empty_url: str,
    tmp_path: Path,
    *,
    temporal_is_lost: bool,
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    async with (
        topology(
            temporal_address=temporal_address,
            namespace=namespace,
            database_url=database_url,
            folder=before,
        ) as engine,
        Guide(engine.api_url) as guide,
    ):
        charge_point = await guide.charge_point(await guide.project("o@a.example"), SERIAL)
        await guide.start(charge_point)
        await _waits(guide, charge_point)
        token = guide.token
    _dump_and_restore(database_url, empty_url, tmp_path)
    async with (
        topology(
            temporal_address=temporal_address,
            namespace=another_namespace if temporal_is_lost else namespace,
            database_url=empty_url,
            folder=after,
        ) as engine,
        Guide(engine.api_url, email="another@acme.example") as guide,
    ):
        guide.become(token)
        await _waits(guide, charge_point)
        await _commission(guide, charge_point, f"{engine.nodes[0].ws_url}/{charge_point}")
