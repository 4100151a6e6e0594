"""The handover is decided and done in one transaction."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from domain.commissioning import CompleteHandover
from domain.errors import NotFoundError
from domain.states import ChargePointStatus
from storage.engine import Database
from storage.handover import Handover
from storage.runs import Runs
from storage.tables import charge_points
from tests.support.rows import AT, one_charge_point, run_request

REQUEST = CompleteHandover(sign_off_notes="All tested.", installer_signature="J. Smith")


async def _blockers(database: Database) -> list[str]:
    async with database.write() as connection:
        result = await Handover(connection).complete("prj_1", REQUEST, at=AT)
    assert (result.completed_at is None) == bool(result.blockers)
    return [blocker.code for blocker in result.blockers]


@pytest.mark.parametrize(
    ("status", "accepted", "codes"),
    [
        (ChargePointStatus.COMMISSIONED, True, []),
        (ChargePointStatus.COMMISSIONED, False, ["owner_not_accepted"]),
        (ChargePointStatus.REGISTERED, True, ["not_commissioned"]),
        (ChargePointStatus.COMMISSIONING, True, ["commissioning_in_progress"]),
        (ChargePointStatus.COMMISSIONING_FAILED, True, ["commissioning_failed"]),
        (ChargePointStatus.REGISTERED, False, ["not_commissioned", "owner_not_accepted"]),
    ],
)
async def test_blockers(
    database: Database, status: ChargePointStatus, accepted: bool, codes: list[str]
) -> None:
    await one_charge_point(database, status=status, accepted=accepted)
    assert await _blockers(database) == codes


async def test_a_run_that_has_just_been_accepted_blocks(database: Database) -> None:
    await one_charge_point(database, status=ChargePointStatus.COMMISSIONED)
    async with database.write() as connection:
        await Runs(connection).create_starting(run_request())
    assert await _blockers(database) == ["commissioning_in_progress"]


async def test_a_project_without_charge_points_is_blocked(database: Database) -> None:
    await one_charge_point(database, status=ChargePointStatus.COMMISSIONED)
    async with database.write() as connection:
        await connection.execute(charge_points.delete())
    assert await _blockers(database) == ["no_charge_points"]


async def test_a_repeat_returns_the_first_result(database: Database) -> None:
    await one_charge_point(database, status=ChargePointStatus.COMMISSIONED)
    assert await _blockers(database) == []
    async with database.write() as connection:
        await connection.execute(
            update(charge_points).values(status=ChargePointStatus.COMMISSIONING_FAILED)
        )
        again = await Handover(connection).complete("prj_1", REQUEST, at=AT + timedelta(hours=1))
    assert again.completed_at == AT


async def test_an_unknown_project_is_not_found(database: Database) -> None:
    with pytest.raises(NotFoundError):
        async with database.write() as connection:
            await Handover(connection).complete("prj_unknown", REQUEST, at=AT)
