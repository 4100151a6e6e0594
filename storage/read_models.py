"""Read models: what is made of a row, each field of the column with its name."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Row

ModelT = TypeVar("ModelT")


def read_model(model: type[ModelT]) -> Callable[[Row[Any]], ModelT]:
    """Return what reads a row as a dataclass: each column as its field's type, others are left out.

    So an enum is read of its word, and a document of its JSON.
    """
    adapter = TypeAdapter(model)

    def read(row: Row[Any]) -> ModelT:
        return adapter.validate_python(dict(row._mapping))  # noqa: SLF001 - a public name of theirs

    return read
