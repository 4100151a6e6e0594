"""A seed repeats its schedule."""

from itertools import islice

from tests.chaos.schedule import Part, make_schedule
from tests.chaos.visits import Dark, visits


def test_a_seed_repeats_the_schedule() -> None:
    assert make_schedule(7, seconds=60, chargers=5) == make_schedule(7, seconds=60, chargers=5)
    assert make_schedule(7, seconds=60, chargers=5) != make_schedule(8, seconds=60, chargers=5)


def test_every_part_is_killed_in_the_long_run() -> None:
    schedule = make_schedule(1, seconds=180, chargers=5)
    assert {kill.part for kill in schedule.kills} == set(Part)
    assert all(0 < kill.at < 180 for kill in schedule.kills)


def test_the_handover_of_a_site_is_hit() -> None:
    plain = make_schedule(7, seconds=60, chargers=5)
    schedule = make_schedule(7, seconds=60, chargers=5, site=3)
    assert schedule == make_schedule(7, seconds=60, chargers=5, site=3)
    hits = [kill for kill in schedule.kills if 0 <= kill.at - schedule.handover <= 1]
    assert len(hits) >= 2
    assert max(disturbance.charger for disturbance in schedule.disturbances) >= 5
    assert not set(plain.kills) - set(schedule.kills)


def test_a_seed_repeats_the_visits() -> None:
    first = list(islice(visits(7, 0), 50))
    assert first == list(islice(visits(7, 0), 50))
    assert first != list(islice(visits(7, 1), 50))
    assert {visit.dark for visit in first} == set(Dark)
