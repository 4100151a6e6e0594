"""What `dynamo up` runs where: ports, addresses, commands, and the settings of the children."""

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded import binaries, ports
from embedded.errors import StartError

_LOOPBACK = "127.0.0.1"
_DATABASE_URL = "DYNAMO_DATABASE_URL"
_EVERY_ADDRESS = {"0.0.0.0": _LOOPBACK, "::": "::1"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the caller chooses; port 0 is any free one."""

    data_dir: Path = Path(".dynamo")
    host: str = _LOOPBACK
    api_port: int = 8000
    ocpp_port: int = 9000
    temporal_port: int = 7233
    temporal_ui_port: int = 8233


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Host and ports as they are used, none of them 0.

    Temporal and its web UI know no users: they listen on the loopback address whatever the host is.
    """

    host: str
    api_port: int
    ocpp_port: int
    temporal_port: int
    temporal_ui_port: int

    @property
    def api_url(self) -> str:
        """Return where this machine reaches the API."""
        return f"http://{_bracketed(self._near)}:{self.api_port}"

    @property
    def ocpp_url(self) -> str:
        """Return where chargers reach the OCPP server, without their identity."""
        return f"ws://{_bracketed(self._far)}:{self.ocpp_port}"

    @property
    def temporal_address(self) -> str:
        """``host:port`` of Temporal."""
        return f"{_LOOPBACK}:{self.temporal_port}"

    @property
    def temporal_ui_url(self) -> str:
        """Return the address of Temporal's web UI."""
        return f"http://{_LOOPBACK}:{self.temporal_ui_port}"

    @property
    def ocpp_health_url(self) -> str:
        """Return where this machine asks the OCPP server whether it lives."""
        return f"http://{_bracketed(self._near)}:{self.ocpp_port}"

    @property
    def _near(self) -> str:
        return _EVERY_ADDRESS.get(self.host, self.host)

    @property
    def _far(self) -> str:
        return _outward_address() if self.host in _EVERY_ADDRESS else self.host

    def environment(
        self,
        inherited: Mapping[str, str],
        *,
        data_dir: Path,
        secret_key: str,
        certificate_key: str,
    ) -> dict[str, str]:
        """Return the children's environment: ours, except for what `up` decides.

        The Temporal settings of the caller (an address, a certificate, an API key, a profile) are
        for another server, so none of them reaches the children.
        """
        kept = {key: value for key, value in inherited.items() if not key.startswith("TEMPORAL_")}
        if not kept.get(_DATABASE_URL):
            kept.pop(_DATABASE_URL, None)  # set, and empty
        defaults = {
            _DATABASE_URL: f"sqlite+aiosqlite:///{data_dir}/engine.sqlite3",
            "DYNAMO_SECRET_KEY": secret_key,
            "DYNAMO_TEMPORAL_UI_URL": self.temporal_ui_url,
            "DYNAMO_CERTIFICATE_KEY": certificate_key,
            "DYNAMO_PUBLIC_API_URL": f"http://{_bracketed(self._far)}:{self.api_port}",
            "DYNAMO_PUBLIC_OCPP_URL": self.ocpp_url,
        }
        decided = {
            "DYNAMO_DATA_DIR": str(data_dir),
            "DYNAMO_API_HOST": self.host,
            "DYNAMO_API_PORT": str(self.api_port),
            "DYNAMO_OCPP_HOST": self.host,
            "DYNAMO_OCPP_PORT": str(self.ocpp_port),
            "TEMPORAL_ADDRESS": self.temporal_address,
            "TEMPORAL_NAMESPACE": "default",
            "TEMPORAL_CONFIG_FILE": os.devnull,
        }
        return defaults | kept | decided

    def temporal_command(self, database: Path) -> list[str]:
        """Return the command of Temporal's dev server on a file."""
        return [
            *(str(binaries.find(binaries.TEMPORAL)), "server", "start-dev"),
            *("--ip", _LOOPBACK, "--port", str(self.temporal_port)),
            *("--ui-port", str(self.temporal_ui_port), "--ui-disable-news-fetch"),
            *("--db-filename", str(database), "--log-level", "warn"),
        ]

    def temporal_health_command(self) -> list[str]:
        """Return a command that succeeds as soon as Temporal answers."""
        temporal = str(binaries.find(binaries.TEMPORAL))
        health = [temporal, "operator", "cluster", "health", "--command-timeout", "2s"]
        return [*health, "--address", self.temporal_address]


def dynamo(*command: str) -> list[str]:
    """Return the command line of one of our processes; ``-P`` keeps foreign modules out."""
    return [sys.executable, "-P", "-m", "cli", *command]


def choose_layout(options: Options) -> Layout:
    """Choose free ports for those that are 0, and check that the others are free.

    Raises:
        StartError: One is busy.

    """
    chosen: dict[str, int] = {}
    for name in ("api_port", "ocpp_port", "temporal_port", "temporal_ui_port"):
        host = _LOOPBACK if name.startswith("temporal") else options.host
        port = getattr(options, name)
        option = f"--{name.replace('_', '-')}"
        if port == 0:
            port = ports.free_port(host, but=chosen.values())
        elif port in chosen.values():
            raise StartError(f"Port {port} is given twice; change {option}.", exit_code=2)
        elif not ports.is_free(host, port):
            raise StartError(
                f"Port {port} on {host} is busy. Stop what listens there, or choose another "
                f"with {option} (0: any free one)."
            )
        chosen[name] = port
    return Layout(host=options.host, **chosen)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _outward_address() -> str:
    """Return the address of this machine in the local network; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a documentation address (RFC 5737)
        except OSError:
            return _LOOPBACK
        return str(probe.getsockname()[0])
