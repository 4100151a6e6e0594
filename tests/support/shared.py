"""The servers that a whole test session shares, started when the first test asks for them.

The pytest process that starts the xdist workers (or the only one there is) owns them. A worker asks
it over a Unix socket: one line with a name, one line of JSON back. One thread serves all and lives
as long as the process: the kernel binds such a child to the *thread* that started it.
"""

import json
import os
import shutil
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from tests.support import databases, wheel
from tests.support.in_memory import DISK
from tests.support.postgres import PostgresServer
from tests.support.temporal import TemporalServer

_ANSWER_SECONDS = 150.0


class SharedServers:
    """Owns the servers; made once a session, in the controlling process."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="dynamo-tests-"))
        self._on_disk = Path(tempfile.mkdtemp(prefix="dynamo-tests-", dir=DISK))
        self.address = str(self._folder / "ask")
        self._answers: dict[str, str] = {}
        self._running: list[PostgresServer | TemporalServer] = []
        self._server = _Server(self.address, _Handler)
        self._server.answer = self.answer
        self._thread = threading.Thread(target=self._serve, name="shared servers", daemon=True)
        self._thread.start()

    def answer(self, name: str) -> str:
        """Start what is asked for, once, and say where it is."""
        if name not in self._answers:
            makers: dict[str, Callable[[], str]] = {
                "temporal": self._temporal,
                "postgresql": self._postgresql,
                "sqlite": self._sqlite,
                "installed": self._installed,
            }
            self._answers[name] = makers[name]()
        return self._answers[name]

    def stop(self) -> None:
        """Stop what runs, remove what was written; harmless when repeated."""
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._thread.join()
        for folder in (self._folder, self._on_disk):
            shutil.rmtree(folder, ignore_errors=True)

    def _serve(self) -> None:
        try:
            self._server.serve_forever(poll_interval=0.05)
        finally:
            self._server.server_close()
            for server in self._running:
                server.stop()

    def _temporal(self) -> str:
        server = TemporalServer()
        self._running.append(server)
        return server.address

    def _postgresql(self) -> str:
        server = PostgresServer()
        self._running.append(server)
        databases.make_postgresql_template(server.url())
        return server.url()

    def _sqlite(self) -> str:
        template = self._folder / "template.sqlite3"
        databases.make_sqlite_template(template)
        return str(template)

    def _installed(self) -> str:
        return str(wheel.install(self._on_disk / "installed"))


class _Server(socketserver.UnixStreamServer):
    answer: Callable[[str], str]
    request_queue_size = 64


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        name = self.rfile.readline().decode().strip()
        reply: dict[str, Any]
        try:
            reply = {"answer": cast("_Server", self.server).answer(name)}
        except Exception as error:  # noqa: BLE001 - the asking test fails with it
            reply = {"error": f"{type(error).__name__}: {error}"}
        self.wfile.write(json.dumps(reply).encode() + b"\n")


def ask(address: str, name: str) -> str:
    """Ask the owner where a server is; it starts when it does not run yet."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        connection.connect(os.fspath(address))
        connection.sendall(name.encode() + b"\n")
        with connection.makefile() as lines:
            reply = json.loads(lines.readline() or '{"error": "the controller went away"}')
    if "error" in reply:
        raise RuntimeError(reply["error"])
    return str(reply["answer"])
