"""An open service visit, and nothing else, gives rights after the handover: on each database."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import Actor, AuditAction
from domain.errors import ConflictError, ForbiddenError, NotFoundError
from domain.ids import Prefix, new_id
from domain.states import ProjectRole, ProjectStatus, Role, ServiceVisitStatus
from storage.accounts import Accounts
from storage.audit import Audit
from storage.charge_points import ChargePoints
from storage.engine import Database
from storage.models.invitations import ServiceVisit as ServiceVisitRow
from storage.models.projects import Project
from storage.projects import Projects
from storage.service_visits import ServiceVisit, ServiceVisits
from tests.storage.test_registry import ACCOUNT, CHARGE_POINT, PROJECT

AT = datetime.now(UTC).replace(microsecond=0)
OWNER = ACCOUNT.model_copy(
    update={"id": "usr_owner", "role": Role.SITE_OWNER, "email": "owner@riverside.com"}
)
VISITOR = ACCOUNT.model_copy(update={"id": "usr_2", "email": "service@acme.com"})
BY = Actor(email=OWNER.email, role="site_owner", account_id=OWNER.id)
COMES = Actor(email=VISITOR.email, role="installer", account_id=VISITOR.id)
OTHER = replace(CHARGE_POINT, id="cp_2", serial_number="CP-SN-2")
VISIT = ServiceVisit(
    id=new_id(Prefix.SERVICE_VISIT),
    project_id="prj_1",
    opened_by=OWNER.id,
    opened_at=AT,
    ends_at=AT + timedelta(days=7),
    purpose="Bay 3 trips its breaker.",
    all_charge_points=False,
    email=VISITOR.email,
    invitation_id=new_id(Prefix.INVITATION),
)


@pytest.fixture
async def site(database: Database) -> Database:
    """A project of two charge points that is its owner's, and an installer who was never on it."""
    async with database.write() as connection:
        for account in (ACCOUNT, OWNER, VISITOR):
            await Accounts(connection).create(account)
        await Projects(connection).create(PROJECT)
        for charge_point in (CHARGE_POINT, OTHER):
            await ChargePoints(connection).register(charge_point)
        await connection.execute(
            update(Project).values(
                status=ProjectStatus.HANDED_OVER, handed_over_at=AT, site_owner_id=OWNER.id
            )
        )
    return database


@pytest.fixture
async def connection(site: Database) -> AsyncIterator[AsyncConnection]:
    """A unit of work, with a visit to the first charge point that is open."""
    async with site.write() as opened:
        visits = ServiceVisits(opened)
        await visits.open(VISIT, charge_point_ids=["cp_1"], by=BY)
        with pytest.raises(NotFoundError):
            await Projects(opened).get("prj_1", installer_id=VISITOR.id, by_visit=True)
        await visits.accept(VISIT.id, account_id=VISITOR.id, by=COMES, at=AT)
        yield opened


async def test_its_charge_point_is_open_for_its_installer_alone(
    connection: AsyncConnection,
) -> None:
    charge_points, of_project = ChargePoints(connection), Projects(connection)
    mine = await charge_points.for_change("cp_1", installer_id=VISITOR.id)
    assert mine == CHARGE_POINT
    project = await of_project.for_change("prj_1", installer_id=VISITOR.id, by_visit=True)
    assert (project.role, project.service_visit_id) == (ProjectRole.SERVICE, VISIT.id)
    assert not project.is_kept
    with pytest.raises(ForbiddenError):
        await of_project.get("prj_1", installer_id=VISITOR.id, even_handed_over=True)
    with pytest.raises(ConflictError):
        await of_project.for_change("prj_1", installer_id=VISITOR.id)
    with pytest.raises(ForbiddenError) as outside:
        await charge_points.get("cp_2", installer_id=VISITOR.id)
    assert outside.value.code == "outside_service_visit"
    with pytest.raises(ForbiddenError) as ended:
        await charge_points.get("cp_1", installer_id=ACCOUNT.id)
    assert ended.value.code == "project_handed_over"
    page = await charge_points.page_of_installer(
        installer_id=VISITOR.id,
        project_id=None,
        status=None,
        serial_number=None,
        before=None,
        limit=10,
    )
    assert [one.id for one in page] == ["cp_1"]
    assert sum((await of_project.counts("prj_1", visitor=VISITOR.id)).values()) == 1


async def test_what_joins_is_of_it(connection: AsyncConnection) -> None:
    added = replace(CHARGE_POINT, id="cp_3", serial_number="CP-SN-3")
    await ChargePoints(connection).register(added, visit=VISIT.id)
    assert await ChargePoints(connection).get("cp_3", installer_id=VISITOR.id) == added
    visit = await ServiceVisits(connection).get(VISIT.id)
    assert visit.charge_point_ids == ("cp_1", "cp_3")


@pytest.mark.parametrize("way", ["closed", "over"])
async def test_its_end_ends_the_rights(connection: AsyncConnection, way: str) -> None:
    """Though nobody has written down that its time is over."""
    visits = ServiceVisits(connection)
    if way == "closed":
        await visits.end(
            await visits.get(VISIT.id), ServiceVisitStatus.CLOSED, by=COMES, at=AT, unfinished=False
        )
    else:
        over = datetime.now(UTC) - timedelta(seconds=1)
        await connection.execute(update(ServiceVisitRow).values(ends_at=over))
    with pytest.raises(NotFoundError):
        await ChargePoints(connection).get("cp_1", installer_id=VISITOR.id)
    with pytest.raises(NotFoundError):
        await Projects(connection).get("prj_1", installer_id=VISITOR.id, by_visit=True)


async def test_what_its_installer_does_names_it(connection: AsyncConnection) -> None:
    audit = Audit(connection, "prj_1")
    for by in (BY, COMES):
        await audit.write(AuditAction.PHOTO_ADDED, by, target="cp_1", at=AT)
    mine, owners, *_ = await audit.page(before=None, limit=10, reader=Role.SITE_OWNER)
    assert (mine.actor, mine.service_visit_id) == (COMES, VISIT.id)
    assert (owners.actor, owners.service_visit_id) == (BY, None)
