"""The company that did the work of a project, as it was declared."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.contractors import Contractor
from storage.models.accounts import Account
from storage.models.projects import Project
from storage.rows import Rows


async def declare_contractor(
    connection: AsyncConnection, project_id: str, contractor: Contractor | None
) -> None:
    """Store it; None: it is the company of the account again."""
    await Rows(connection).at(Project, project_id).set(contractor=contractor)


async def declared_contractor(connection: AsyncConnection, project_id: str) -> Contractor | None:
    """Return what was declared, if anything was."""
    return await Rows(connection).value(col(Project.contractor), project_id)


async def company_of_account(connection: AsyncConnection, project_id: str) -> str:
    """Return the company, or the name, of the account that has made the project."""
    company = func.coalesce(col(Account.company), col(Account.name))
    of_maker = select(company).join(Project, col(Account.id) == col(Project.installer_id))
    (found,) = await Rows(connection).one(of_maker.where(col(Project.id) == project_id))
    return found
