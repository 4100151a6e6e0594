"""What pydantic finds wrong, in words for a person: no pattern, no type name, no phrase of its own.

Its errors come with a type and the bound that was broken; each type that a schema of ours can raise
has its words here, and any other the last resort.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

LAST_RESORT: Final = "is not what this field takes"

_MOMENT: Final = "must be a date and a time with its zone, such as 2026-05-01T09:35:00Z"
_DATE: Final = "must be a date, such as 2026-05-01"
_DURATION: Final = "must be a duration, such as PT15M, or a number of seconds"
_NUMBER: Final = "must be a number"
_WHOLE: Final = "must be a whole number"
_YES_OR_NO: Final = "must be true or false"
_OBJECT: Final = "must be an object"
_LIST: Final = "must be a list"
_TEXT: Final = "must be a text"
_WORDS: Final[Mapping[str, str]] = {
    "missing": "is required",
    "missing_argument": "is required",
    "missing_keyword_only_argument": "is required",
    "extra_forbidden": "is not a field here",
    "unexpected_keyword_argument": "is not a field here",
    "string_type": _TEXT,
    "string_sub_type": _TEXT,
    "string_unicode": "must be a text without half characters",
    "bytes_type": _TEXT,
    "path_type": "must be a path",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": "must be a whole number with fewer digits",
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "finite_number": "must be a number that is not infinite",
    "bool_type": _YES_OR_NO,
    "bool_parsing": _YES_OR_NO,
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "timezone_aware": _MOMENT,
    "time_delta_type": _DURATION,
    "time_delta_parsing": _DURATION,
    "json_invalid": "must be JSON",
}


def _number(bound: Any) -> str:
    value = Decimal(str(bound))
    return f"{value.to_integral_value() if value == value.to_integral_value() else value:f}"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _least(number: int, many: str) -> str:
    return "must not be empty" if number == 1 else f"must have at least {number} {many}"


_BOUNDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "string_too_short": lambda ctx: _least(ctx["min_length"], "characters"),
    "string_too_long": lambda ctx: (
        f"must have at most {_counted(ctx['max_length'], 'character', 'characters')}"
    ),
    "too_short": lambda ctx: _least(ctx["min_length"], "entries"),
    "too_long": lambda ctx: f"must have at most {_counted(ctx['max_length'], 'entry', 'entries')}",
    "greater_than": lambda ctx: f"must be more than {_number(ctx['gt'])}",
    "greater_than_equal": lambda ctx: f"must be at least {_number(ctx['ge'])}",
    "less_than": lambda ctx: f"must be less than {_number(ctx['lt'])}",
    "less_than_equal": lambda ctx: f"must be at most {_number(ctx['le'])}",
    "decimal_max_digits": lambda ctx: (
        f"must have at most {_counted(ctx['max_digits'], 'digit', 'digits')}"
    ),
    "decimal_max_places": lambda ctx: (
        f"must have at most {_counted(ctx['decimal_places'], 'digit', 'digits')} after the point"
    ),
    "decimal_whole_digits": lambda ctx: (
        f"must have at most {_counted(ctx['whole_digits'], 'digit', 'digits')} before the point"
    ),
    "enum": lambda ctx: f"must be {ctx['expected']}",
    "literal_error": lambda ctx: f"must be {ctx['expected']}",
    "value_error": lambda ctx: str(ctx["error"]),
}
_KINDS: Final = frozenset({"str", "int", "float", "bool", "decimal", "none", "date", "datetime"})
_NO_NAME: Final = re.compile(r"[\[\]()']|^(constrained|function|lax-or-strict|json-or-python)-")


class FieldValueError(ValueError):
    """A rule over several fields is broken; ``fields`` are those of the model that it is told of.

    Without it, pydantic names the model as a whole.
    """

    def __init__(self, words: str, *fields: str) -> None:
        super().__init__(words)
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Matching:
    """Constraint of an annotated text: it matches the whole pattern, or ``words`` say what to give.

    The JSON schema has the pattern, which is for programs.
    """

    pattern: str
    words: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check after all that is wrong with it as a text."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the pattern."""
        return {**handler(schema), "pattern": self.pattern}

    def _checked(self, text: str) -> str:
        if re.search(self.pattern, text) is None:
            raise ValueError(self.words)
        return text


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldProblem:
    """A field, by the path to it, and what is wrong with it."""

    path: tuple[int | str, ...]
    words: str

    @property
    def name(self) -> str:
        """The path as it is written in an error: ``parameters.0.value``."""
        return ".".join(map(str, self.path))


def all_wrong(errors: Iterable[Mapping[str, Any]]) -> list[FieldProblem]:
    """Say what is wrong, once for each field; ``errors`` are those of a ``ValidationError``.

    A field that takes several kinds has an error for each: it may be this, or that. What was given
    is never repeated, it may be a password.
    """
    found: dict[tuple[int | str, ...], list[str]] = {}
    for error in errors:
        words = words_of(error)
        for path in _paths(error):
            said = found.setdefault(path, [])
            if words not in said:
                said.append(words)
    return [FieldProblem(path=path, words=", or ".join(words)) for path, words in found.items()]


def in_one_line(error: ValidationError) -> str:
    """Say all that is wrong with a file, each field with its path."""
    return "; ".join(f"{one.name}: {one.words}" for one in all_wrong(error.errors()))


def words_of(error: Mapping[str, Any]) -> str:
    """Say one error, without its field."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _BOUNDS:
        return _BOUNDS[kind](context)
    return _WORDS.get(kind, LAST_RESORT)


def _paths(error: Mapping[str, Any]) -> list[tuple[int | str, ...]]:
    *path, last = error["loc"] or ("",)
    # Of a field that takes several kinds, pydantic puts the kind into the path.
    path = [part for part in path if not _is_kind(part)]
    # That a field is none, its name says: it is the caller's own.
    if error["type"] == "extra_forbidden" or not path or not _is_kind(last):
        path.append(last)
    broken = error.get("ctx", {}).get("error")
    if isinstance(broken, FieldValueError) and broken.fields:
        return [(*path, name) for name in broken.fields]
    return [tuple(path)]


def _is_kind(part: int | str) -> bool:
    return isinstance(part, str) and (part in _KINDS or _NO_NAME.search(part) is not None)
