"""Records of a site whose power is shared."""

from typing import Protocol

from temporalio import activity

from domain.power import facts as site


class SiteActivities(Protocol):
    """Activities beside the database, each safe to repeat."""

    @activity.defn
    async def read_site(self, question: site.SiteQuestion) -> site.SiteSnapshot:
        """Read the site's limit, and what is known of its charge points."""

    @activity.defn
    async def read_draws(self, question: site.DrawsQuestion) -> site.Draws:
        """Read what transactions draw, by the newest of their meter values."""

    @activity.defn
    async def take_out(self, order: site.TakeOut) -> None:
        """Take a charge point out of the site that cannot draw any more, if that is still asked."""

    @activity.defn
    async def record_states(self, states: site.StationStates) -> None:
        """Note how far smart charging is on charge points."""

    @activity.defn
    async def set_limit(self, change: site.SetLimit) -> None:
        """Note what the supply carries."""

    @activity.defn
    async def set_electrical(self, change: site.SetElectrical) -> None:
        """Note how a charge point is connected."""

    @activity.defn(name="pause_smart_charging")
    async def pause(self, change: site.PauseSmartCharging) -> None:
        """Note that smart charging is paused, or not any more."""
