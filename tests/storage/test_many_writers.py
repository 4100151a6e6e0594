"""Fifty writers on one SQLite file, from two processes: none is told that it is locked."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from storage.engine import Database
from storage.models.accounts import ThrottleWindow
from tests.storage import many_writers

_PROCESSES, _WRITERS, _TIMES = 2, 25, 10


async def _process(url: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", many_writers.__name__, url, str(_WRITERS), str(_TIMES)),
        cwd=Path(__file__).parents[2],
        stderr=PIPE,
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_fifty_writers_in_two_processes_are_never_locked_out(
    database_url: str, database: Database
) -> None:
    processes = [await _process(database_url) for _ in range(_PROCESSES)]
    for process in processes:
        _, complaints = await process.communicate()
        assert process.returncode == 0, complaints.decode()
        assert b"locked" not in complaints
    async with database.read() as connection:
        count = await connection.scalar(
            select(col(ThrottleWindow.count)).where(col(ThrottleWindow.key) == many_writers.KEY)
        )
    assert count == _PROCESSES * _WRITERS * _TIMES
