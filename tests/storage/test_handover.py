"""The handover is decided and done in one transaction."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from domain.commissioning import CompleteHandover, RunOptions, RunRequest
from domain.errors import NotFoundError
from domain.states import ChargePointStatus, ProjectStatus
from storage.engine import Database
from storage.handover import Handover
from storage.runs import Runs
from storage.tables import accounts, charge_points, projects

AT = datetime(2026, 5, 1, 10, 15, tzinfo=UTC)
REQUEST = CompleteHandover(sign_off_notes="All tested.", installer_signature="J. Smith")


async def _stage(database: Database, *, status: ChargePointStatus, accepted: bool = True) -> None:
    async with database.write() as connection:
        for account, role in (("usr_1", "installer"), ("usr_2", "site_owner")):
            await connection.execute(
                insert(accounts).values(
                    id=account,
                    role=role,
                    email=f"{account}@acme.example",
                    name="A",
                    password_hash="-",
                    created_at=AT,
                )
            )
        await connection.execute(
            insert(projects).values(
                id="prj_1",
                installer_id="usr_1",
                name="Riverside",
                address="Bristol",
                site_owner_email="usr_2@acme.example",
                site_owner_id="usr_2" if accepted else None,
                status=ProjectStatus.IN_PROGRESS,
                created_at=AT,
            )
        )
        await connection.execute(
            insert(charge_points).values(
                id="cp_1",
                project_id="prj_1",
                serial_number="SN-1",
                serial_key="sn-1",
                model="Terra AC W22",
                vendor="ABB",
                ocpp_version="1.6",
                status=status,
                created_at=AT,
            )
        )


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
    await _stage(database, status=status, accepted=accepted)
    assert await _blockers(database) == codes


async def test_a_run_that_has_just_been_accepted_blocks(database: Database) -> None:
    await _stage(database, status=ChargePointStatus.COMMISSIONED)
    async with database.write() as connection:
        await Runs(connection).create_starting(
            RunRequest(
                commissioning_id="com_1",
                charge_point_id="cp_1",
                project_id="prj_1",
                installer_id="usr_1",
                started_by="usr_1@acme.example",
                started_at=AT,
                options=RunOptions(),
            )
        )
    assert await _blockers(database) == ["commissioning_in_progress"]


async def test_a_project_without_charge_points_is_blocked(database: Database) -> None:
    await _stage(database, status=ChargePointStatus.COMMISSIONED)
    async with database.write() as connection:
        await connection.execute(charge_points.delete())
    assert await _blockers(database) == ["no_charge_points"]


async def test_a_repeat_returns_the_first_result(database: Database) -> None:
    await _stage(database, status=ChargePointStatus.COMMISSIONED)
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
