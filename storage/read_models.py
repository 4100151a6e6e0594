"""Read models: what is made of a row, each field of the column with its name."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import TypeAdapter

from storage.rows import AnyRow

ModelT = TypeVar("ModelT")


def read_model(model: type[ModelT], *parts: str) -> Callable[[AnyRow], ModelT]:
    """Return what reads a row as a dataclass: each column as its field's type, others are left out.

    So an enum is read of its word, and a document of its JSON. Fields that are ``parts`` are
    dataclasses of the same row.
    """
    adapter = TypeAdapter(model)

    def read(row: AnyRow) -> ModelT:
        columns = dict(row._mapping)  # noqa: SLF001 - a public name of theirs
        return adapter.validate_python(columns | dict.fromkeys(parts, columns))

    return read
