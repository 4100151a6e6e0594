"""What all tables share. Energy is Wh, ids are prefixed ULIDs."""

from enum import StrEnum
from typing import Any, ClassVar, Final

from pydantic import TypeAdapter
from sqlalchemy import (
    JSON,
    BigInteger,
    Dialect,
    Enum,
    Index,
    Integer,
    MetaData,
    Table,
    TypeDecorator,
    text,
)
from sqlmodel import Field, SQLModel

SERIAL: Final = BigInteger().with_variant(Integer, "sqlite")
"""A number that the database gives; SQLite does that for INTEGER alone."""
NULLABLE_JSON: Final = JSON(none_as_null=True)
"""JSON whose None is NULL, and not the text `null`."""


def part_of(table: str, **more: Any) -> Any:
    """Make a column with the id of the row that this one goes with."""
    return Field(max_length=40, foreign_key=f"{table}.id", ondelete="CASCADE", **more)


def words(kind: type[StrEnum], length: int) -> Enum:
    """Make the type of a column with words of an enum."""
    return Enum(
        kind,
        native_enum=False,
        length=length,
        values_callable=lambda kind: [one.value for one in kind],
    )


class Document(TypeDecorator[Any]):
    """The type of a column with something of the domain, as JSON; None is NULL."""

    impl = JSON
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__(none_as_null=True)
        self.kind = kind
        self._adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def process_bind_param(self, value: Any, _: Dialect) -> Any:
        """Write it."""
        return None if value is None else self._adapter.dump_python(value, mode="json")

    def process_result_value(self, value: Any, _: Dialect) -> Any:
        """Read it."""
        return None if value is None else self._adapter.validate_python(value)


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
