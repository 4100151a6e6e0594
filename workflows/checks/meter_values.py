"""Meter values of the test charge: awaited where they come by themselves, else asked for."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from datetime import timedelta

    from domain.facts import MeterFact, TransactionFact
    from domain.operations import TriggerKind
    from domain.rules.numbers import in_words
    from domain.rules.registers import has_counted
    from domain.rules.sampling import worth_waiting_for
    from domain.states import WaitingFor
    from workflows import policies
    from workflows.run import Run


async def collect(run: Run, started: TransactionFact) -> None:
    """Charge until the register has moved and enough samples came, within bounds."""
    await _Collection(run, started).until_it_is_enough()


class _Collection:
    """The wait for the readings of one transaction."""

    def __init__(self, run: Run, started: TransactionFact) -> None:
        self._run = run
        self._transaction = started
        self._began = workflow.now()
        self._awaited = worth_waiting_for(
            run.readings_every, margin=run.pace.meter, at_most=run.pace.charge_at_most / 2
        )
        seldom = self._awaited is not None and self._awaited > policies.METER_SELDOM
        self._wanted = policies.METER_EVENTS_OF_FEW if seldom else policies.METER_EVENTS_WANTED

    async def until_it_is_enough(self) -> None:
        """Wait for the readings that come by themselves, and ask for those that do not."""
        run = self._run
        with run.showing(WaitingFor.METER, run.pace.charge_at_most, self._prompt()):
            if run.readings_every is not None and self._awaited is None:
                await self._ask()  # none comes by itself, or too late
            patience = self._awaited or run.pace.meter
            while not self._is_over():
                heard = len(self._events())
                if heard >= self._wanted:
                    # A stuck register: asked ever more seldom, so that its history stays small.
                    longest = max(policies.METER_PATIENCE * run.pace.meter, patience)
                    patience = min(2 * patience, longest)
                came = await run.wait(
                    lambda heard=heard: self._has_ended() or len(self._events()) > heard,  # type: ignore[misc]
                    min(patience, self._left()),
                    why="Wait for meter values",
                )
                if not came and not self._is_over():
                    await self._ask()
                    patience = run.pace.meter  # what it is said to send by itself does not come

    async def _ask(self) -> None:
        await self._run.trigger(TriggerKind.METER_VALUES, self._transaction.connector_id)

    def _prompt(self) -> str:
        every = self._run.readings_every
        if self._awaited is not None and every is not None:
            readings = (
                f"It waits for the next reading, which the charge point sends every "
                f"{in_words(every)}."
            )
        elif every is None:
            readings = ""
        elif every:
            readings = (
                f"The charge point sends a reading every {in_words(every)} only, so it is asked "
                "for them."
            )
        else:
            readings = "The charge point sends no readings by itself, so it is asked for them."
        return (
            f"The test charge on connector {self._transaction.connector_id} goes on until its "
            f"meter has counted. Leave the vehicle or the tester plugged in. {readings}"
        ).strip()

    def _events(self) -> list[MeterFact]:
        return [one for one in self._run.inbox.meter_values if self._is_mine(one)]

    def _is_mine(self, event: MeterFact) -> bool:
        if event.transaction_id is None:
            return event.connector_id == self._transaction.connector_id
        return event.transaction_id == self._transaction.transaction_id

    def _is_over(self) -> bool:
        return self._has_ended() or self._is_enough() or self._left() <= timedelta()

    def _has_ended(self) -> bool:
        of_it = {0, self._transaction.connector_id}
        stopped = self._run.inbox.has_ended(self._transaction.transaction_id)
        return stopped or not self._run.inbox.faults.keys().isdisjoint(of_it)

    def _is_enough(self) -> bool:
        events = self._events()
        return (
            len(events) >= self._wanted
            and has_counted([one.energy_wh for one in events if one.energy_wh is not None])
            and workflow.now() - self._began >= self._run.pace.charge_at_least
        )

    def _left(self) -> timedelta:
        return self._began + self._run.pace.charge_at_most - workflow.now()
