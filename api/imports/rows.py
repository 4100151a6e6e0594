"""What the rows of a file of charge points mean, and what is wrong with them."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from api.charge_points.schemas import NewChargePoint
from api.imports.table import Row, read_table
from api.plausibility import asked
from domain.errors import FieldError, InvalidError
from domain.rules.likeness import serial_key
from domain.wording import FieldProblem, all_wrong

MAX_ROWS: Final = 10_000
MAX_SHOWN: Final = 1_000
"""Wrong fields that an answer shows one by one; all of them are in ``rows``, and in ``total``."""
REQUIRED: Final = ("serial_number", "model", "vendor")
_PLACE: Final = ("latitude", "longitude", "address")
COLUMNS: Final = (*REQUIRED, "ocpp_version", *_PLACE, "connectors")
_COUNT: Final = re.compile(r"[0-9]{1,3}")
_DEGREES: Final = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{1,20})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberedRow:
    """A charge point to register, and the row that it came from."""

    number: int
    charge_point: NewChargePoint


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """The rows that are right, and all that is wrong with the others."""

    rows: list[NumberedRow]
    errors: list[FieldError]
    questions: list[FieldError]

    def against(self, registered: Mapping[str, str]) -> list[FieldError]:
        """Everything that is wrong once the charge points of the project are known by serial."""
        twice = [
            FieldError(
                row=row.number,
                field="serial_number",
                detail="is in the project already",
                charge_point_id=existing,
            )
            for row in self.rows
            if (existing := registered.get(serial_key(row.charge_point.serial_number)))
        ]
        return sorted(self.errors + twice, key=lambda error: error.row or 0)


def parse(data: bytes, *, project_id: str) -> Parsed:
    """Read a file of charge points for that project.

    Raises:
        InvalidError: ``invalid_csv``, for what makes the file as a whole unreadable.

    """
    table = read_table(data, columns=COLUMNS, required=REQUIRED, max_rows=MAX_ROWS)
    rows: list[NumberedRow] = []
    errors: list[FieldError] = []
    questions: list[FieldError] = []
    first: dict[str, int] = {}
    for row in table.rows:
        if row.wrong is not None:
            errors.append(FieldError(row=row.number, field="row", detail=row.wrong))
            continue
        wrong = _duplicate(row, first)
        try:
            charge_point = NewChargePoint.model_validate(
                {"project_id": project_id, **_fields(row.cells, comma=table.delimiter == ";")}
            )
        except ValidationError as error:
            wrong += [_named(row.number, found) for found in all_wrong(error.errors())]
        else:
            rows.append(NumberedRow(number=row.number, charge_point=charge_point))
            place = charge_point.location
            questions += [asked(one, row=row.number) for one in place.questions()] if place else []
        errors += wrong
    return Parsed(rows=rows, errors=errors, questions=questions)


def refusal(errors: Sequence[FieldError]) -> InvalidError:
    """Refuse a file for its rows: every one of them is named, by what is wrong with it.

    Most have the same few things wrong, so that the answer has a megabyte at the very most.
    """
    fields = "field is" if len(errors) == 1 else "fields are"
    return InvalidError(
        "invalid_rows",
        f"Nothing was imported: {len(errors):,} {fields} wrong in {_counted(errors)}",
        tuple(errors[:MAX_SHOWN]),
        **_named_all(errors),
    )


def question(questions: Sequence[FieldError]) -> InvalidError:
    """Ask about values of a file that has nothing wrong in it."""
    names = "&".join(f"confirm={name}" for name in sorted({one.field for one in questions}))
    values = "value is" if len(questions) == 1 else "values are"
    return InvalidError(
        "implausible",
        f"Nothing was imported: {len(questions):,} {values} not usual in {_counted(questions)} "
        f"If that is meant, send the file again with ?{names} at the end of the path.",
        tuple(questions[:MAX_SHOWN]),
        **_named_all(questions),
    )


def _counted(errors: Sequence[FieldError]) -> str:
    rows = len({error.row for error in errors})
    shown = f" The first {MAX_SHOWN:,} are in errors, all are in rows."
    named = "" if len(errors) <= MAX_SHOWN else shown
    return f"{rows:,} {'row' if rows == 1 else 'rows'}.{named}"


def _named_all(errors: Sequence[FieldError]) -> dict[str, Any]:
    alike: defaultdict[tuple[str, str], list[int | None]] = defaultdict(list)
    for error in errors:
        alike[error.field, error.detail].append(error.row)
    return {
        "total": len(errors),
        "rows": [
            {"field": field, "detail": detail, "rows": numbers}
            for (field, detail), numbers in alike.items()
        ],
    }


def _duplicate(row: Row, first: dict[str, int]) -> list[FieldError]:
    serial = row.cells.get("serial_number")
    if serial is None:
        return []
    earlier = first.setdefault(serial_key(serial), row.number)
    if earlier == row.number:
        return []
    return [FieldError(row=row.number, field="serial_number", detail=f"is in row {earlier} too")]


def _fields(cells: Mapping[str, str], *, comma: bool) -> dict[str, Any]:
    """Cells as the fields of a registration."""
    fields: dict[str, Any] = {name: cell for name, cell in cells.items() if name not in _PLACE}
    if "ocpp_version" in fields:
        fields["ocpp_version"] = fields["ocpp_version"].strip()
    if "connectors" in fields:
        count = fields["connectors"].strip()
        fields["connectors"] = int(count) if _COUNT.fullmatch(count) else count
    place: dict[str, Any] = {name: cells[name] for name in _PLACE if name in cells}
    for name in ("latitude", "longitude"):
        if name in place:
            place[name] = _degrees(place[name], comma=comma)
    return fields | ({"location": place} if place else {})


def _degrees(cell: str, *, comma: bool) -> float | str:
    """Read a number; what is none stays text, which the field then refuses."""
    text = cell.strip()
    if comma:  # where semicolons separate, a decimal comma is usual
        text = text.replace(",", ".")
    return float(text) if _DEGREES.fullmatch(text) else cell


def _named(number: int, found: FieldProblem) -> FieldError:
    return FieldError(row=number, field=found.name.removeprefix("location."), detail=found.words)
