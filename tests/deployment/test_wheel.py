"""What is shipped runs: the wheel, built and installed as the Dockerfile does it, away from here.

The services on PostgreSQL and an external Temporal are in test_topology.py, the demo is in
tests/demo; both run from the wheel, too.
"""

import email
import email.policy
import json
import re
import subprocess
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

import httpx

from cli import app
from tests.support import wheel
from tests.support.dynamo import Up
from tests.support.eventually import eventually
from tests.support.guide import Guide
from tests.support.plain import PLAIN
from tests.support.processes import dynamo, environment

OWNER = "facilities@riverside.example"
SERIAL = "CP-SN-00483921"
DISTRIBUTION = "dynamo-commissioning"
COMMANDS = [
    info.name or info.callback.__name__.replace("_", "-")
    for info in app.registered_commands
    if info.callback is not None
]
# Read by a path and not imported: migrations run inside Alembic, the last one is a script.
SCRIPTS = (
    "storage/migrations/env.py",
    "storage/migrations/versions/",
    "embedded/die_with_parent.py",
)
LOOK = f"""
import importlib, importlib.metadata, json, sys
names = [str(file) for file in importlib.metadata.files({DISTRIBUTION!r})]
failed = {{}}
for name in names:
    if name.endswith(".py") and not name.startswith({SCRIPTS!r}):
        module = name[:-3].replace("/", ".").removesuffix(".__init__")
        try:
            importlib.import_module(module)
        except Exception as error:
            failed[module] = repr(error)
print(json.dumps({{"names": names, "failed": failed, "path": sys.path}}))
"""


def ran(
    command: Sequence[str], folder: Path, **settings: str
) -> "subprocess.CompletedProcess[str]":
    """Run to the end, where neither the checkout nor its environment is in reach."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(settings) | {"PATH": wheel.PLAIN_PATH, "TERM": "dumb", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_every_file_is_there_and_every_module_is_imported(
    installed: Sequence[str], tmp_path: Path
) -> None:
    python = str(Path(installed[0]).with_name("python"))
    outcome = ran([python, "-c", LOOK], tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    seen = json.loads(outcome.stdout)
    assert seen["failed"] == {}
    assert not [path for path in seen["path"] if Path(path) == wheel.ROOT]
    packages = [path.parent for path in wheel.ROOT.glob("*/__init__.py")]
    ours = [path for folder in packages for path in folder.rglob("*") if path.is_file()]
    expected = {
        str(path.relative_to(wheel.ROOT))
        for path in [*ours, *wheel.ROOT.glob("*.py")]
        if "__pycache__" not in path.parts
    }
    of_the_installer = re.compile(r"\.dist-info/|bin/dynamo$")
    shipped = {name for name in seen["names"] if not of_the_installer.search(name)}
    assert shipped == expected


def test_every_command_shows_its_help_and_the_version(
    installed: Sequence[str], tmp_path: Path
) -> None:
    assert re.fullmatch(r"dynamo \d+\.\d+\.\d+\n", ran([*installed, "--version"], tmp_path).stdout)
    overview = ran([*installed, "--help"], tmp_path).stdout
    assert len(COMMANDS) >= 9
    for command in COMMANDS:
        assert f" {command} " in overview
        outcome = ran([*installed, command, "--help"], tmp_path)
        assert outcome.returncode == 0, outcome.stderr
        assert f"dynamo {command}" in outcome.stdout


async def test_the_guide_from_migrate_to_verify(installed: Sequence[str], tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    migrated = ran(
        [*installed, "migrate"],
        tmp_path,
        DYNAMO_DATABASE_URL=f"sqlite+aiosqlite:///{data}/engine.sqlite3",
    )
    assert migrated.returncode == 0, migrated.stderr
    up = await Up.launch(data, {"PATH": wheel.PLAIN_PATH}, program=installed)
    try:
        addresses = await up.until_ready()
        base = addresses["API"].removesuffix("/api/v1")
        await _shows_its_pages(addresses)
        async with Guide(base) as guide:
            project = await guide.project(OWNER)
            charge_point = await guide.charge_point(project, SERIAL)
            url = addresses["OCPP"].replace("<charge point id>", charge_point)
            simulate = ("simulate", "--url", url, "--serial", SERIAL, "--speed", "20")
            async with dynamo(
                *simulate, settings={}, log=tmp_path / "simulate.log", program=installed
            ):
                await guide.start(charge_point, run_test_transaction=True)
                verdict = await guide.verdict(charge_point)
                assert verdict["status"] == "completed", verdict
                await guide.invite(project, OWNER)
                await guide.accept(await eventually(lambda: _mail_to(OWNER, data / "mail")))
                assert (await guide.hand_over(project))["status"] == "handed_over"
            paper = tmp_path / "certificate.pdf"
            paper.write_bytes(await _certificate(base, charge_point, guide.token))
        verified = ran([*installed, "verify", str(paper), "--data-dir", str(data)], tmp_path)
        assert verified.stdout.startswith("VALID: "), verified.stderr
    finally:
        assert await up.stop() == 0


async def _shows_its_pages(addresses: dict[str, str]) -> None:
    async with httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=30) as client:
        for name in ("API docs", "Temporal UI"):
            page = await client.get(addresses[name])
            assert page.status_code == httpx.codes.OK, name
        for script in re.findall(r'src="(/[^"]+)"', (await client.get(addresses["API docs"])).text):
            base = addresses["API"].removesuffix("/api/v1")
            assert (await client.get(f"{base}{script}")).status_code == httpx.codes.OK, script


async def _mail_to(person: str, folder: Path) -> EmailMessage:
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in folder.glob("*.eml")
    ]
    found = [mail for mail in mails if mail["To"] == person]
    assert found, f"no mail to {person} yet"
    return found[0]


async def _certificate(base: str, charge_point: str, token: dict[str, str]) -> bytes:
    async with httpx.AsyncClient(
        verify=PLAIN, base_url=base, trust_env=False, headers=token, timeout=30
    ) as client:

        async def issued() -> bytes:
            answer = await client.get(
                f"/api/v1/installer/commissioning/{charge_point}/report",
                headers={"Accept": "application/pdf"},
            )
            assert answer.status_code == httpx.codes.OK, answer.text
            return answer.content

        return await eventually(issued)


def test_nothing_is_there_that_the_lock_does_not_name(
    installed: Sequence[str], tmp_path: Path
) -> None:
    program = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    python = str(Path(installed[0]).with_name("python"))
    here = {_plain(name) for name in ran([python, "-c", program], tmp_path).stdout.split()}
    lock = (wheel.ROOT / "requirements" / "runtime.lock").read_text()
    named = {_plain(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    assert here - named == {DISTRIBUTION}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
