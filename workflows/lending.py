"""Lends charge points of a site to runs, takes them back, and takes out those that leave."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from collections.abc import Callable

    from activities.records import SiteActivities
    from domain.names import CALLED_BACK_SIGNAL, LENT_SIGNAL
    from domain.power.facts import TakeOut
    from domain.power.service import Borrow, CalledBack, Lent
    from domain.power.site_controller import SiteController
    from workflows.stations import Stations
    from workflows.temporal_calls import run_local, tell


class Lending:
    """What the site's workflow does about runs, once it has told its charge points."""

    def __init__(
        self,
        project_id: str,
        controller: SiteController,
        stations: Stations,
        *,
        look_again: Callable[[str], None],
    ) -> None:
        self._project_id = project_id
        self._controller = controller
        self._stations = stations
        self._look_again = look_again
        self._asks: dict[str, Borrow] = {}

    @property
    def is_idle(self) -> bool:
        """Whether no ask would be lost."""
        return not self._asks

    def ask(self, asked: Borrow) -> None:
        """Keep an ask until the charge point has been looked at."""
        self._asks[asked.charge_point_id] = asked

    async def take_asks(self) -> None:
        """Note what was asked. A run whose charge point is of another site is told so here."""
        asks, self._asks = self._asks, {}
        for asked in asks.values():
            if not self._controller.borrow(asked, workflow.now()):
                await tell(
                    asked.workflow_id,
                    LENT_SIGNAL,
                    Lent(commissioning_id=asked.commissioning_id, ask=asked.ask),
                )

    async def lend(self) -> None:
        """Tell runs that they have what they asked for, or that it is needed here for a moment."""
        for station in self._controller.to_lend(workflow.now()):
            service = station.service
            if service is None or self._stations.is_busy(station.charge_point_id):
                continue
            lent = Lent(commissioning_id=service.commissioning_id, ask=service.ask)
            if await tell(service.workflow_id, LENT_SIGNAL, lent):
                self._controller.lent(station.charge_point_id, service.ask)
            else:
                self._controller.take_back(station.charge_point_id, service.commissioning_id)
                self._look_again(station.charge_point_id)
        for station in self._controller.to_call_back(workflow.now()):
            service = station.service
            if service is None:
                continue
            self._controller.called_back(station.charge_point_id)
            called = CalledBack(commissioning_id=service.commissioning_id)
            if not await tell(service.workflow_id, CALLED_BACK_SIGNAL, called):
                self._controller.take_back(station.charge_point_id, service.commissioning_id)
                self._look_again(station.charge_point_id)

    async def let_go(self) -> None:
        """Take out the charge points that leave and cannot draw any more."""
        gone = [
            station.charge_point_id
            for station in self._controller.to_take_out()
            if not self._stations.is_busy(station.charge_point_id)
        ]
        for charge_point_id in gone:
            await run_local(
                SiteActivities.take_out,
                TakeOut(project_id=self._project_id, charge_point_id=charge_point_id),
                summary=f"Take out {charge_point_id}, which cannot draw any more",
            )
            self._controller.forget(charge_point_id)
            self._look_again(charge_point_id)  # it may have been brought back meanwhile
