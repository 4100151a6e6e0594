"""Rows that tests of storage and of the reconciler begin with."""

from datetime import UTC, datetime

from sqlalchemy import insert

from domain.commissioning import RunOptions, RunRequest
from domain.states import ChargePointStatus, ProjectRole, ProjectStatus
from storage.engine import Database
from storage.members import Members
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project

AT = datetime(2026, 5, 1, 10, 15, tzinfo=UTC)


def run_request(charge_point_id: str = "cp_1", *, commissioning_id: str = "com_1") -> RunRequest:
    """A run of that charge point."""
    return RunRequest(
        commissioning_id=commissioning_id,
        charge_point_id=charge_point_id,
        project_id="prj_1",
        installer_id="usr_1",
        started_by="usr_1@acme.example",
        started_at=AT,
        options=RunOptions(),
    )


async def one_charge_point(
    database: Database,
    *,
    charge_point_id: str = "cp_1",
    status: ChargePointStatus = ChargePointStatus.REGISTERED,
    accepted: bool = True,
) -> None:
    """A project of ``usr_1`` with one charge point; ``usr_2`` has accepted it, or not."""
    async with database.write() as connection:
        for account, role in (("usr_1", "installer"), ("usr_2", "site_owner")):
            await connection.execute(
                insert(Account).values(
                    id=account,
                    role=role,
                    email=f"{account}@acme.example",
                    name="A",
                    password_hash="-",
                    created_at=AT,
                )
            )
        await connection.execute(
            insert(Project).values(
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
        await Members(connection, "prj_1").put("usr_1", ProjectRole.LEAD, at=AT)
        await connection.execute(
            insert(ChargePoint).values(
                id=charge_point_id,
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
