"""The site as it stands, for people: who may draw what, why, and since when that is known."""

from datetime import datetime

from domain.power.facts import BayLoad, SiteLoad, StationLoad
from domain.power.plan import Outlet, load
from domain.power.reasons import reason_of
from domain.power.site_controller import SiteController
from domain.power.state import Station


def site_load(controller: SiteController, now: datetime) -> SiteLoad:
    """Tell it from the state of the site."""
    standing, outlets = controller.standings(), controller.outlets()
    return SiteLoad(
        limit=controller.limit,
        paused=controller.paused,
        bound_amps=max(
            (amps for circuit, amps in load(outlets).items() if circuit in controller.limit.supply),
            default=0.0,
        ),
        bays=tuple(
            BayLoad(
                charge_point_id=bay.key[0],
                connector_id=bay.key[1],
                transaction_id=bay.transaction_id,
                allotted_amps=bay.granted,
                bound_amps=bay.bound,
                idle=bay.idle,
                reason=reason_of(
                    controller.stations[bay.key[0]],
                    standing[bay.key[0]],
                    bay,
                    paused=controller.paused,
                ),
                as_of=bay.confirmed_at or bay.since,
            )
            for bay in controller.bays.values()
        ),
        stations=tuple(
            _station_load(
                controller,
                station,
                [outlet for outlet in outlets if outlet.bay[0] == station.charge_point_id],
            )
            for station in controller.stations.values()
        ),
        as_of=now,
    )


def _station_load(
    controller: SiteController, station: Station, outlets: list[Outlet]
) -> StationLoad:
    idle = [outlet for outlet in outlets if outlet.bay not in controller.bays]
    taken = [controller.bays[outlet.bay] for outlet in outlets if outlet.bay in controller.bays]
    return StationLoad(
        charge_point_id=station.charge_point_id,
        bound_amps=min(sum(outlet.bound for outlet in outlets), float(station.max_amps)),
        kept_amps=min(sum(outlet.bound for outlet in idle), float(station.max_amps)),
        reason=reason_of(
            station,
            controller.standings()[station.charge_point_id],
            taken[0] if taken and not idle else None,
            paused=controller.paused,
        ),
        as_of=station.confirmed_at,
    )
