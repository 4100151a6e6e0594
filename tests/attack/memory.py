"""How much memory and log a process takes, looked at from outside."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos.parts import Program

_LOOK: Final = 0.2
_KIBIBYTE: Final = 1024


@dataclass(kw_only=True)
class Growth:
    """Of one process, in bytes."""

    resident: int = 0
    """Most that it had beyond what it had at first."""
    started: int = 0
    """Most that those had which it has started, all together: the API's readers of pictures."""
    log: int = 0
    """What it wrote to its log."""
    died: bool = False
    """It is not the process any more that it was."""


@asynccontextmanager
async def watched(program: Program) -> AsyncIterator[Growth]:
    """Look at it until the end of the block."""
    growth, pid, first = Growth(), program.pid, resident(program.pid)
    written = program.log.stat().st_size

    async def look() -> None:
        while True:
            growth.resident = max(growth.resident, resident(pid) - first)
            growth.started = max(growth.started, sum(map(resident, family(pid))))
            await asyncio.sleep(_LOOK)

    looking = asyncio.create_task(look())
    try:
        yield growth
    finally:
        looking.cancel()
        growth.log = program.log.stat().st_size - written
        growth.died = program.pid != pid or not program.running


def resident(pid: int) -> int:
    """Return the resident bytes of a process; 0 for none, and where there is no /proc."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    found = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(found[0]) * _KIBIBYTE if found else 0


def family(pid: int) -> list[int]:
    """Name what runs of all that a process has started, and that these have."""
    children: list[int] = []
    with suppress(OSError):  # it has ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += [int(one) for one in (task / "children").read_text().split()]
    return [*children, *(one for child in children for one in family(child))]
