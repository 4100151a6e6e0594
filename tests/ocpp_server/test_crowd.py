"""Those who wait, by where they come from."""

from ocpp_server.queues import Crowd


def test_a_crowd_goes_in_turn_by_where_they_come_from() -> None:
    crowd: Crowd[int] = Crowd(10)
    for one in range(6):
        crowd.add(one, "many")
    crowd.add(6, "few")
    assert [crowd.next() for _ in range(3)] == [0, 6, 1]
    assert list(crowd) == [2, 3, 4, 5]


def test_a_crowd_loses_the_oldest_of_the_largest() -> None:
    crowd: Crowd[str] = Crowd(4)
    assert [crowd.add(f"a{number}", "a") for number in range(4)] == [None] * 4
    assert [crowd.add(f"b{number}", "b") for number in range(4)] == ["a0", "a1", "b0", "b1"]
    crowd.remove("b2")
    crowd.remove("nobody")
    assert list(crowd) == ["a2", "a3", "b3"]
