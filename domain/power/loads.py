"""The site as it stands, for people: who may draw what, why, and since when that is known."""

from datetime import datetime

from domain.power.facts import BayLoad, SiteLoad, StationLoad
from domain.power.ledger import Ledger
from domain.power.plan import Outlet, load
from domain.power.reasons import reason_of
from domain.power.state import Station


def site_load(ledger: Ledger, now: datetime) -> SiteLoad:
    """Tell it from the book."""
    standing, outlets = ledger.standings(), ledger.outlets()
    return SiteLoad(
        limit=ledger.limit,
        paused=ledger.paused,
        bound_amps=max(
            (amps for circuit, amps in load(outlets).items() if circuit in ledger.limit.supply),
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
                    ledger.stations[bay.key[0]],
                    standing[bay.key[0]],
                    bay,
                    paused=ledger.paused,
                ),
                as_of=bay.confirmed_at or bay.since,
            )
            for bay in ledger.bays.values()
        ),
        stations=tuple(
            _station_load(
                ledger,
                station,
                [outlet for outlet in outlets if outlet.bay[0] == station.charge_point_id],
            )
            for station in ledger.stations.values()
        ),
        as_of=now,
    )


def _station_load(ledger: Ledger, station: Station, outlets: list[Outlet]) -> StationLoad:
    idle = [outlet for outlet in outlets if outlet.bay not in ledger.bays]
    taken = [ledger.bays[outlet.bay] for outlet in outlets if outlet.bay in ledger.bays]
    return StationLoad(
        charge_point_id=station.charge_point_id,
        bound_amps=min(sum(outlet.bound for outlet in outlets), float(station.max_amps)),
        kept_amps=min(sum(outlet.bound for outlet in idle), float(station.max_amps)),
        reason=reason_of(
            station,
            ledger.standings()[station.charge_point_id],
            taken[0] if taken and not idle else None,
            paused=ledger.paused,
        ),
        as_of=station.confirmed_at,
    )
