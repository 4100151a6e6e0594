"""Who may stay of two that speak as one charge point."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.contests import (
    MOST_LINKS,
    Contest,
    Link,
    Meeting,
    Present,
    Refused,
    looked,
    meet,
    read,
    stored,
)

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
OLD, NEW, THIRD = "192.0.2.1", "198.51.100.1", "203.0.113.1"
ALONE = Meeting()


def link(generation: int, address: str | None, *, answered: bool | None = None) -> Link:
    return Link(
        generation=generation,
        node_id="node_a",
        remote_address=address,
        connected_at=NOW + timedelta(seconds=generation),
        answered=answered,
    )


PRESENT = Present(link=link(1, OLD))
NEWCOMER = link(2, NEW)


def begun() -> Contest:
    contest = meet(NEWCOMER, PRESENT, alive={1}).contest
    assert contest is not None
    return contest


def in_contest(contest: Contest | None = None) -> Present:
    return Present(link=NEWCOMER, contest=contest or begun())


def test_nobody_is_there() -> None:
    assert meet(NEWCOMER, Present()) == ALONE


def test_from_the_same_address_the_newcomer_wins_at_once() -> None:
    assert meet(link(2, OLD), PRESENT, alive={1}) == ALONE


def test_a_silent_one_is_replaced() -> None:
    assert meet(NEWCOMER, PRESENT, gone={1}) == ALONE


def test_who_has_the_key_wins_and_ends_a_contest() -> None:
    assert meet(NEWCOMER, PRESENT, alive={1}, has_key=True) == ALONE
    assert meet(link(3, THIRD), in_contest(), alive={1, 2}, has_key=True) == ALONE


def test_both_alive_are_in_a_contest() -> None:
    contest = begun()
    assert [one.remote_address for one in contest.links] == [OLD, NEW]
    assert contest.confirmed_at == contest.since == NEWCOMER.connected_at
    assert f"{OLD} and {NEW}" in contest.cause
    assert "second charge point" in contest.cause


def test_one_that_cannot_be_asked_here_is_asked_where_it_is() -> None:
    contest = meet(NEWCOMER, PRESENT).contest
    assert contest is not None
    assert contest.confirmed_at is None
    silent = looked(contest, alive=(), gone={1}, at=NOW)
    assert [one.generation for one in silent.links] == [2]
    assert looked(contest, alive={1}, gone=(), at=NOW).confirmed_at == NOW
    assert looked(contest, alive=(), gone=(), at=NOW) == contest


@pytest.mark.parametrize("gone", [(), (1,), (1, 2)])
def test_what_has_begun_is_ended_by_a_person_alone(gone: tuple[int, ...]) -> None:
    after = meet(link(3, NEW), in_contest(), gone=gone).contest
    assert after is not None
    assert [one.generations for one in after.links] == [(1,), (2, 3)]
    assert after.confirmed_at == begun().confirmed_at
    found = looked(after, alive=(), gone=gone, at=NOW)
    assert found.confirmed_at == after.confirmed_at
    assert [one.answered is False for one in found.links] == [1 in gone, False]
    assert looked(found, alive=(), gone=gone, at=NOW) == found


class TestThereIsRoomForFew:
    @staticmethod
    def crowded() -> Present:
        contest: Contest | None = begun()
        for number in range(3, MOST_LINKS + 1):
            contest = meet(link(number, f"10.0.0.{number}"), in_contest(contest)).contest
        present = in_contest(contest)
        assert len(present.links) == MOST_LINKS
        return present

    @staticmethod
    def joined(newcomer: Link, present: Present, gone: tuple[int, ...] = ()) -> list[int]:
        contest = meet(newcomer, present, gone=gone).contest
        assert contest is not None
        return [one.generation for one in contest.links]

    def test_who_has_gone_makes_it(self) -> None:
        assert self.joined(link(9, THIRD), self.crowded(), gone=(3,)) == [1, 2, 4, 9]

    def test_or_the_one_that_came_last(self) -> None:
        assert self.joined(link(9, THIRD), self.crowded()) == [1, 2, 3, 9]

    def test_who_connects_anew_has_not_come_last(self) -> None:
        contest = meet(link(8, NEW), self.crowded()).contest
        assert self.joined(link(9, THIRD), in_contest(contest)) == [1, 3, 8, 9]

    def test_but_not_the_one_that_was_there_before_the_contest(self) -> None:
        assert self.joined(link(9, THIRD), self.crowded(), gone=(1,)) == [1, 2, 3, 9]
        assert self.joined(link(9, OLD), self.crowded(), gone=(1,)) == [2, 3, 4, 9]
        assert self.joined(link(9, THIRD), self.crowded(), gone=(1, 2, 3, 4)) == [1, 2, 3, 9]

    def test_nor_the_one_that_a_person_has_decided_for(self) -> None:
        decided = replace(self.crowded(), kept="10.0.0.4", decided=True)
        assert self.joined(link(9, THIRD), decided, gone=(4,)) == [1, 2, 4, 9]

    def test_of_strangers_one_address_has_one_place(self) -> None:
        present = self.crowded()
        for number in range(9, 20):
            contest = meet(link(number, THIRD), present).contest
            assert contest is not None
            assert [one.remote_address for one in contest.links] == [OLD, NEW, "10.0.0.3", THIRD]
            present = in_contest(contest)


class TestOnceDecided:
    KEPT = replace(PRESENT, kept=OLD, decided=True)

    def test_another_is_sent_away_while_the_kept_one_lives(self) -> None:
        assert meet(NEWCOMER, self.KEPT, alive={1}).refused is Refused.ANOTHER_IS_KEPT
        assert meet(NEWCOMER, self.KEPT, gone={1}) == ALONE

    def test_the_kept_one_wins_at_once_when_it_comes_back(self) -> None:
        there = replace(self.KEPT, link=link(5, NEW))
        assert meet(link(6, OLD), there, alive={5}) == ALONE

    def test_that_another_has_moved_in_since_is_a_matter_of_its_own(self) -> None:
        there = replace(self.KEPT, link=link(5, NEW))
        assert meet(link(6, THIRD), there, alive={5}).contest is not None


def test_it_is_written_down_and_read_back() -> None:
    contest = replace(begun(), links=(link(1, None, answered=False), NEWCOMER))
    rows = stored(contest)
    assert read(rows, since=contest.since, confirmed_at=contest.confirmed_at) == contest
    assert read(None, since=None, confirmed_at=None) is None
