"""Rows in one unit of work: what repositories read and write with."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar, TypeVarTuple, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    SQLColumnExpression,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import class_mapper
from sqlalchemy.sql.selectable import TypedReturnsRows

from storage.dialects import conflict_insert, upsert
from storage.models.base import TableModel

AnyRow = Row[*tuple[Any, ...]]
"""A row of a whole table, or of columns that nobody names beforehand."""
Key = str | int | tuple[str, ...] | ScalarSelect[Any] | None
"""A primary key; of several columns, in their order. None is no row's."""
ModelT = TypeVar("ModelT", bound=TableModel)
T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")
Ts = TypeVarTuple("Ts")


class Rows:
    """Reads what a query asks for, and writes single rows by their primary keys."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, query: TypedReturnsRows[*Ts]) -> Row[*Ts] | None:
        """Return the row, or None."""
        return (await self._connection.execute(query)).one_or_none()

    async def one(self, query: TypedReturnsRows[*Ts]) -> Row[*Ts]:
        """Return the row that is there for sure."""
        return (await self._connection.execute(query)).one()

    async def all(self, query: TypedReturnsRows[*Ts]) -> list[Row[*Ts]]:
        """Return every row."""
        return list(await self._connection.execute(query))

    async def values(self, query: TypedReturnsRows[T]) -> list[T]:
        """Return every value of a query for one column."""
        return list(await self._connection.scalars(query))

    async def pairs(self, query: Select[K, V]) -> dict[K, V]:
        """Return what a query for two columns finds, the second by the first."""
        return dict(await self.all(query))

    async def read(self, query: TypedReturnsRows[*Ts], make: Callable[[AnyRow], T]) -> T | None:
        """Return what is made of the row, or None."""
        row = await self.find(query)
        return None if row is None else make(cast("AnyRow", row))

    async def read_all(self, query: TypedReturnsRows[*Ts], make: Callable[[AnyRow], T]) -> list[T]:
        """Return what is made of every row."""
        return [make(cast("AnyRow", row)) for row in await self._connection.execute(query)]

    async def newest(
        self,
        query: Select[*Ts],
        *,
        key: SQLColumnExpression[Any],
        before: str | int | None,
        limit: int,
    ) -> list[Row[*Ts]]:
        """Return the rows with the highest keys, below ``before`` where that is given."""
        if before is not None:
            query = query.where(key < before)
        return await self.all(query.order_by(key.desc()).limit(limit))

    async def read_newest(
        self,
        query: Select[*Ts],
        make: Callable[[AnyRow], T],
        *,
        key: SQLColumnExpression[Any],
        before: str | int | None,
        limit: int,
    ) -> list[T]:
        """Return what is made of them."""
        rows = await self.newest(query, key=key, before=before, limit=limit)
        return [make(cast("AnyRow", row)) for row in rows]

    async def look_up(self, model: type[ModelT], key: Key) -> ModelT | None:
        """Return the row with that key, or None."""
        query = select(model.__table__).where(*_has(model.__table__, key))
        return await self.read(query, record_of(model))

    async def get(self, model: type[ModelT], key: Key) -> ModelT:
        """Return the row with that key, which is there for sure."""
        query = select(model.__table__).where(*_has(model.__table__, key))
        return record_of(model)(await self.one(query))

    async def value(
        self, column: SQLColumnExpression[T], key: Key, *also: ColumnElement[bool]
    ) -> T | None:
        """Return one value of the row with that key, if that holds of it, too."""
        table = cast("Column[T]", column).table
        return await self._connection.scalar(select(column).where(*_has(table, key), *also))

    async def count(self, model: type[TableModel], *which: ColumnElement[bool]) -> int:
        """Count the rows of which all that holds."""
        query = select(func.count()).select_from(model.__table__).where(*which)
        return await self._connection.scalar(query) or 0

    async def add(self, model: type[TableModel], record: object = None, /, **values: Any) -> None:
        """Insert a row: what a record has in fields named like columns, and these values."""
        await self._connection.execute(insert(model).values(_values_of(model, record) | values))

    async def add_if_new(
        self, model: type[TableModel], record: object = None, /, **values: Any
    ) -> bool:
        """Insert a row; False: there is one that is the same by some constraint."""
        new = conflict_insert(self._connection, model).values(_values_of(model, record) | values)
        made = new.on_conflict_do_nothing().returning(*model.__table__.primary_key)
        return (await self._connection.execute(made)).first() is not None

    async def put(self, model: type[TableModel], /, **values: Any) -> None:
        """Insert a row in the place of that with the same primary key."""
        keys = tuple(column.name for column in model.__table__.primary_key)
        await self._connection.execute(upsert(self._connection, model, keys=keys).values(values))

    def at(self, model: type[TableModel], key: Key, *also: ColumnElement[bool]) -> "At":
        """Name the row with that key, if that holds of it, too."""
        return At(self._connection, model.__table__, _has(model.__table__, key) + list(also))

    def those(self, model: type[TableModel], *which: ColumnElement[bool]) -> "At":
        """Name the rows of which all that holds."""
        return At(self._connection, model.__table__, which)


class At:
    """Writes one row, or some."""

    def __init__(
        self, connection: AsyncConnection, table: Table, which: Sequence[ColumnElement[bool]]
    ) -> None:
        self._connection = connection
        self._table = table
        self._which = which

    async def set(self, **values: Any) -> bool:
        """Set columns; False: there is no such row."""
        change = update(self._table).where(*self._which).values(**values)
        return (await self._connection.execute(change)).rowcount > 0

    async def remove(self) -> bool:
        """Delete it; False: there is no such row."""
        return (
            await self._connection.execute(delete(self._table).where(*self._which))
        ).rowcount > 0

    async def lock(self) -> None:
        """Let nobody else change it until the commit."""
        key = select(*self._table.primary_key).where(*self._which)
        await self._connection.execute(key.with_for_update())


def record_of(model: type[ModelT]) -> Callable[[AnyRow], ModelT]:
    """Return what makes a record of a table of a row with its columns."""
    class_mapper(model)  # attributes are readable from then on

    def make(row: AnyRow) -> ModelT:
        columns = row._mapping  # noqa: SLF001 - a public name of theirs
        return cast("ModelT", model.model_construct(**columns))

    return make


def columns_of(model: type[TableModel], *, but: Collection[str]) -> list[Column[Any]]:
    """Give the columns of a table without some, which are large."""
    return [column for column in model.__table__.columns if column.name not in but]


def _values_of(model: type[TableModel], record: object) -> dict[str, Any]:
    return {
        column.name: getattr(record, column.name)
        for column in model.__table__.columns
        if hasattr(record, column.name)
    }


def _has(table: Table, key: Key) -> list[ColumnElement[bool]]:
    parts = key if isinstance(key, tuple) else (key,)
    return [column == part for column, part in zip(table.primary_key.columns, parts, strict=True)]


class Repository:
    """What is asked of rows, by name; its caller commits."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._rows = Rows(connection)


class ProjectRepository(Repository):
    """The same, of the rows of one project."""

    def __init__(self, connection: AsyncConnection, project_id: str) -> None:
        super().__init__(connection)
        self._project_id = project_id

    def _mine(self, model: type[TableModel]) -> Select[*tuple[Any, ...]]:
        """Select the rows of the project."""
        return select(model.__table__).where(model.__table__.c.project_id == self._project_id)


class AccountRepository(Repository):
    """The same, of the rows of one account."""

    def __init__(self, connection: AsyncConnection, account_id: str) -> None:
        super().__init__(connection)
        self._account_id = account_id

    def _mine(self, model: type[TableModel]) -> Select[*tuple[Any, ...]]:
        """Select the rows of the account."""
        return select(model.__table__).where(model.__table__.c.account_id == self._account_id)
