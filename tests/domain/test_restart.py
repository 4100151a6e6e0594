"""Restarts for configuration: who would be disturbed, and which restart it is."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.facts import BootFact, ConnectorFact, Snapshot, TransactionFact
from domain.ownership import Claim, Restart, Whereabouts
from domain.rules.restart import has_restarted, occupied_by, restart_intent
from domain.states import RegistrationStatus

AT = datetime(2026, 5, 1, 9, tzinfo=UTC)
LATER = AT + timedelta(seconds=1)


def connector(number: int, status: str) -> ConnectorFact:
    return ConnectorFact(connector_id=number, status=status, error_code="NoError", at=AT)


def transaction(stopped_at: datetime | None) -> TransactionFact:
    return TransactionFact(
        transaction_id="7",
        connector_id=2,
        id_tag="T",
        started_at=AT,
        meter_start=0,
        stopped_at=stopped_at,
    )


@pytest.mark.parametrize(
    ("connectors", "transactions", "said"),
    [
        ((), (), None),
        (("Available", "Unavailable", "Faulted"), (), None),
        (("Available", "Available"), (transaction(AT),), None),
        (
            ("Available", "Available"),
            (transaction(None),),
            "transaction 7 is running on connector 2",
        ),
        (("Available", "Preparing"), (), "connector 1 reports Preparing"),
        (("Available", "Charging"), (), "connector 1 reports Charging"),
        (("Available", "SuspendedEV"), (), "connector 1 reports SuspendedEV"),
        (("Available", "Finishing"), (), "connector 1 reports Finishing"),
        (("Available", "Reserved"), (), "connector 1 reports Reserved"),
        (("Available", "Occupied"), (), "connector 1 reports Occupied"),
        (("Charging", "Available"), (), None),  # connector 0 is the station
    ],
)
def test_occupied_by(
    connectors: tuple[str, ...], transactions: tuple[TransactionFact, ...], said: str | None
) -> None:
    snapshot = Snapshot(
        connectors=tuple(connector(number, status) for number, status in enumerate(connectors)),
        transactions=transactions,
    )
    assert occupied_by(snapshot) == said


def test_a_restart_is_that_of_its_values_as_they_were_chosen() -> None:
    one, two = ("A", "1", AT), ("B", "2", AT)
    intent = restart_intent("cp_1", [one, two])
    assert intent == restart_intent("cp_1", [two, one])
    others = {
        restart_intent("cp_2", [one, two]),
        restart_intent("cp_1", [one]),
        restart_intent("cp_1", [one, ("B", "3", AT)]),
        restart_intent("cp_1", [one, ("B", "2", LATER)]),  # chosen anew
    }
    assert len(others - {intent}) == 4
    assert len(restart_intent("cp_" + "1" * 37, [one])) <= 100  # as the table of commands keeps it


@pytest.mark.parametrize(
    ("told_at", "boot_at", "keys"),
    [(None, LATER, ()), (AT, None, ()), (LATER, AT, ()), (AT, LATER, ("A",))],
)
def test_it_has_restarted_for_them_when_a_boot_came_after_it_was_told_to(
    told_at: datetime | None, boot_at: datetime | None, keys: tuple[str, ...]
) -> None:
    claim = Claim(
        busy_with=None,
        whereabouts=Whereabouts(connection=None),
        snapshot=Snapshot(boot=_boot(boot_at) if boot_at else None),
        restart=Restart(intent="i", keys=("A",), told_at=told_at),
    )
    assert claim.restarted_for == keys


def _boot(at: datetime) -> BootFact:
    return BootFact(
        boot_id="b",
        at=at,
        vendor="V",
        model="M",
        charge_point_serial=None,
        charge_box_serial=None,
        firmware_version=None,
        registration=RegistrationStatus.ACCEPTED,
    )


@pytest.mark.parametrize(
    ("boot", "connected", "reset", "restarted"),
    [
        (None, 1, None, False),
        (0, 1, None, False),  # that of before, on a link that came back
        (2, 1, None, True),
        (2, 0, None, False),  # on the same link, unasked
        (2, 0, 1, True),
        (2, 0, 0, True),
        (2, 0, 2, False),  # the boot came first
        (2, 0, -1, False),  # it was asked for before it took the value
    ],
)
def test_which_boot_is_that_of_a_restart(
    boot: int | None, connected: int, reset: int | None, *, restarted: bool
) -> None:
    """In seconds since it took the value."""

    def at(seconds: int | None) -> datetime | None:
        return None if seconds is None else AT + timedelta(seconds=seconds)

    found = has_restarted(
        AT,
        boot_at=at(boot),
        connected_at=AT + timedelta(seconds=connected),
        reset_at=at(reset),
    )
    assert found is restarted
