"""What an attacker has had the engine mail, and to whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Final

NOTICES_PER_HOUR: Final = 4
"""What the engine that is attacked has set: few, so that seconds are enough to go beyond it."""


def mailed(folder: Path, domain: str) -> int:
    """How many mails went to addresses of that domain; ``folder`` is the engine's own."""
    mails = (message_from_bytes(path.read_bytes(), policy=default) for path in _files(folder))
    return sum(str(mail["To"]).endswith(f"@{domain}") for mail in mails)


@asynccontextmanager
async def at_most(most: int, folder: Path, domain: str) -> AsyncIterator[list[str]]:
    """Look, at the end, whether more mails than that have gone to the domain, or none at all.

    Fills the list: where none leaves, nothing is shown of how many there may be.
    """
    broken: list[str] = []
    yield broken
    count = await asyncio.to_thread(mailed, folder, domain)
    if not 0 < count <= most:
        broken.append(f"{count} mails to {domain}, 1 to {most} may be")


def _files(folder: Path) -> list[Path]:
    return list((folder / "mail").glob("*.eml"))
