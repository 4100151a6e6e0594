"""The lenient reader: repairs or drops the part of a payload that breaks its schema.

What has one meaning is read as that (a number in a text, a known spelling, an object where a list
of one is meant). What has none is dropped, with three exceptions, since nothing may be guessed
towards a default: in a sampled value, a unit, measurand, phase or format that cannot be read voids
the sample, which stays as it was sent with the reason beside it; words that a handler judges by
itself stay as they came; and a required field that is dropped is missing, so that the handler
decides whether it was essential.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import chain, islice
from typing import Any, Final

from domain.rules.numbers import read_number
from domain.rules.sampled_values import UNREADABLE

Document = dict[str, Any]

_NO_WORD: Final = re.compile(r"[^a-z0-9%°]")
_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})
_SHOWN: Final = 40
_MOST: Final = 50
_MOST_VALUES: Final = 12_000
"""More than any message of 64 KiB has in which a sample is more than ``{}``."""
_NOTHING: Final = 4
"""As how many values an object counts in which nothing can be read: it costs more than they do."""
_MOST_FIELDS: Final = 200
"""Of one object, beside those that it is to have."""
_MORE: Final = "it has more than is read of one message that breaks its schema"
_MILLISECONDS: Final = range(10**12, 10**13)
_SECONDS: Final = range(10**9, 10**10)
_DROPPED: Final = object()
"""Says that a value has no meaning that fits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Leniency:
    """What the reader has to know of a version of OCPP beside its schemas."""

    sample: str
    """The field by which the object of a sampled value is known."""
    voiding: tuple[str, ...]
    """Fields of a sampled value that mean something when they are absent."""
    judged_by_handlers: frozenset[str]
    """Fields whose unknown words stay as they came."""
    spellings: Mapping[str, str]
    """Words that firmware uses, in lower case, and those of the standard that they mean."""
    older_names: Mapping[str, tuple[str, ...]]
    """Fields by their names in earlier versions, in lower case, and those that they may be now."""
    wrapped: tuple[str, ...]
    """Where other versions, and XML that was translated, keep a text inside an object."""


@dataclass(slots=True, eq=False)
class Repaired:
    """A payload as far as it could be understood, and what was done for that."""

    payload: dict[str, Any]
    repairs: tuple[str, ...]


@dataclass(slots=True)
class _Notes:
    leniency: Leniency
    found: dict[str, None] = field(default_factory=dict)
    values: int = 0
    """How many were looked at."""

    @property
    def is_all_read(self) -> bool:
        """No more values are looked at, so that one message takes no more than its turn."""
        return self.values >= _MOST_VALUES

    def add(self, place: str, what: str) -> None:
        if len(self.found) < _MOST:
            self.found[f"{place} {what}" if place else f"it {what}"] = None


class Repairer:
    """Reads payloads of one schema."""

    def __init__(self, document: Document, leniency: Leniency) -> None:
        self._document = document
        self._leniency = leniency

    def repair(self, payload: dict[str, Any]) -> Repaired:
        """Give the payload as far as it is understood; it never raises for what is in it."""
        notes = _Notes(self._leniency)
        repaired = self._object(payload, self._document, "", notes)
        return Repaired(repaired, (*((_MORE,) if notes.is_all_read else ()), *notes.found))

    def _resolve(self, schema: Document) -> Document:
        reference = schema.get("$ref")
        if reference is None:
            return schema
        found: Document = self._document["definitions"][reference.rsplit("/", 1)[-1]]
        return found

    def _value(self, value: Any, schema: Document, place: str, notes: _Notes) -> Any:
        notes.values += 1
        schema = self._resolve(schema)
        match schema.get("type"):
            case "object":
                return self._nested(value, schema, place, notes)
            case "array":
                return self._array(value, schema, place, notes)
            case "string":
                return _text(value, schema, place, notes)
            case "integer":
                return _integer(value, place, notes)
            case "number":
                return _number(value, place, notes)
            case "boolean":
                return _boolean(value, place, notes)
            case _:
                return value

    def _nested(self, value: Any, schema: Document, place: str, notes: _Notes) -> Any:
        if isinstance(value, list) and len(value) == 1:
            notes.add(place, "is a list of one")
            value = value[0]
        is_sample = self._leniency.sample in schema["properties"]
        if not isinstance(value, dict):
            if not is_sample:
                return _DROPPED
            notes.add(place, "is no object")
            return {"value": str(value)[:_SHOWN], UNREADABLE: "it is no object"}
        if not is_sample:
            return self._object(value, schema, place, notes)
        return self._sample(value, schema, place, notes)

    def _object(
        self, value: dict[str, Any], schema: Document, place: str, notes: _Notes
    ) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for name, known, inner in _known(value, schema["properties"], place, notes):
            where = f"{place}.{known}" if place else known
            if inner is None:
                notes.add(where, "is null")
                continue
            one = self._value(inner, schema["properties"][known], where, notes)
            if one is _DROPPED:
                notes.add(where, f"cannot be read ({_shown(value[name])})")
            else:
                read[known] = one
        for name in schema.get("required", ()):
            if name not in read and name not in value:
                notes.add(f"{place}.{name}" if place else name, "is missing")
        if not read:
            notes.values += _NOTHING
        return read

    def _sample(
        self, value: dict[str, Any], schema: Document, place: str, notes: _Notes
    ) -> dict[str, Any]:
        read = self._object(value, schema, place, notes)
        if "value" in read and len(read) == len(value):
            return read
        unsaid = _Notes(self._leniency)
        sent = {known: inner for _, known, inner in _known(value, schema["properties"], "", unsaid)}
        for name in self._leniency.voiding:
            if name not in read and (sent.get(name) is not None or name == "value"):
                reason = f"{name} {_shown(sent[name])}" if name in sent else f"no {name}"
                names = _names(value, schema["properties"])
                kept = {key[:_SHOWN]: _kept(value[key]) for key in names}
                return {**kept, UNREADABLE: reason}
        return read

    def _array(self, value: Any, schema: Document, place: str, notes: _Notes) -> Any:
        if not isinstance(value, list):
            notes.add(place, "is no list")
            value = [value]
        read = []
        if any(isinstance(element, list) for element in value):
            notes.add(place, "has a list within the list")
            value = [one for e in value for one in (e if isinstance(e, list) else [e])]
        for element in value:
            if notes.is_all_read:
                break
            one = self._value(element, schema["items"], place, notes)
            if one is _DROPPED:
                notes.add(place, f"has an element that cannot be read ({_shown(element)})")
            else:
                read.append(one)
        if not read:
            notes.add(place, "is empty")
        return read


def _known(
    value: dict[str, Any], properties: Document, place: str, notes: _Notes
) -> Iterator[tuple[str, str, Any]]:
    """Give the fields that the schema knows: name as sent, name as meant, value."""
    exact = value.keys() & properties.keys()
    by_key = _by_key(tuple(properties))
    for name in _names(value, properties):
        inner = value[name]
        known = name if name in exact else _meant(_key(name), by_key, notes.leniency)
        if known is None or (known != name and known in exact):
            notes.values += 1
            notes.add(place, f"has a field {name[:_SHOWN]!r} that the standard does not know")
            continue
        if known != name:
            notes.add(f"{place}.{known}" if place else known, f"is written {name[:_SHOWN]!r}")
        yield name, known, inner


def _names(value: dict[str, Any], properties: Document) -> Iterator[str]:
    """Give the names that the schema knows, then others; not very many of those."""
    known = (name for name in value if name in properties)
    others = (name for name in value if name not in properties)
    return chain(known, islice(others, _MOST_FIELDS))


@cache
def _by_key(words: tuple[str, ...]) -> dict[str, str]:
    return {_key(word): word for word in words}


def _meant(key: str, by_key: dict[str, str], leniency: Leniency) -> str | None:
    """Find the field of that name: in another case, in the plural, or by its earlier name."""
    one = key.removesuffix("s")
    names = (key, one, *leniency.older_names.get(one, ()))
    return next((by_key[name] for name in names if name in by_key), None)


def _text(value: Any, schema: Document, place: str, notes: _Notes) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    wrapped = notes.leniency.wrapped
    inner = [value[name] for name in wrapped if name in value] if isinstance(value, dict) else []
    if len(inner) == 1 and isinstance(inner[0], str):
        notes.add(place, "is an object, not a text")
        value = inner[0]
    if isinstance(value, bool):
        notes.add(place, "is a boolean, not a text")
        value = "true" if value else "false"
    elif isinstance(value, int | float):
        notes.add(place, "is a number, not a text")
        if schema.get("format") == "date-time":
            return _epoch(value)
        value = str(value)
    if not isinstance(value, str):
        return _DROPPED
    words = schema.get("enum")
    if words is not None and value not in words:
        return _word(value, words, place, notes)
    longest = schema.get("maxLength")
    if longest is not None and len(value) > longest:
        notes.add(place, f"has {len(value)} characters, the standard allows fewer")
        return value[:longest]
    return value


def _word(value: str, words: list[str], place: str, notes: _Notes) -> Any:
    by_key = _by_key(tuple(words))
    key = _key(value)
    known = by_key.get(key) or by_key.get(_key(notes.leniency.spellings.get(key, "")))
    if key and known is not None:
        notes.add(place, f"{value[:_SHOWN]!r} is read as {known}")
        return known
    if place.rpartition(".")[2] in notes.leniency.judged_by_handlers and value.strip():
        notes.add(place, f"{value[:_SHOWN]!r} is no word of the standard")
        return value.strip()[:_SHOWN]
    return _DROPPED


def _key(word: str) -> str:
    return _NO_WORD.sub("", word.casefold())


def _integer(value: Any, place: str, notes: _Notes) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = read_number(value)
    if number is None:
        return _DROPPED
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal():
        notes.add(place, "is a text, not a number")
        return int(value)  # exact, where a float is not
    notes.add(place, "is no whole number" if number % 1 else "is not written as a whole number")
    return round(number)


def _number(value: Any, place: str, notes: _Notes) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    number = read_number(value)
    if number is None:
        return _DROPPED
    notes.add(place, "is a text, not a number")
    return number


def _boolean(value: Any, place: str, notes: _Notes) -> Any:
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if word not in _TRUE | _FALSE:
        return _DROPPED
    notes.add(place, f"is {_shown(value)}, not a boolean")
    return word in _TRUE


def _epoch(value: float) -> Any:
    """Read seconds or milliseconds since 1970, where it can be but one of them."""
    whole = int(value) if abs(value) < _MILLISECONDS.stop else 0
    if whole in _SECONDS or whole in _MILLISECONDS:
        seconds = value if whole in _SECONDS else value / 1000
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    return _DROPPED


def _kept(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)[:_SHOWN]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
