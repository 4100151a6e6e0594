"""Each attacker plays twice: against an unrelated engine, and against the one that is looked at.

On the same machine both cost the honest ones a core or two. What the second time costs them beyond
the first is the attack's doing, and not that of its load.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.pictures.pictures import PROCESSES
from documents.reading.limits import Limits
from tests.attack.attacker import MEBIBYTE, Attacker, Target
from tests.attack.beside import Honest
from tests.attack.memory import Growth, watched
from tests.attack.player import Played, playing
from tests.attack.stage import Stage, stage
from tests.chaos.schedule import Part

SLOWER: Final = 0.5
"""Seconds by which the slowest answer of a good charge point may be slower beside an attack."""
SERVED: Final = 2.0
"""Seconds by which a newcomer may be served later."""
LOG_BUDGET: Final = 1 * MEBIBYTE
"""What one process may log in one phase."""
READERS_BUDGET: Final = PROCESSES * Limits().memory_bytes
"""What the processes have that read pictures for the API, whatever they are sent."""
_LULL: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``seconds`` is how long each plays, against either engine.

    One that does not compare plays against the engine alone, and nothing is said of the clock.
    """

    attackers: Sequence[Attacker]
    seconds: float
    compares: bool = True


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one attacker did, and what the honest ones saw meanwhile."""

    attacker: Attacker
    played: Played
    """Against the engine."""
    beside_unrelated: Honest | None
    honest: Honest
    node: Growth
    api: Growth
    judged: Sequence[str] = ()
    """What its judge found broken."""

    @property
    def slower(self) -> float:
        """Seconds by which the slowest answer to the good charge point was slower."""
        before = self.beside_unrelated
        return 0.0 if before is None else self.honest.charger.slowest - before.charger.slowest

    @property
    def later(self) -> float:
        """Seconds by which the slowest newcomer was served later."""
        before = self.beside_unrelated
        return 0.0 if before is None else self.honest.newcomers.slowest - before.newcomers.slowest

    @property
    def unanswered(self) -> list[str]:
        """Who was kept waiting all the time: nothing failed, and nothing was served either."""
        honest = self.honest
        parties = {
            "the good charge point": honest.charger,
            "the installer": honest.installer,
            "the owner": honest.owner,
        }
        if self.beside_unrelated is not None:  # else there is hardly time for one of them
            parties["the newcomers"] = honest.newcomers
        return [f"{who} had no answer at all" for who, seen in parties.items() if not seen.answered]

    @property
    def failures(self) -> list[str]:
        """Requests to the API that failed, of the installer and the owner."""
        return [*self.honest.installer.broken, *self.honest.owner.broken]

    def broken(self) -> list[str]:
        """Say each promise that was broken; nothing of milliseconds where none are compared."""
        found = [*self.honest.charger.broken, *self.honest.newcomers.broken, *self.failures]
        found += [*self.unanswered, *self.judged]
        if self.slower > SLOWER:
            found.append(
                f"the good charge point's slowest answer took {self.slower:.2f} s longer than "
                f"beside the unrelated engine (promised: {SLOWER:g})"
            )
        if self.later > SERVED:
            found.append(
                f"a newcomer was served {self.later:.2f} s later than beside the unrelated engine "
                f"(promised: {SERVED:g})"
            )
        found += self._grown()
        if self.played.died:
            found.append("the attacker ended by an error of its own")
        if self.played.done < self.attacker.enough:
            found.append(
                f"the attacker did {self.played.done} {self.attacker.unit}, "
                f"{self.attacker.enough} show something"
            )
        most = None if self.attacker.most is None else self.attacker.most(self.played.seconds)
        if most is not None and self.played.done > most:
            found.append(
                f"the attacker did {self.played.done} {self.attacker.unit} in "
                f"{self.played.seconds:.1f} s (promised: {most} at most)"
            )
        return found

    def _grown(self) -> list[str]:
        found: list[str] = []
        for what, growth, budget in (
            ("the OCPP server", self.node, self.attacker.node_budget),
            ("the API", self.api, self.attacker.api_budget),
        ):
            if growth.died:
                found.append(f"{what} died")
            if growth.resident > budget:
                found.append(
                    f"{what} took {growth.resident / MEBIBYTE:.0f} MiB more memory "
                    f"(budget: {budget / MEBIBYTE:.0f})"
                )
            if growth.log > LOG_BUDGET:
                found.append(f"{what} logged {growth.log / MEBIBYTE:.1f} MiB")
        if self.api.started > READERS_BUDGET:
            found.append(
                f"the API's readers of pictures took {self.api.started / MEBIBYTE:.0f} MiB "
                f"(budget: {READERS_BUDGET / MEBIBYTE:.0f})"
            )
        return found


async def experiment(plan: Plan, folder: Path) -> AsyncIterator[Outcome]:
    """Play them one after the other; logs are in ``folder``."""
    names = [attacker.name for attacker in plan.attackers]
    async with stage(folder, names, compares=plan.compares) as place:
        for attacker in plan.attackers:
            yield await _play(place, attacker, plan)


async def _beside(place: Stage, attacker: Attacker, other: Target, seconds: float) -> Honest:
    async with place.phase() as honest, playing(attacker, other):
        await asyncio.sleep(seconds)
    await asyncio.sleep(_LULL)
    return honest


async def _play(place: Stage, attacker: Attacker, plan: Plan) -> Outcome:
    target, *unrelated = place.hostile[attacker.name]
    before = [await _beside(place, attacker, other, plan.seconds) for other in unrelated]
    programs = place.engine.programs
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(watched(programs[Part.NODE_1]))
        api = await stack.enter_async_context(watched(programs[Part.API]))
        honest = await stack.enter_async_context(place.phase())
        judged: list[str] = []
        if attacker.judge is not None:
            judged = await stack.enter_async_context(attacker.judge(place))
        played = await stack.enter_async_context(playing(attacker, target))
        await asyncio.sleep(plan.seconds)
    await asyncio.sleep(_LULL)
    return Outcome(
        attacker=attacker,
        played=played,
        beside_unrelated=before[0] if before else None,
        honest=honest,
        node=node,
        api=api,
        judged=judged,
    )
