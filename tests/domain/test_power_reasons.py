"""Why each has what it has, as its owner is told."""

from datetime import timedelta

from domain.power.facts import BayLoad, SiteLoad, StationLoad
from domain.power.loads import site_load
from domain.power.reasons import Reason
from domain.power.site import SiteLimit
from tests.domain.power_site import Site, facts

_LATER = timedelta(minutes=3)


def _load(site: Site) -> SiteLoad:
    return site_load(site.controller, site.now + _LATER)


def _bays(site: Site) -> dict[str, BayLoad]:
    return {bay.charge_point_id: bay for bay in _load(site).bays}


def _stations(site: Site) -> dict[str, StationLoad]:
    return {one.charge_point_id: one for one in _load(site).stations}


def test_who_shares_and_who_waits() -> None:
    site = Site(*(facts(f"cp_{number}") for number in range(4)), amps=13)
    assert {one.reason for one in _stations(site).values()} == {Reason.STARTS_AT_ZERO}
    for number in range(3):
        site.begin(f"cp_{number}", 1, number + 1)
    bays = _bays(site)
    assert [bays[one].reason for one in sorted(bays)] == [
        Reason.SHARE,
        Reason.SHARE,
        Reason.WAITS,
    ]
    assert {bay.as_of for bay in bays.values()} == {site.now}
    assert _load(site).as_of == site.now + _LATER
    assert "waits for its turn" in Reason.WAITS.sentence


def test_nobody_is_told_that_nobody_charges_where_somebody_does() -> None:
    site = Site(facts("cp_a"), facts("cp_b"), amps=40)
    site.begin("cp_a", 1, 1)
    stations = _stations(site)
    assert stations["cp_a"].reason is Reason.ALL_OF_ITS_CABLE
    assert stations["cp_b"].reason is Reason.STARTS_AT_ZERO


def test_who_has_no_limit_and_who_has_all_of_its_cable() -> None:
    site = Site(facts("cp_a"), amps=None)
    site.begin("cp_a", 1, 1)
    assert _bays(site)["cp_a"].reason is Reason.NOTHING_LIMITS_IT
    site = Site(facts("cp_a"), facts("cp_b"), amps=40)
    site.begin("cp_a", 1, 1)
    assert _bays(site)["cp_a"].reason is Reason.ALL_OF_ITS_CABLE


def test_who_refuses_and_who_cannot_be_paused() -> None:
    site = Site(
        facts("cp_a"),
        facts("cp_b"),
        facts("cp_c"),
        amps=50,
        refusing=frozenset({"cp_a"}),
        needs_minimum=frozenset({"cp_b"}),
    )
    stations = _stations(site)
    assert stations["cp_a"].reason is Reason.REFUSED_LIMITS
    assert (stations["cp_a"].bound_amps, stations["cp_a"].kept_amps) == (32, 32)
    assert stations["cp_b"].reason is Reason.OWN_MINIMUM
    assert (stations["cp_b"].bound_amps, stations["cp_b"].kept_amps) == (6, 6)
    site.begin("cp_b", 1, 1)
    site.begin("cp_c", 1, 2)
    assert _bays(site)["cp_c"].reason is Reason.SHARE
    site.controller.limit = SiteLimit(amps=20)
    site.settle()
    assert _stations(site)["cp_a"].reason is Reason.INOPERATIVE


def test_who_is_paused() -> None:
    site = Site(facts("cp_a"), amps=20)
    site.controller.paused = True
    assert _stations(site)["cp_a"].reason is Reason.PAUSED


def test_every_reason_has_a_sentence() -> None:
    assert all(reason.sentence.endswith(".") for reason in Reason)
