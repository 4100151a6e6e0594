"""What a workflow knows, whatever order snapshots and signals come in."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from domain.facts import (
    BootFact,
    ChargePointEvent,
    ConnectionFact,
    ConnectorFact,
    EventKind,
    Snapshot,
    TransactionFact,
)
from domain.states import RegistrationStatus
from workflows.inbox import Inbox

EPOCH = datetime(2026, 5, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def after(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def link(generation: int, second: float, *, connected: bool = True) -> ConnectionFact:
    return ConnectionFact(
        connected=connected,
        node_id=f"node_{generation}",
        generation=generation,
        ocpp_version="1.6",
        at=after(second),
    )


def boot(second: float, *, accepted: bool = False) -> BootFact:
    return BootFact(
        boot_id=f"boot_{second}",
        at=after(second),
        vendor="ABB",
        model="Terra",
        charge_point_serial="SN-1",
        charge_box_serial=None,
        firmware_version=None,
        registration=RegistrationStatus.ACCEPTED if accepted else RegistrationStatus.PENDING,
    )


def status(word: str, second: float) -> ConnectorFact:
    return ConnectorFact(connector_id=1, status=word, error_code="NoError", at=after(second))


def event(fact: ConnectionFact | BootFact | ConnectorFact) -> ChargePointEvent:
    key = f"{type(fact).__name__}-{fact.at.isoformat()}"
    match fact:
        case ConnectionFact():
            kind = EventKind.CONNECTED if fact.connected else EventKind.DISCONNECTED
            return ChargePointEvent(event_id=key, kind=kind, at=fact.at, connection=fact)
        case BootFact():
            return ChargePointEvent(event_id=key, kind=EventKind.BOOT, at=fact.at, boot=fact)
        case ConnectorFact():
            return ChargePointEvent(
                event_id=key, kind=EventKind.CONNECTOR, at=fact.at, connector=fact
            )


def inbox_of(*facts: ConnectionFact | BootFact | ConnectorFact) -> Inbox:
    inbox = Inbox()
    for fact in facts:
        inbox.receive(event(fact))
    return inbox


@pytest.mark.parametrize("links", list(permutations([link(1, 0), link(2, 5), link(3, 9)])))
def test_the_newest_connection_wins(links: Iterable[ConnectionFact]) -> None:
    assert inbox_of(*links).generation == 3


def test_a_late_end_of_an_old_connection_changes_nothing() -> None:
    assert inbox_of(link(2, 5), link(1, 6, connected=False)).connected
    assert not inbox_of(link(2, 5), link(2, 6, connected=False)).connected


@pytest.mark.parametrize("order", list(permutations(["boot", "old status", "new status"])))
def test_a_snapshot_that_overtakes_its_signals(order: Iterable[str]) -> None:
    facts: dict[str, BootFact | ConnectorFact] = {
        "boot": boot(6),
        "old status": status("Faulted", 1),
        "new status": status("Available", 7),
    }
    inbox = inbox_of(link(2, 5))
    inbox.catch_up(
        Snapshot(connection=link(2, 5), boot=boot(8), connectors=(status("Available", 9),))
    )
    for name in order:
        inbox.receive(event(facts[name]))
    assert inbox.boot == boot(8)
    assert inbox.connectors[1] == status("Available", 9)
    assert inbox.restarts(HOUR) == 0


@pytest.mark.parametrize("late", ["load", "catch_up", "connected"])
def test_a_connection_that_has_ended_does_not_come_back(late: str) -> None:
    inbox = inbox_of(link(2, 5, connected=False))
    match late:
        case "load":
            inbox.load(Snapshot(connection=link(2, 0)))
        case "catch_up":
            inbox.catch_up(Snapshot(connection=link(2, 0)))
        case "connected":
            inbox.receive(event(link(2, 0)))
    assert not inbox.connected
    inbox.receive(event(link(3, 6)))
    assert inbox.connected


def test_a_node_that_was_slow_to_say_that_it_lives() -> None:
    inbox = Inbox()
    inbox.load(Snapshot(connection=link(2, 5, connected=False)))
    inbox.catch_up(Snapshot(connection=link(2, 5)))
    assert inbox.connected


def off(generation: int, second: float) -> ConnectionFact:
    return link(generation, second, connected=False)


@pytest.mark.parametrize(
    ("facts", "restarts"),
    [
        pytest.param([link(1, 0), boot(1)], 0, id="the first boot restarts nothing"),
        pytest.param(
            [link(1, 0), boot(1), boot(11), boot(21, accepted=True)],
            0,
            id="it boots again and again in Pending",
        ),
        pytest.param(
            [link(1, 0), boot(1), off(1, 59), link(2, 500), boot(501)], 1, id="ended soon"
        ),
        pytest.param(
            [link(1, 0), boot(1), off(1, 60), link(2, 61), boot(62)], 0, id="held for a minute"
        ),
        pytest.param(
            [link(1, 0), boot(50), off(1, 70), link(2, 71), boot(72)],
            0,
            id="the connection counts, not its boot",
        ),
        pytest.param(
            [link(1, 0), boot(1), link(2, 40), boot(41)], 1, id="the end was not told, soon"
        ),
        pytest.param(
            [link(1, 0), boot(1), link(2, 90), boot(91)], 0, id="the end was not told, later"
        ),
        pytest.param(
            [link(1, 0), boot(1), link(2, 90), off(1, 9), boot(91)],
            1,
            id="the end is told by another node, late",
        ),
        pytest.param(
            [off(1, 0), link(2, 5), boot(6)], 0, id="how long the one before lived is unknown"
        ),
        pytest.param([link(1, 0), off(1, 5), link(2, 9), off(2, 12)], 0, id="it never boots"),
        pytest.param(
            [link(1, 0), boot(1, accepted=True), boot(31, accepted=True)],
            1,
            id="on the same connection, soon: behind a local proxy",
        ),
        pytest.param(
            [link(1, 0), boot(1, accepted=True), boot(99, accepted=True)],
            0,
            id="on the same connection, later",
        ),
        pytest.param(
            [link(1, 0), boot(1, accepted=True), boot(99, accepted=True), link(2, 120), boot(121)],
            1,
            id="on the next connection, soon after one on the same",
        ),
        pytest.param(
            [link(1, 0), boot(1), link(2, 5), boot(6), link(3, 9), boot(10), link(4, 99), boot(99)],
            2,
            id="two of three",
        ),
    ],
)
def test_a_restart_comes_soon_after_the_one_before(
    facts: list[ConnectionFact | BootFact], restarts: int
) -> None:
    assert inbox_of(*facts).restarts(HOUR) == restarts


def test_restarts_are_counted_back_from_the_newest() -> None:
    inbox = inbox_of(link(1, 0), boot(1), link(2, 5), boot(6), link(3, 9), boot(10))
    assert inbox.restarts(HOUR) == 2
    assert inbox.restarts(timedelta(seconds=3)) == 1


def test_an_accepted_one_that_boots_again_was_not_asked_to() -> None:
    """Behind a local proxy a restart need not break the connection."""
    assert inbox_of(link(1, 0), boot(1, accepted=True), boot(31, accepted=True)).unasked_boots == 1
    assert inbox_of(link(1, 0), boot(1), boot(31, accepted=True)).unasked_boots == 0


def reconnects(first: int, count: int, *addresses: str) -> list[ConnectionFact | BootFact]:
    """Give connections from these addresses in turn, a second apart, each with its boot."""
    return [
        fact
        for number in range(first, first + count)
        for fact in (
            replace(link(number, number), remote_address=addresses[number % len(addresses)]),
            boot(number + 0.5),
        )
    ]


def test_the_reconnects_of_a_stranger_are_no_restarts_of_the_charge_point() -> None:
    inbox = inbox_of(*reconnects(1, 1, "192.0.2.1"), *reconnects(2, 26, "198.51.100.9"))
    assert inbox.restarts(HOUR) == 0
    in_turn = inbox_of(*reconnects(1, 26, "192.0.2.1", "198.51.100.9"))
    assert in_turn.restarts(HOUR) == 0


def test_a_charge_point_restarts_at_its_address_or_at_a_new_one_each_time() -> None:
    assert inbox_of(*reconnects(1, 7, "192.0.2.1")).restarts(HOUR) == 6
    changing = [f"100.64.0.{number}" for number in range(7)]
    assert inbox_of(*reconnects(1, 7, *changing)).restarts(HOUR) == 6


def test_a_boot_of_before_the_watch_is_no_restart() -> None:
    inbox = Inbox()
    inbox.load(Snapshot(connection=link(1, 0), boot=boot(1)))
    inbox.receive(event(boot(11)))
    assert inbox.restarts(HOUR) == 0
    assert inbox.boot_generation == 1


def test_a_fault_is_kept_until_it_is_cleared_and_a_mended_one_is_forgotten() -> None:
    inbox = Inbox()
    inbox.receive(event(status("Faulted", 1)))
    inbox.faults.clear()
    inbox.catch_up(Snapshot(connectors=(status("Faulted", 1),)))
    assert inbox.faults == {}
    inbox.receive(event(status("Faulted", 2)))
    inbox.receive(event(status("Preparing", 3)))
    assert inbox.faults == {1: status("Faulted", 2)}
    inbox.forget_cleared_faults()
    assert inbox.faults == {}
    inbox.receive(event(status("Faulted", 4)))
    inbox.forget_cleared_faults()
    assert inbox.faults == {1: status("Faulted", 4)}


def test_what_was_meant_for_the_run_before_says_nothing() -> None:
    """Its workflow had the same id: what Temporal was told late comes to the next."""
    inbox = Inbox("com_2")
    late = ChargePointEvent(
        event_id="late", kind=EventKind.FIRMWARE_STATUS, at=EPOCH, status="InstallationFailed"
    )
    inbox.receive(replace(late, commissioning_id="com_1"))
    assert inbox.firmware_statuses == []
    inbox.receive(replace(late, commissioning_id="com_2"))
    assert inbox.firmware_statuses == ["InstallationFailed"]


def test_a_late_word_of_an_old_heartbeat_hides_no_newer_one() -> None:
    inbox = Inbox()
    inbox.catch_up(Snapshot(connection=link(1, 0), last_heartbeat_at=after(9)))
    inbox.receive(ChargePointEvent(event_id="1", kind=EventKind.HEARTBEAT, at=after(3)))
    assert inbox.heartbeat_at == after(9)


def test_a_boot_that_was_asked_for_is_no_restart() -> None:
    inbox = inbox_of(link(1, 0), boot(1, accepted=True))
    inbox.expect_boot(asked=True)
    inbox.receive(event(boot(11, accepted=True)))
    assert (inbox.restarts(HOUR), inbox.unasked_boots) == (0, 0)
    inbox.receive(event(boot(21, accepted=True)))  # one answer to one question
    assert (inbox.restarts(HOUR), inbox.unasked_boots) == (1, 1)


def test_what_was_asked_for_on_an_earlier_connection_excuses_no_boot() -> None:
    inbox = inbox_of(link(1, 0), boot(1, accepted=True))
    inbox.expect_boot(asked=True)
    for fact in (link(2, 5), boot(6, accepted=True)):
        inbox.receive(event(fact))
    assert inbox.restarts(HOUR) == 1


@pytest.mark.parametrize(("fault_at", "is_kept"), [(9, False), (11, True)])
def test_a_fault_that_is_mended_is_forgotten_if_it_came_before_the_start(
    fault_at: float, *, is_kept: bool
) -> None:
    """One right behind the start, and its end, may be known before anybody looks."""
    start = ChargePointEvent(
        event_id="start",
        kind=EventKind.TRANSACTION_STARTED,
        at=after(10),
        transaction=TransactionFact(
            transaction_id="7", connector_id=1, id_tag="T", started_at=after(10), meter_start=0
        ),
    )
    fault = ConnectorFact(
        connector_id=1, status="Charging", error_code="GroundFailure", at=after(fault_at)
    )
    inbox = Inbox()
    for told in sorted([event(fault), start], key=lambda one: one.at):
        inbox.receive(told)
    inbox.receive(event(status("Charging", 12)))
    inbox.forget_cleared_faults(before_start_of="7")
    assert (inbox.faults == {1: fault}) is is_kept
