"""Our processes, each started by its command as an operator would."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from embedded.binaries import dying_with_parent
from tests.support.eventually import eventually
from tests.support.plain import PLAIN

_STOP_SECONDS, _READY_SECONDS = 40, 90
# Written past every log by the SDK's core (temporalio 1.35), which expects the timer of a local
# activity to end before the worker that was cut off. It ends nothing but that timer.
_PANIC = re.compile(r"^\nthread '[^'\n]*' .*panicked at sdk-core/(.|\n)*?(?=^\{|\Z)", re.MULTILINE)
CHECKOUT = (sys.executable, "-P", "-m", "cli")
"""The command of this checkout, in the environment of the tests."""


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without any setting, but these; and without a way to our files."""
    ours = ("DYNAMO_", "TEMPORAL_", "PYTHONPATH", "VIRTUAL_ENV")
    plain = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return plain | dict(settings)


@asynccontextmanager
async def dynamo(
    *arguments: str, settings: Mapping[str, str], log: Path, program: Sequence[str] = CHECKOUT
) -> AsyncIterator[Process]:
    """Run a command until the end of the block, and see that it stops cleanly.

    It runs in the folder of its log.
    """
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *dying_with_parent([*program, *arguments]),
            env=environment(settings),
            cwd=log.parent,
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        told = process.returncode is None
        if told:
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                code = await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
    assert code == 0 or not told, f"{arguments[0]} ended with {code} when it was told to stop"


def log_lines(log: Path) -> list[dict[str, Any]]:
    """Read the whole lines of a log, each of which is JSON; the last may be half written."""
    lines: list[dict[str, Any]] = []
    for line in _PANIC.sub("", log.read_text()).split("\n")[:-1]:
        try:
            lines.append(json.loads(line))
        except ValueError:
            raise AssertionError(f"{log.name} has a line that is no JSON: {line!r}") from None
    return lines


async def until_ok(url: str, *, within: float = _READY_SECONDS) -> None:
    """Wait until it answers 200."""

    async def answers() -> None:
        try:
            answer = await client.get(url)
        except httpx.HTTPError as error:
            raise AssertionError(f"{url}: {error!r}") from error
        assert answer.status_code == httpx.codes.OK, answer.text

    # One for all looks: a client reads the list of certificates, which costs more than a call.
    async with httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=30) as client:
        await eventually(answers, within=within)
