"""What all tables share. Energy is Wh, ids are prefixed ULIDs."""

from typing import ClassVar, Final

from sqlalchemy import JSON, BigInteger, Index, Integer, MetaData, Table, text
from sqlmodel import SQLModel

SERIAL: Final = BigInteger().with_variant(Integer, "sqlite")
"""A number that the database gives; SQLite does that for INTEGER alone."""
NULLABLE_JSON: Final = JSON(none_as_null=True)
"""JSON whose None is NULL, and not the text `null`."""


class TableModel(SQLModel):
    """A row; a subclass with ``table=True`` is a table."""

    __table__: ClassVar[Table]

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index of the rows that meet a condition, on both databases."""
    return Index(
        name, *columns, unique=unique, postgresql_where=text(where), sqlite_where=text(where)
    )
