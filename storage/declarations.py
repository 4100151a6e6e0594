"""What installers declare: of a charge point fields and photos, of a project who did the work."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.contractors import Contractor
from domain.declarations import Declaration, Declared, PhotoFact
from storage.dialects import among
from storage.models.accounts import Account
from storage.models.documents import Declaration as DeclarationRow
from storage.models.documents import Photo
from storage.models.projects import Project
from storage.read_models import read_model
from storage.rows import Repository, Rows, columns_of

_DECLARED = TypeAdapter(Declared)
_fact = read_model(PhotoFact)


class Declarations(Repository):
    """Repository of declarations; a new one replaces the one before."""

    async def put(self, charge_point_id: str, declaration: Declaration) -> None:
        """Store what is declared now."""
        await self._rows.put(
            DeclarationRow,
            charge_point_id=charge_point_id,
            declared=as_document(declaration.declared),
            declared_by=declaration.by,
            declared_at=declaration.at,
        )

    async def of(self, charge_points: Sequence[str]) -> Mapping[str, Declaration]:
        """Return what is declared of these charge points, by their ids."""
        rows = await self._connection.execute(
            select(DeclarationRow.__table__).where(
                among(self._connection, col(DeclarationRow.charge_point_id), charge_points)
            )
        )
        return {
            row.charge_point_id: Declaration(
                declared=_DECLARED.validate_python(row.declared),
                by=row.declared_by,
                at=row.declared_at,
            )
            for row in rows
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPhoto:
    """A photo to be stored: what is known of it, and its two JPEG files."""

    fact: PhotoFact
    picture: bytes
    thumbnail: bytes


class Photos(Repository):
    """Repository of photos."""

    async def add(self, charge_point_id: str, photo: NewPhoto) -> PhotoFact:
        """Store a photo; the same picture again is the one that is there."""
        fact = photo.fact
        pictures = {"picture": photo.picture, "thumbnail": photo.thumbnail}
        await self._rows.add_if_new(Photo, fact, charge_point_id=charge_point_id, **pictures)
        stored = await self.of([charge_point_id])
        return next(one for one in stored[charge_point_id] if one.sha256 == fact.sha256)

    async def of(self, charge_points: Sequence[str]) -> Mapping[str, tuple[PhotoFact, ...]]:
        """Return the photos of these charge points, oldest first, by the charge points' ids."""
        rows = await self._rows.all(
            select(*columns_of(Photo, but=("picture", "thumbnail")))
            .where(among(self._connection, col(Photo.charge_point_id), charge_points))
            .order_by(col(Photo.id))
        )
        found: dict[str, tuple[PhotoFact, ...]] = dict.fromkeys(charge_points, ())
        for row in rows:
            found[row.charge_point_id] += (_fact(row),)
        return found

    async def picture(self, charge_point_id: str, photo_id: str) -> bytes | None:
        """Return the picture (JPEG), or None when there is no such photo."""
        of_it = col(Photo.charge_point_id) == charge_point_id
        return await self._rows.value(col(Photo.picture), photo_id, of_it)

    async def thumbnails(self, photo_ids: Sequence[str]) -> Mapping[str, bytes]:
        """Return the small pictures (JPEG) by photo."""
        return await self._rows.pairs(
            select(col(Photo.id), col(Photo.thumbnail)).where(
                among(self._connection, col(Photo.id), photo_ids)
            )
        )

    async def delete(self, charge_point_id: str, photo_id: str) -> bool:
        """Forget a photo; False when there is no such one."""
        of_it = col(Photo.charge_point_id) == charge_point_id
        return await self._rows.at(Photo, photo_id, of_it).remove()


def as_document(declared: Declared) -> dict[str, Any]:
    """Write the fields as the database has them."""
    document: dict[str, Any] = _DECLARED.dump_python(declared, mode="json")
    return document


def audited(declared: Declared) -> dict[str, Any]:
    """Write the fields as the audit trail has them: a picture by its SHA-256."""
    document = as_document(declared)
    if declared.signature_png is not None:
        file = base64.b64decode(declared.signature_png)
        document["signature_png"] = f"sha256:{hashlib.sha256(file).hexdigest()}"
    return document


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
