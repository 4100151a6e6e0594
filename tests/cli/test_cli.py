import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from cli import up
from documents.certificate.render import render_pdf
from documents.keys import seed_from_hex
from documents.signer import Signer
from documents.signing import sign
from tests.documents.reports import FAILED, ISSUE, certificate_of

COMMANDS = {
    "up",
    "api",
    "worker",
    "ocpp-server",
    "migrate",
    "simulate",
    "verify",
    "certificate-key",
}
SECRET = "s" * 32
PASSWORD = "p4ssw0rd"
SIGNER = Signer.from_seed(seed_from_hex("8f" * 31 + "01"))


def dynamo(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DYNAMO", "TEMPORAL"))}
    return subprocess.run(
        [sys.executable, "-P", "-m", "cli", *arguments],
        env=environment | {"TERM": "dumb", "COLUMNS": "100"} | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_names_every_command() -> None:
    shown = dynamo("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"│ {command} ", shown), command


def test_help_imports_no_server() -> None:
    program = "import sys, cli; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-P", "-c", program], text=True).split()
    slow = {"temporalio", "sqlalchemy", "fastapi", "ocpp", "websockets", "pydantic", "httpx"}
    assert not slow & set(loaded)


def test_up_has_the_options_and_defaults_of_the_issue() -> None:
    assert {key: str(value) for key, value in (up.__kwdefaults__ or {}).items()} == {
        "data_dir": ".dynamo",
        "host": "127.0.0.1",
        "api_port": "8000",
        "ocpp_port": "9000",
        "temporal_port": "7233",
        "temporal_ui_port": "8233",
    }


def test_simulate_shows_its_own_help() -> None:
    assert "--fault" in dynamo("simulate", "--help").stdout
    assert "meter_stuck" in dynamo("simulate", "--list-faults").stdout.replace("-", "_")


def test_version() -> None:
    assert re.fullmatch(r"dynamo \d+\.\d+\.\d+\n", dynamo("--version").stdout)


@pytest.mark.parametrize("process", ["api", "worker", "ocpp-server"])
def test_without_a_secret_no_process_starts(process: str) -> None:
    outcome = dynamo(process)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("dynamo: DYNAMO_SECRET_KEY is not set.")
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("SECRET_KEY", PASSWORD, "it needs 32 characters or more"),
        ("DATABASE_URL", f"mysql://u:{PASSWORD}@h/d", "it begins with postgresql://"),
        ("DATABASE_URL", f"postgresql://u:{PASSWORD}/x@h/d", "percent-encoded"),
        ("DATABASE_URL", f"postgresql://u:{PASSWORD}@h:port/d", "percent-encoded"),
        ("DATABASE_URL", f"postgresql://u:{PASSWORD}@h", "it names no database"),
        ("DATABASE_URL", f"postgresql://u:{PASSWORD}@h/d?pgbouncer=true", "'pgbouncer'"),
        ("DATABASE_URL", f"postgresql://u:{PASSWORD}@h/d?sslmode=on", "sslmode is one of disable"),
        ("CERTIFICATE_KEY", PASSWORD, "openssl rand -hex 32"),
        ("SMTP_URL", f"http://u:{PASSWORD}@h", "it looks like smtp://"),
        ("API_PORT", "70000", "at most 65535"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_wrong_setting_is_one_line_without_its_value(
    variable: str, value: str, sentence: str
) -> None:
    outcome = dynamo("api", **{"DYNAMO_SECRET_KEY": SECRET, f"DYNAMO_{variable}": value})
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(f"dynamo: DYNAMO_{variable}: ")
    assert sentence in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    assert PASSWORD not in outcome.stderr


def test_migrate_makes_the_database(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/engine.sqlite3"
    first = dynamo("migrate", DYNAMO_DATABASE_URL=url)
    again = dynamo("migrate", DYNAMO_DATABASE_URL=url)
    assert (first.returncode, again.returncode) == (0, 0), first.stderr
    assert (tmp_path / "engine.sqlite3").exists()


def test_a_database_that_is_away_is_said_and_fails(tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://u:{PASSWORD}@127.0.0.1:9/d"
    outcome = dynamo("migrate", DYNAMO_DATA_DIR=str(tmp_path), DYNAMO_DATABASE_URL=url)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("dynamo: DYNAMO_DATABASE_URL: 127.0.0.1:9/d cannot be reached")
    assert outcome.stderr.count("\n") == 1
    assert PASSWORD not in outcome.stderr


def test_a_process_that_is_told_to_stop_did_not_fail() -> None:
    program = (
        "import asyncio\n"
        "from runtime.process import run\n"
        "async def wait():\n    print('ready', flush=True)\n    await asyncio.sleep(3600)\n"
        "run(wait())"
    )
    with subprocess.Popen(
        [sys.executable, "-P", "-c", program], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=30) == 0


def test_verify_says_what_it_found_and_exits_by_it(tmp_path: Path) -> None:
    signed = sign(render_pdf(certificate_of(FAILED), ISSUE, {}), SIGNER)
    (tmp_path / "certificate.pdf").write_bytes(signed)
    (tmp_path / "altered.pdf").write_bytes(signed.replace(b"/Lang", b"/Lamg"))
    mine = {"DYNAMO_CERTIFICATE_KEY": "8f" * 31 + "01"}
    (tmp_path / "keys.json").write_text(dynamo("certificate-key", **mine).stdout)
    (tmp_path / "key.pem").write_text(dynamo("certificate-key", "--pem", **mine).stdout)
    for keys in ("keys.json", "key.pem"):
        outcome = dynamo("verify", str(tmp_path / "certificate.pdf"), "--key", str(tmp_path / keys))
        assert (outcome.returncode, outcome.stderr) == (0, "")
        assert outcome.stdout.startswith("VALID: ")
    outcome = dynamo("verify", str(tmp_path / "altered.pdf"), **mine)
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("NOT VALID: ")
    outcome = dynamo("verify", str(tmp_path / "certificate.pdf"), "--data-dir", str(tmp_path))
    assert outcome.returncode == 3
    assert dynamo("verify", str(tmp_path / "none.pdf")).returncode == 2
    assert dynamo("certificate-key", "--certificate", **mine).stdout == SIGNER.certificate_pem()
    outcome = dynamo("certificate-key", "--data-dir", str(tmp_path))
    assert outcome.returncode == 2
    assert "There is no key of an engine here" in outcome.stderr


def test_a_configured_signer_is_the_one_of_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "signer.pem"
    key = SIGNER.private_der()
    private = load_der_private_key(key, password=None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    file.write_bytes(private + SIGNER.certificate_pem().encode())
    mine = {"DYNAMO_CERTIFICATE_SIGNER": str(file)}
    outcome = dynamo("certificate-key", "--pem", "--data-dir", str(tmp_path), **mine)
    assert outcome.stdout == SIGNER.public.pem()
    file.write_bytes(private)
    outcome = dynamo("certificate-key", "--data-dir", str(tmp_path), **mine)
    assert outcome.returncode == 2
    assert f"DYNAMO_CERTIFICATE_SIGNER: {file} is no signer of certificates" in outcome.stderr
