"""Which restart chosen values want, and whether the charge point was told to make it."""

from datetime import timedelta

from domain.operations import OperationName, ParameterOutcome
from domain.ownership import Claim, Owner, Release
from domain.states import ParameterState
from storage import commands
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.ownership import take
from storage.parameters import Parameters
from storage.run_records import StoredDirectory
from tests.support.rows import AT, one_charge_point

LATER = AT + timedelta(minutes=1)
_PUSH = Owner(workflow_id="configuration-cp_1", execution="1")
_RUN = Owner(workflow_id="commissioning-cp_1", execution="1")


def _directory(database: Database) -> StoredDirectory:
    return StoredDirectory(database, load_catalogue(), now=lambda: LATER)


async def _claim(database: Database) -> Claim:
    return await _directory(database).claim("cp_1", owner=_PUSH)


async def _needs_restart(database: Database, *, chosen_again: bool = False) -> None:
    outcome = ParameterOutcome(
        key="HeartbeatInterval", desired="30", reported="60", state=ParameterState.PENDING_REBOOT
    )
    async with database.write() as connection:
        parameters = Parameters(connection)
        at = LATER if chosen_again else AT
        await parameters.queue("cp_1", {"HeartbeatInterval": "30"}, at=at)
        await parameters.record("cp_1", [outcome], at=at)


async def test_values_want_their_restart_once_for_each_choice(database: Database) -> None:
    await one_charge_point(database)
    assert (await _claim(database)).restart is None
    await _needs_restart(database)
    first = (await _claim(database)).restart
    assert first is not None
    assert (first.keys, first.told_at) == (("HeartbeatInterval",), None)
    told = commands.Command(
        intent=first.intent, charge_point_id="cp_1", operation=OperationName.RESET, at=LATER
    )
    async with database.write() as connection:
        await commands.claim(connection, told)
    again = (await _claim(database)).restart  # at each connection from now on
    assert again is not None
    assert (again.intent, again.told_at) == (first.intent, LATER)
    await _needs_restart(database, chosen_again=True)
    anew = (await _claim(database)).restart
    assert anew is not None
    assert anew.intent != first.intent
    assert anew.told_at is None


async def test_a_push_leaves_a_note_beside_what_waits(database: Database) -> None:
    await one_charge_point(database)
    await _needs_restart(database)
    async with database.write() as connection:
        await Parameters(connection).queue("cp_1", {"AuthorizationCacheEnabled": "true"}, at=AT)
    await _claim(database)
    released = await _directory(database).release(
        Release(charge_point_id="cp_1", note="Waits.", restart_due=True),
        owner=_PUSH,
    )
    assert released.configuration_queued
    async with database.read() as connection:
        stored = {row.key: row.detail for row in await Parameters(connection).all("cp_1")}
    assert stored == {"HeartbeatInterval": "Waits.", "AuthorizationCacheEnabled": None}


async def test_a_charge_point_that_a_run_owns_is_left_to_it(database: Database) -> None:
    await one_charge_point(database)
    async with database.write() as connection:
        await take(connection, "cp_1", owner=_RUN, run="com_1")
    claim = await _claim(database)
    assert (claim.busy_with, claim.desired) == ("commissioning-cp_1", ())
