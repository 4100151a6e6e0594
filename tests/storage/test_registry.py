import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import ConflictError, NotFoundError
from domain.handover import CompleteHandover
from domain.operations import ParameterOutcome
from domain.states import ChargePointStatus, ParameterState, ProjectRole, ProjectStatus, Role
from storage.accounts import Accounts
from storage.catalogue import load_catalogue
from storage.charge_points import ChargePoint, ChargePoints, Location
from storage.engine import Database
from storage.handover import Handover
from storage.models.accounts import Account
from storage.parameters import Parameters
from storage.projects import Project, Projects

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
ACCOUNT = Account(
    id="usr_1",
    role=Role.INSTALLER,
    email="installer@acme.com",
    name="Acme",
    company=None,
    password_hash="hash",
    token_epoch=0,
    created_at=NOW,
)
PROJECT = Project(
    id="prj_1",
    installer_id="usr_1",
    name="Riverside",
    address="12 Riverside Way",
    site_owner_email="owner@riverside.com",
    status=ProjectStatus.IN_PROGRESS,
    created_at=NOW,
)
CHARGE_POINT = ChargePoint(
    id="cp_1",
    project_id="prj_1",
    serial_number="CP-SN-1",
    model="Terra AC W22",
    vendor="ABB",
    ocpp_version="1.6",
    location=Location(latitude=51.4545, longitude=-2.5879, address="Bay 3"),
    status=ChargePointStatus.REGISTERED,
    created_at=NOW,
)


@pytest.fixture
async def registry(database: Database) -> Database:
    """One installer with a project with a charge point."""
    async with database.write() as connection:
        await Accounts(connection).create(ACCOUNT)
        await Projects(connection).create(PROJECT)
        await ChargePoints(connection).register(CHARGE_POINT)
    return database


async def test_what_was_stored_is_read(registry: Database) -> None:
    async with registry.read() as connection:
        assert await Accounts(connection).get("usr_1") == ACCOUNT
        assert await Accounts(connection).by_email(Role.INSTALLER, ACCOUNT.email) == ACCOUNT
        assert await Accounts(connection).by_email(Role.SITE_OWNER, ACCOUNT.email) is None
        stored = await Projects(connection).get("prj_1", installer_id="usr_1")
        assert stored == replace(PROJECT, member_role=ProjectRole.LEAD)
        assert await ChargePoints(connection).get("cp_1", installer_id="usr_1") == CHARGE_POINT


async def test_one_account_wins_of_those_made_at_once(database: Database) -> None:
    async def create(number: int) -> bool:
        try:
            async with database.write() as connection:
                await Accounts(connection).create(
                    ACCOUNT.model_copy(update={"id": f"usr_{number}"})
                )
        except ConflictError as error:
            return error.code != "email_taken"
        return True

    assert sum(await asyncio.gather(*(create(number) for number in range(6)))) == 1


async def test_the_same_serial_number_at_once_is_registered_once(registry: Database) -> None:
    async def register(number: int) -> bool:
        try:
            async with registry.write() as connection:
                await Projects(connection).for_change("prj_1", installer_id="usr_1")
                other = replace(CHARGE_POINT, id=f"cp_new_{number}", serial_number="new")
                await ChargePoints(connection).register(other)
        except ConflictError as error:
            return error.code != "duplicate_serial"
        return True

    assert sum(await asyncio.gather(*(register(number) for number in range(6)))) == 1


async def test_somebody_elses_does_not_exist(registry: Database) -> None:
    async with registry.write() as connection:
        for lookup in (
            Projects(connection).get("prj_1", installer_id="usr_2"),
            Projects(connection).for_change("prj_1", installer_id="usr_2"),
            ChargePoints(connection).get("cp_1", installer_id="usr_2"),
            ChargePoints(connection).for_change("cp_1", installer_id="usr_2"),
        ):
            with pytest.raises(NotFoundError):
                await lookup


async def test_no_change_slips_past_a_handover(registry: Database) -> None:
    """A registration and a handover at once: whichever is second sees the first."""
    async with registry.write() as connection:
        commissioned = await ChargePoints(connection).get("cp_1", installer_id="usr_1")
        assert commissioned.status is ChargePointStatus.REGISTERED
        await ChargePoints(connection).delete("cp_1")

    async def register() -> bool:
        try:
            async with registry.write() as connection:
                await Projects(connection).for_change("prj_1", installer_id="usr_1")
                await ChargePoints(connection).register(CHARGE_POINT)
        except ConflictError:
            return False
        return True

    async def hand_over() -> bool:
        async with registry.write() as connection:
            request = CompleteHandover(sign_off_notes=None, installer_signature="J. Smith")
            result = await Handover(connection, load_catalogue()).complete("prj_1", request, at=NOW)
            return result.completed_at is not None

    registered, handed_over = await asyncio.gather(register(), hand_over())
    assert registered
    assert not handed_over  # no owner, and either no charge point or one not commissioned


async def test_a_deleted_charge_point_takes_its_parameters_along(registry: Database) -> None:
    async with registry.write() as connection:
        await Parameters(connection).queue("cp_1", {"HeartbeatInterval": "30"}, at=NOW)
        await ChargePoints(connection).delete("cp_1")
    async with registry.read() as connection:
        assert await Parameters(connection).all("cp_1") == []


class TestParameters:
    async def test_a_newer_choice_replaces_an_older_one(self, registry: Database) -> None:
        async with registry.write() as connection:
            parameters = Parameters(connection)
            await parameters.queue("cp_1", {"HeartbeatInterval": "30", "B": "1"}, at=NOW)
            await parameters.queue("cp_1", {"HeartbeatInterval": "45"}, at=NOW)
            assert await parameters.desired("cp_1") == {"B": "1", "HeartbeatInterval": "45"}

    async def test_an_outcome_of_an_older_choice_is_dropped(self, registry: Database) -> None:
        def outcome(desired: str) -> ParameterOutcome:
            return ParameterOutcome(
                key="HeartbeatInterval",
                desired=desired,
                reported=desired,
                state=ParameterState.APPLIED,
                detail="x" * 900,
            )

        async with registry.write() as connection:
            parameters = Parameters(connection)
            await parameters.queue("cp_1", {"HeartbeatInterval": "45"}, at=NOW)
            await parameters.record("cp_1", [outcome("30")], at=NOW)
            (stored,) = await parameters.all("cp_1")
            assert stored.state is ParameterState.QUEUED
            later = NOW + timedelta(minutes=1)
            await parameters.record("cp_1", [outcome("45")], at=later)
            (stored,) = await parameters.all("cp_1")
            assert (stored.state, stored.reported) == (ParameterState.APPLIED, "45")
            assert stored.updated_at == later
            assert len(stored.detail or "") == 500
