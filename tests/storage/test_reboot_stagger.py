"""Charge points of one project restart one after the other; nobody else waits for them."""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select

from domain.ownership import RebootRequest
from domain.states import ChargePointStatus, ProjectStatus
from storage.engine import Database
from storage.models.charge_points import ChargePoint
from storage.models.configuration import RebootSlot
from storage.models.projects import Project
from storage.waiting_configuration import StoredRebootStagger
from tests.support.rows import AT, one_charge_point

STAGGER = timedelta(seconds=15)
NONE = timedelta(0)


class Clock:
    def __init__(self) -> None:
        self.now = AT

    async def __call__(self, _connection: object) -> datetime:
        return self.now


def _slots(database: Database, clock: Clock) -> StoredRebootStagger:
    return StoredRebootStagger(database, stagger=STAGGER, now=clock)


def _asks(intent: str, charge_point: str = "cp_1") -> RebootRequest:
    return RebootRequest(charge_point_id=charge_point, intent=intent)


async def test_who_is_alone_waits_for_nobody(database: Database) -> None:
    await one_charge_point(database)
    clock = Clock()
    slots = _slots(database, clock)
    assert await slots.reserve(_asks("com_1:reset:1")) == NONE
    clock.now += STAGGER
    assert await slots.reserve(_asks("com_1:reset:2")) == NONE


async def test_those_at_once_get_slots_a_stagger_apart(database: Database) -> None:
    await one_charge_point(database)
    slots = _slots(database, Clock())
    waits = await asyncio.gather(*(slots.reserve(_asks(f"com_{n}:reset:1")) for n in range(8)))
    assert sorted(waits) == [n * STAGGER for n in range(8)]


async def test_the_same_intent_has_one_slot(database: Database) -> None:
    await one_charge_point(database)
    clock = Clock()
    slots = _slots(database, clock)
    await slots.reserve(_asks("com_1:reset:1"))
    assert await slots.reserve(_asks("com_2:reset:1")) == STAGGER
    clock.now += timedelta(seconds=5)
    assert await slots.reserve(_asks("com_2:reset:1")) == STAGGER - timedelta(seconds=5)
    clock.now += STAGGER
    assert await slots.reserve(_asks("com_2:reset:1")) == NONE  # its slot has come
    assert await slots.reserve(_asks("com_3:reset:1")) == timedelta(seconds=10)


async def test_another_project_has_slots_of_its_own(database: Database) -> None:
    await one_charge_point(database)
    async with database.write() as connection:
        await connection.execute(
            insert(Project).values(
                id="prj_2",
                installer_id="usr_1",
                name="Hillside",
                address="Bath",
                site_owner_email="usr_2@acme.example",
                status=ProjectStatus.IN_PROGRESS,
                created_at=AT,
            )
        )
        await connection.execute(
            insert(ChargePoint).values(
                id="cp_2",
                project_id="prj_2",
                serial_number="SN-2",
                serial_key="sn-2",
                model="Terra AC W22",
                vendor="ABB",
                ocpp_version="1.6",
                status=ChargePointStatus.REGISTERED,
                created_at=AT,
            )
        )
    slots = _slots(database, Clock())
    assert await slots.reserve(_asks("com_1:reset:1")) == NONE
    assert await slots.reserve(_asks("com_2:reset:1", "cp_2")) == NONE


async def test_old_slots_are_forgotten(database: Database) -> None:
    await one_charge_point(database)
    clock = Clock()
    slots = _slots(database, clock)
    await slots.reserve(_asks("com_1:reset:1"))
    clock.now += timedelta(days=2)
    await slots.reserve(_asks("com_2:reset:1"))
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(RebootSlot)) == 1
