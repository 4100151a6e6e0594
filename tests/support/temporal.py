"""A real Temporal server for one test session, in memory."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from embedded import binaries
from embedded.ports import free_port

TEST_SERVER = "temporal-test-server"
"""The program that skips time."""
_START_SECONDS, _STOP_SECONDS = 60, 10
_ONE_MACHINE = {
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
}
"""A queue of a test has few tasks: to divide it, and to collect garbage as often as by default,
takes the server a third of its CPU time."""
_COLLECT_SELDOM = {"GOGC": "200"}


class TemporalServer:
    """Starts in the constructor, ends in :meth:`stop`, or with the process that started it.

    ``limits`` are values of Temporal's dynamic configuration.
    """

    def __init__(self, **limits: int) -> None:
        self.port = free_port()
        with tempfile.NamedTemporaryFile(prefix="dynamo-temporal-", delete=False) as log:
            self._log = Path(log.name)
            self._process = subprocess.Popen(
                binaries.dying_with_parent(
                    [
                        *(str(binaries.find(binaries.TEMPORAL)), "server", "start-dev"),
                        *("--headless", "--ip", "127.0.0.1", "--port", str(self.port)),
                        *("--log-level", "error"),
                        *(
                            word
                            for name, value in {**_ONE_MACHINE, **limits}.items()
                            for word in ("--dynamic-config-value", f"{name}={value}")
                        ),
                    ]
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | _COLLECT_SELDOM,
                start_new_session=True,  # Ctrl-C is for pytest; it stops us in order
            )
        self._wait_until_ready()

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stop it and remove its log."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.unlink(missing_ok=True)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        health = [str(binaries.find(binaries.TEMPORAL)), "operator", "cluster", "health"]
        while time.monotonic() < deadline and self._process.poll() is None:
            probe = subprocess.run(
                [*health, "--address", self.address, "--command-timeout", "2s"],
                capture_output=True,
                check=False,
            )
            if probe.returncode == 0:
                return
            time.sleep(0.05)
        log = self._log.read_text(errors="replace")
        self.stop()
        raise RuntimeError(f"Temporal did not start:\n{log}")
