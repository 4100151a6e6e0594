"""One look at all runs of a project, which costs about the same however many there are."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from domain.checks import RunView
from domain.errors import NotFoundError, UnavailableError
from storage.run_queries import NewestRun

_ASKED_AT_ONCE: Final = 10
_LOOKS_OF_A_WAIT: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectSeen:
    """The newest run of each charge point that has one, in the order of the charge points' ids."""

    runs: tuple[RunView, ...]
    outage: str | None = None
    """Why what goes on in open runs is not known for the moment, in words."""


@dataclass(kw_only=True, slots=True)
class _Watched:
    view: RunView
    wait_number: int

    def is_of(self, run: NewestRun) -> bool:
        return self.view.commissioning_id == run.commissioning_id


class ProjectLook:
    """Looks at a project: one query of the database, and a question to ten open runs at most.

    A run that waits is asked at every fifth look only, unless it waits for something else by now:
    the database tells that. What has ended is read once.
    """

    def __init__(
        self,
        *,
        newest: Callable[[], Awaitable[Sequence[NewestRun]]],
        verdicts: Callable[[Collection[str]], Awaitable[Sequence[RunView]]],
        ask: Callable[[NewestRun], Awaitable[RunView]],
    ) -> None:
        self._newest = newest
        self._verdicts = verdicts
        self._ask = ask
        self._watched: dict[str, _Watched] = {}
        self._asked: dict[str, int] = {}
        """By open runs, the number of the look that asked them last."""
        self._looks = 0

    async def __call__(self) -> ProjectSeen:
        """Look once."""
        self._looks += 1
        newest = await self._newest()
        await self._read_verdicts(newest)
        outage = await self._ask_open(newest)
        self._watched = {
            run.charge_point_id: self._watched[run.charge_point_id]
            for run in newest
            if run.charge_point_id in self._watched
        }
        return ProjectSeen(
            runs=tuple(watched.view for watched in self._watched.values()), outage=outage
        )

    async def _read_verdicts(self, newest: Sequence[NewestRun]) -> None:
        ended = [
            run
            for run in newest
            if not run.status.is_open
            and not (
                (watched := self._watched.get(run.charge_point_id)) is not None
                and watched.is_of(run)
                and not watched.view.status.is_open
            )
        ]
        if ended:
            views = await self._verdicts([run.commissioning_id for run in ended])
            by_run = {view.commissioning_id: view for view in views}
            for run in ended:
                if run.commissioning_id in by_run:
                    self._keep(run, by_run[run.commissioning_id])

    async def _ask_open(self, newest: Sequence[NewestRun]) -> str | None:
        """Ask those that were not asked for the longest time; give what keeps all from answering.

        One run that does not answer is told late, and holds up no other.
        """
        due = [run for run in newest if run.status.is_open and self._is_due(run)]
        asked = sorted(due, key=self._last_asked)[:_ASKED_AT_ONCE]
        of_open = {run.commissioning_id for run in newest if run.status.is_open}
        self._asked = {run: look for run, look in self._asked.items() if run in of_open}
        self._asked |= dict.fromkeys((run.commissioning_id for run in asked), self._looks)
        answers = await asyncio.gather(*(self._ask(run) for run in asked), return_exceptions=True)
        outages = []
        for run, answer in zip(asked, answers, strict=True):
            if isinstance(answer, RunView):
                self._keep(run, answer)
                continue
            if isinstance(answer, UnavailableError):
                outages.append(answer.detail)
            elif not isinstance(answer, NotFoundError):  # taken back meanwhile: the next look knows
                raise answer
        return outages[0] if asked and len(outages) == len(asked) else None

    def _is_due(self, run: NewestRun) -> bool:
        watched = self._watched.get(run.charge_point_id)
        if watched is None or not watched.is_of(run) or watched.view.waiting is None:
            return True
        rested = self._looks - self._last_asked(run) >= _LOOKS_OF_A_WAIT
        return rested or watched.wait_number != run.wait_number

    def _last_asked(self, run: NewestRun) -> int:
        return self._asked.get(run.commissioning_id, 0)

    def _keep(self, run: NewestRun, view: RunView) -> None:
        self._watched[run.charge_point_id] = _Watched(view=view, wait_number=run.wait_number)
