"""A CSV file as rows of named cells: encoding, delimiter, header, and nothing of what they mean."""

import csv
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from domain.errors import FieldError, InvalidError

_DELIMITERS: Final = (",", ";")
_LINE_END: Final = re.compile(r"[\r\n]")
_SHOWN: Final = 60
_MOST_OF_A_ROW: Final = 64 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row: its number as a spreadsheet counts, and the cells that are not empty, by column.

    ``wrong`` is set, and the cells are not to be used, where the row does not fit the header.
    """

    number: int
    cells: dict[str, str]
    wrong: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A file with its rows."""

    delimiter: str
    rows: list[Row]


def read_table(
    data: bytes, *, columns: Collection[str], required: Collection[str], max_rows: int
) -> Table:
    """Read a file: UTF-8 with or without a mark, separated by commas or semicolons.

    Raises:
        InvalidError: ``invalid_csv``, for what makes the file as a whole unreadable.

    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _invalid("is not UTF-8; save it as 'CSV UTF-8'") from error
    if not text.strip():
        raise _invalid("is empty; the first row names the columns")
    delimiter = _delimiter(_LINE_END.split(text.lstrip("\r\n"), maxsplit=1)[0])
    rows: list[Row] = []
    header: list[str] | None = None
    for number, cells in _records(text, delimiter):
        if not any(cell.strip() for cell in cells):
            continue  # spreadsheets leave such rows at the end
        if header is None:
            header = _header(cells, columns=columns, required=required)
            continue
        if len(rows) == max_rows:
            raise _invalid(f"has more than {max_rows:,} rows; import it in parts")
        rows.append(_row(number, cells, header))
    if not rows:
        raise _invalid("has a header and no row below it")
    return Table(delimiter=delimiter, rows=rows)


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    number = size = 0

    def lines() -> Iterator[str]:
        nonlocal size
        for line in io.StringIO(text, newline=""):
            size += len(line)
            if size > _MOST_OF_A_ROW:  # before it is taken apart: a cell takes more than its comma
                raise _invalid(f"has more than {_MOST_OF_A_ROW:,} characters in row {number + 1}")
            yield line

    try:
        for number, cells in enumerate(
            csv.reader(lines(), delimiter=delimiter, strict=True), start=1
        ):
            size = 0
            yield number, cells
    except csv.Error as error:
        raise _invalid(f"cannot be read after row {number}; check its quotes: {error}") from error


def _delimiter(first_line: str) -> str:
    return max(_DELIMITERS, key=first_line.count)


def _header(cells: list[str], *, columns: Collection[str], required: Collection[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    unknown = [name for name in names if name not in columns]
    if unknown:
        named = ", ".join(f"'{name[:_SHOWN]}'" for name in unknown[: len(columns)])
        raise _invalid(
            f"has unknown columns in its first row: {named}; the columns are {', '.join(columns)}"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _invalid(f"has columns twice: {', '.join(twice)}")
    missing = [name for name in required if name not in names]
    if missing:
        raise _invalid(f"lacks columns in its first row: {', '.join(missing)}")
    return names


def _row(number: int, cells: list[str], header: list[str]) -> Row:
    if len(cells) != len(header):
        wrong = f"has {len(cells)} cells where the header has {len(header)}"
        return Row(number=number, cells={}, wrong=wrong)
    named = zip(header, cells, strict=True)
    return Row(number=number, cells={name: cell for name, cell in named if cell.strip()})


def _invalid(detail: str) -> InvalidError:
    return InvalidError(
        "invalid_csv", f"The file {detail}.", (FieldError(field="file", detail=detail),)
    )
