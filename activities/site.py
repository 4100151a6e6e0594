"""Records of a site whose power is shared."""

from temporalio import activity

from domain.ports import SiteRecords
from domain.power.facts import (
    Draws,
    DrawsQuestion,
    PauseSmartCharging,
    SetElectrical,
    SetLimit,
    SiteQuestion,
    SiteSnapshot,
    StationStates,
    TakeOut,
)


class SiteActivities:
    """Activities beside the database, each safe to repeat."""

    def __init__(self, records: SiteRecords) -> None:
        self._records = records

    @activity.defn
    async def read_site(self, question: SiteQuestion) -> SiteSnapshot:
        """Read the site's limit, and what is known of its charge points."""
        return await self._records.read_site(question)

    @activity.defn
    async def read_draws(self, question: DrawsQuestion) -> Draws:
        """Read what transactions draw."""
        return await self._records.read_draws(question)

    @activity.defn
    async def take_out(self, order: TakeOut) -> None:
        """Take a charge point out of the site that cannot draw any more, if that is still asked."""
        await self._records.take_out(order)

    @activity.defn
    async def record_states(self, states: StationStates) -> None:
        """Note how far smart charging is on charge points."""
        await self._records.record_states(states)

    @activity.defn
    async def set_limit(self, change: SetLimit) -> None:
        """Note what the supply carries."""
        await self._records.set_limit(change)

    @activity.defn
    async def set_electrical(self, change: SetElectrical) -> None:
        """Note how a charge point is connected."""
        await self._records.set_electrical(change)

    @activity.defn
    async def pause_smart_charging(self, change: PauseSmartCharging) -> None:
        """Note that smart charging is paused, or not any more."""
        await self._records.pause(change)
