"""The company that did the work of a project, as it was declared."""

from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.contractors import Contractor
from storage.models.accounts import Account
from storage.models.projects import Project
from storage.rows import Rows

_CONTRACTOR: Final = TypeAdapter(Contractor)


async def declare_contractor(
    connection: AsyncConnection, project_id: str, contractor: Contractor | None
) -> None:
    """Store it; None: it is the company of the account again."""
    document = None if contractor is None else _CONTRACTOR.dump_python(contractor, mode="json")
    await Rows(connection).at(Project, project_id).set(contractor=document)


async def declared_contractor(connection: AsyncConnection, project_id: str) -> Contractor | None:
    """Return what was declared, if anything was."""
    return read_contractor(await Rows(connection).value(col(Project.contractor), project_id))


async def company_of_account(connection: AsyncConnection, project_id: str) -> str:
    """Return the company, or the name, of the account that has made the project."""
    company: str = (
        await connection.execute(
            select(func.coalesce(col(Account.company), col(Account.name)))
            .join(Project, col(Account.id) == col(Project.installer_id))
            .where(col(Project.id) == project_id)
        )
    ).scalar_one()
    return company


def read_contractor(document: Any) -> Contractor | None:
    """Read it from the column of a project."""
    return None if document is None else _CONTRACTOR.validate_python(document)
