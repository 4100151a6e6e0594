"""The handover is decided and done in one transaction."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.checks import CheckRecord, Evidence, RunView, Step
from domain.errors import NotFoundError
from domain.facts import BootFact
from domain.handover import CompleteHandover
from domain.states import ChargePointStatus, CheckName, CheckResult, RegistrationStatus, RunStatus
from storage.catalogue import load_catalogue
from storage.charge_points import read_registered
from storage.engine import Database
from storage.fact_records import Boot
from storage.handover import Handover
from storage.models.charge_points import ChargePoint
from storage.parameters import Parameters
from storage.runs import Runs
from storage.store_facts import store_facts
from storage.verdicts import holds, stale_verdicts
from tests.support.rows import AT, one_charge_point, run_request


def passed_view(*, firmware: str) -> RunView:
    evidence: dict[CheckName, Evidence] = {
        CheckName.OCPP_HANDSHAKE: {
            "vendor": "ABB",
            "model": "Terra AC W22",
            "charge_point_serial": "SN-1",
        },
        CheckName.FIRMWARE_VERSION: {"reported": firmware},
    }
    configured = Step(
        name="configuration.HeartbeatInterval",
        result=CheckResult.PASSED,
        at=AT,
        detail="HeartbeatInterval is 30; 30 is desired.",
        evidence={"desired": "30"},
    )
    return RunView(
        commissioning_id="com_1",
        charge_point_id="cp_1",
        status=RunStatus.COMPLETED,
        started_at=AT,
        completed_at=AT,
        checks=tuple(
            CheckRecord(
                name=name,
                result=CheckResult.PASSED,
                evidence=evidence.get(name, {}),
                steps=(configured,) if name is CheckName.OCPP_HANDSHAKE else (),
            )
            for name in CheckName
        ),
    )


def boot(*, firmware: str, at: datetime) -> Boot:
    return Boot(
        charge_point_id="cp_1",
        fact=BootFact(
            boot_id=f"boot-{firmware}",
            at=at,
            vendor="ABB",
            model="Terra AC W22",
            charge_point_serial="SN-1",
            charge_box_serial=None,
            firmware_version=firmware,
            registration=RegistrationStatus.PENDING,
        ),
        payload={},
    )


REQUEST = CompleteHandover(sign_off_notes="All tested.", installer_signature="J. Smith")


async def _blockers(database: Database) -> list[str]:
    async with database.write() as connection:
        result = await Handover(connection, load_catalogue()).complete("prj_1", REQUEST, at=AT)
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


@pytest.mark.parametrize(
    ("status", "again"),
    [(ChargePointStatus.REGISTERED, "start"), (ChargePointStatus.COMMISSIONING_FAILED, "retry")],
)
async def test_a_blocker_gives_the_calls_that_end_it(
    database: Database, status: ChargePointStatus, again: str
) -> None:
    await one_charge_point(database, status=status, accepted=False)
    async with database.read() as connection:
        shown = await Handover(connection, load_catalogue()).preview("prj_1", at=AT)
    charge_point, owner = [re.findall(r"POST …(\S+\w)", one.detail) for one in shown.blockers]
    assert charge_point == [
        f"/commissioning/cp_1/{again}",
        "/charge-points/cp_1/withdraw",
        "/charge-points/cp_1/replace",
    ]
    assert owner == ["/projects/prj_1/invite-site-owner"]


async def test_a_run_that_has_just_been_accepted_blocks(database: Database) -> None:
    await one_charge_point(database, status=ChargePointStatus.COMMISSIONED)
    async with database.write() as connection:
        await Runs(connection).create_starting(run_request())
    assert await _blockers(database) == ["commissioning_in_progress"]


async def _another_firmware(connection: AsyncConnection) -> None:
    await store_facts(connection, [boot(firmware="2.0.0", at=AT + timedelta(hours=1))])


async def _another_serial(connection: AsyncConnection) -> None:
    await connection.execute(update(ChargePoint).values(serial_number="SN-2"))


async def _another_vendor(connection: AsyncConnection) -> None:
    await connection.execute(update(ChargePoint).values(vendor="Acme"))


async def _another_model(connection: AsyncConnection) -> None:
    await connection.execute(update(ChargePoint).values(model="Terra AC W11"))


async def _another_value(connection: AsyncConnection) -> None:
    later = AT + timedelta(hours=1)
    await Parameters(connection).queue("cp_1", {"HeartbeatInterval": "60"}, at=later)


async def _a_value_that_was_chosen_during_the_run(connection: AsyncConnection) -> None:
    """The run had read what to apply by then."""
    before = AT - timedelta(minutes=1)
    await Parameters(connection).queue("cp_1", {"HeartbeatInterval": "60"}, at=before)


@pytest.mark.parametrize(
    "change",
    [
        _another_firmware,
        _another_serial,
        _another_vendor,
        _another_model,
        _another_value,
        _a_value_that_was_chosen_during_the_run,
    ],
)
async def test_a_verdict_about_another_charge_point_blocks(
    database: Database, change: Callable[[AsyncConnection], Awaitable[None]]
) -> None:
    await one_charge_point(database, status=ChargePointStatus.COMMISSIONED)
    async with database.write() as connection:
        await Runs(connection).create_starting(run_request())
        await Runs(connection).begin("com_1", id_tag="A1")
        await Runs(connection).finish(passed_view(firmware="1.8.21"))
        await store_facts(connection, [boot(firmware="1.8.21", at=AT)])
        await Parameters(connection).queue("cp_1", {"HeartbeatInterval": "30"}, at=AT)
    async with database.read() as connection:
        device = await read_registered(connection, "cp_1")
        assert await stale_verdicts(connection, {"cp_1": device}) == {}
    async with database.write() as connection:
        await change(connection)
    assert await _blockers(database) == ["stale_result"]


async def test_firmware_that_is_not_approved_any_more_blocks_and_is_checked_anew(
    database: Database, tmp_path: Path
) -> None:
    """The rule alone has changed."""
    await one_charge_point(database, status=ChargePointStatus.COMMISSIONED)
    async with database.write() as connection:
        await Runs(connection).create_starting(run_request())
        await Runs(connection).begin("com_1", id_tag="A1")
        await Runs(connection).finish(passed_view(firmware="1.8.21"))
        await store_facts(connection, [boot(firmware="1.8.21", at=AT)])
    shipped = files("catalogue").joinpath("abb_terra_ac_w22.toml").read_text(encoding="utf-8")
    (tmp_path / "stricter.toml").write_text(
        shipped.replace('minimum = "1.6.6"', 'minimum = "1.9.0"'), encoding="utf-8"
    )
    stricter = load_catalogue(tmp_path)
    async with database.write() as connection:
        assert await holds(connection, ["cp_1"], load_catalogue()) == {"cp_1"}
        assert await holds(connection, ["cp_1"], stricter) == set()
        result = await Handover(connection, stricter).complete("prj_1", REQUEST, at=AT)
    (blocker,) = result.blockers
    assert blocker.code == "stale_result"
    assert "POST …/commissioning/cp_1/start" in blocker.detail
    assert "runs firmware 1.8.21, which is not approved any more" in blocker.detail
    assert await _blockers(database) == []


async def test_a_project_without_charge_points_is_blocked(database: Database) -> None:
    await one_charge_point(database, status=ChargePointStatus.COMMISSIONED)
    async with database.write() as connection:
        await connection.execute(ChargePoint.__table__.delete())
    assert await _blockers(database) == ["no_charge_points"]


async def test_a_repeat_returns_the_first_result(database: Database) -> None:
    await one_charge_point(database, status=ChargePointStatus.COMMISSIONED)
    assert await _blockers(database) == []
    async with database.write() as connection:
        await connection.execute(
            update(ChargePoint).values(status=ChargePointStatus.COMMISSIONING_FAILED)
        )
        again = await Handover(connection, load_catalogue()).complete(
            "prj_1", REQUEST, at=AT + timedelta(hours=1)
        )
    assert again.completed_at == AT


async def test_an_unknown_project_is_not_found(database: Database) -> None:
    with pytest.raises(NotFoundError):
        async with database.write() as connection:
            await Handover(connection, load_catalogue()).complete("prj_unknown", REQUEST, at=AT)
