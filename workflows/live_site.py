"""A run where drivers charge beside it: either it or the site tells the charge point, never both.

See :mod:`domain.power.service`.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import asyncio
    import contextlib
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import timedelta

    from domain.checks import Waiting
    from domain.commissioning import RunRequest
    from domain.failures import FailureCode
    from domain.names import BORROW_SIGNAL, GIVEN_BACK_SIGNAL, site_workflow_id
    from domain.power.service import Borrow, GivenBack, Lent
    from domain.rules.numbers import in_words
    from domain.states import WaitingFor
    from workflows import policies
    from workflows.charge_point import NoAnswerError
    from workflows.journal import Journal
    from workflows.run import Run
    from workflows.temporal_calls import tell, wait_until
    from workflows.transactions import ask_to_stop, sessions


class Word:
    """Asks the site of a run's charge point for it, and gives it back.

    At a site that is not handed over a run has the word from the beginning, and nobody else asks.
    """

    def __init__(self, request: RunRequest) -> None:
        self._request = request
        self._has = not request.live_site
        self._asked = self._lent = self._calls = 0
        self._power = False
        self._one_at_a_time = asyncio.Lock()

    @property
    def has_it(self) -> bool:
        """Whether the run tells the charge point, and nobody else."""
        return self._has

    @property
    def has_power(self) -> bool:
        """Whether what a test charge may draw is set aside, were there anything to set aside."""
        return self._power or not self._request.live_site

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """The site tells the charge point nothing in this block; waits until that is so."""
        await workflow.wait_condition(lambda: self._has)
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1

    async def borrow(self, *, power: bool = False, patience: timedelta | None = None) -> bool:
        """Ask the site, and wait until it has nothing to tell the charge point any more.

        ``power``: and until what a test charge may draw is set aside, from then on. False when
        that was not within ``patience``; the run has the word all the same then, without power.
        """
        if not self._request.live_site:
            return True
        if power and self.has_power:
            return True
        self._power = self._power or power
        if await self._ask(patience):
            return True
        self._power = False
        await self._ask(None)
        return False

    async def called_back(self) -> None:
        """The site has something to tell: let it, as soon as what was sent is answered."""
        await self._ask(None)

    def take(self, lent: Lent) -> None:
        """The site has answered."""
        if lent.commissioning_id == self._request.commissioning_id:
            self._lent = max(self._lent, lent.ask)

    async def give_back(self) -> None:
        """The run has ended. Should the site not hear of that, it looks by itself."""
        if not self._asked:
            return
        back = GivenBack(
            charge_point_id=self._request.charge_point_id,
            commissioning_id=self._request.commissioning_id,
        )
        await tell(site_workflow_id(self._request.project_id), GIVEN_BACK_SIGNAL, back)

    async def _ask(self, patience: timedelta | None) -> bool:
        async with self._one_at_a_time:
            self._has = False
            await workflow.wait_condition(lambda: self._calls == 0)
            self._asked += 1
            ask = Borrow(
                charge_point_id=self._request.charge_point_id,
                commissioning_id=self._request.commissioning_id,
                workflow_id=workflow.info().workflow_id,
                ask=self._asked,
                power=self._power,
            )
            give_up = None if patience is None else workflow.now() + patience
            site = site_workflow_id(self._request.project_id)
            while not await tell(site, BORROW_SIGNAL, ask):
                # The reconciler starts the site's workflow anew.
                await workflow.sleep(policies.SITE_PAUSE, summary="The site is not there")
            left = None if give_up is None else max(give_up - workflow.now(), timedelta(0))
            self._has = await wait_until(
                lambda: self._lent == self._asked,
                timeout=left,
                why="Wait until the site has nothing to tell the charge point",
            )
            return self._has


async def begin(word: Word, journal: Journal) -> None:
    """Ask the site for the charge point, and say so as long as that takes."""
    if word.has_it:
        return
    waiting = Waiting(
        waiting_for=WaitingFor.TURN,
        since=workflow.now(),
        until=workflow.now() + policies.STATION_TIMEOUT,
        prompt="The power of the site is shared; the run goes on as soon as that lets go of the "
        "charge point.",
    )
    with journal.wait(waiting):
        await word.borrow()


async def with_power(run: Run, word: Word, steps: Callable[[], Awaitable[None]]) -> None:
    """Have what a test charge may draw set aside, then take the steps."""
    if not word.has_power:
        prompt = (
            "The supply has no room for a test charge beside the sessions that run. The others are "
            "lowered; the run goes on as soon as they have confirmed that."
        )
        with run.showing(WaitingFor.TURN, policies.POWER_PATIENCE, prompt):
            has_power = await word.borrow(power=True, patience=policies.POWER_PATIENCE)
        if not has_power:
            raise run.fail(FailureCode.NO_POWER, waited=in_words(policies.POWER_PATIENCE))
    await steps()


async def end_sessions(run: Run) -> None:
    """End what drivers charge there, as was asked for; it is billed as it ended."""
    for session in sessions(run):
        summary = f"End session {session.transaction_id}, as was asked for"
        with contextlib.suppress(NoAnswerError):
            await ask_to_stop(run, session.transaction_id, summary=summary)
    if sessions(run):
        await run.prompt(
            WaitingFor.END,
            lambda: not sessions(run),
            run.pace.stop,
            "Whoever charges there is to have ended: the charge point was told to stop.",
        )
