"""A round over all that is old: one short transaction after another, with a pause between them.

Where it stands is a row of its own, changed in the same transaction as the rows that go; so
whatever dies in the middle, the next one goes on there. Two at once would only be in each other's
way: Temporal runs one.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlmodel import col

from domain.retention import Ages, LetGo
from storage.contest_marks import counts
from storage.engine import Database
from storage.models.facts import Boot, LogEntry, RetentionMark
from storage.retention import entries, people, readings
from storage.retention.newest import keep_newest
from storage.retention.step import Step, Take
from storage.rows import Rows

_SHARE: Final = 4
"""Between two transactions it rests so many times as long as one took: others write, too."""
_WORDS_STAY: Final = timedelta(days=30)
"""No activity that needs them is tried for longer."""
_SHORTEST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 2.0


class StoredRetention:
    """Lets go of rows that are old, as far as nothing rests on them; safe to repeat."""

    def __init__(self, database: Database, ages: Ages, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._ages = ages
        self._now = now

    async def go_on(self, *, at_most: timedelta, alive: Callable[[], None]) -> LetGo:
        """Let go of what is old for some time; ``alive`` is called after each transaction."""
        until = time.monotonic() + at_most.total_seconds()
        gone = Counter[str]()
        for name, take in self.kinds(self._now()).items():
            is_last = False
            while not is_last:
                began = time.monotonic()
                if began > until:
                    return _let_go(gone, is_done=False)
                step = await self.step(name, take)
                gone[name] += step.gone
                is_last = step.is_last
                alive()
                took = time.monotonic() - began
                pause = min(max(took * _SHARE, _SHORTEST_PAUSE), _LONGEST_PAUSE)
                await asyncio.sleep(pause)
        return _let_go(gone, is_done=True)

    async def step(self, name: str, take: Take) -> Step:
        """Go on with one kind, in one transaction."""
        async with self._database.write() as connection:
            rows = Rows(connection)
            step = await take(connection, await rows.value(col(RetentionMark.position), name) or "")
            await rows.put(RetentionMark, name=name, position=step.position, at=self._now())
        return step

    def kinds(self, now: datetime) -> Mapping[str, Take]:
        """Give what there is to go over, in the order of a round."""
        ages, boots = self._ages, Boot.__table__
        return {
            "frames": partial(entries.let_frames_go, before=now - ages.frames, now=now),
            "entries": partial(entries.let_entries_go, before=now - ages.log, now=now),
            "meter_values": partial(readings.thin, before=now - ages.meter_values, now=now),
            # Boots of strangers take no place of those that count.
            "boots": partial(keep_newest, table=boots, which=counts(boots), keep=ages.boots),
            "contested_boots": partial(
                keep_newest, table=boots, which=~counts(boots), keep=ages.boots
            ),
            "projects": partial(people.erase_projects, before=now - ages.personal, now=now),
            "tags": partial(people.erase_tags, before=now - ages.personal, now=now),
            "reports": partial(
                keep_newest,
                table=LogEntry.__table__,
                which=col(LogEntry.kind) == entries.REPORT,
                keep=ages.reports,
            ),
            "commands": partial(entries.let_commands_go, before=now - ages.log),
            "words": partial(people.let_words_go, before=now - _WORDS_STAY),
        }


def _let_go(gone: Counter[str], *, is_done: bool) -> LetGo:
    return LetGo(
        frames=gone["frames"],
        entries=gone["entries"],
        commands=gone["commands"],
        meter_values=gone["meter_values"],
        boots=gone["boots"] + gone["contested_boots"],
        reports=gone["reports"],
        people=gone["projects"] + gone["tags"] + gone["words"],
        is_done=is_done,
    )
