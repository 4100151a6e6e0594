"""A site that a run borrows its charge point from: a workflow that lends, or has no room."""

from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.names import BORROW_SIGNAL, GIVEN_BACK_SIGNAL, LENT_SIGNAL
    from domain.power.service import Borrow, GivenBack, Lent


@dataclass(frozen=True, kw_only=True)
class Supply:
    """``room``: for a test charge; ``lends``: anything at all."""

    room: bool = True
    lends: bool = True


@workflow.defn
class SupplyWorkflow:
    """Lends each ask at once, as far as it lends at all; ends when it is given back."""

    @workflow.init
    def __init__(self, supply: Supply) -> None:
        self._supply = supply
        self._asks: list[Borrow] = []
        self._answered = 0
        self._back = False

    @workflow.run
    async def run(self, supply: Supply) -> list[Borrow]:
        """Answer what is asked."""
        while not self._back:
            await workflow.wait_condition(lambda: self._back or len(self._asks) > self._answered)
            for asked in self._asks[self._answered :]:
                self._answered += 1
                if supply.lends and (supply.room or not asked.power):
                    await workflow.get_external_workflow_handle(asked.workflow_id).signal(
                        LENT_SIGNAL, Lent(commissioning_id=asked.commissioning_id, ask=asked.ask)
                    )
        return self._asks

    @workflow.signal(name=BORROW_SIGNAL)
    def borrow(self, asked: Borrow) -> None:
        self._asks.append(asked)

    @workflow.signal(name=GIVEN_BACK_SIGNAL)
    def given_back(self, _back: GivenBack) -> None:
        self._back = True

    @workflow.query
    def asks(self) -> list[Borrow]:
        return self._asks
