"""A seed repeats its schedule."""

from tests.chaos.schedule import Part, make_schedule


def test_a_seed_repeats_the_schedule() -> None:
    assert make_schedule(7, seconds=60, chargers=5) == make_schedule(7, seconds=60, chargers=5)
    assert make_schedule(7, seconds=60, chargers=5) != make_schedule(8, seconds=60, chargers=5)


def test_every_part_is_killed_in_the_long_run() -> None:
    schedule = make_schedule(1, seconds=180, chargers=5)
    assert {kill.part for kill in schedule.kills} == set(Part)
    assert all(0 < kill.at < 180 for kill in schedule.kills)
