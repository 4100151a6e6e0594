"""Which changes of an OpenAPI document break those who call the API.

A request that was good has to be good still, so what the old document describes has to fit the new
one. An answer has to be one that was described, so there the new one has to fit the old. In both
what has a name keeps it. Fields and words may be added to answers; a word is told apart, since it
has to be documented.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

Document = Mapping[str, Any]

_ERRORS: Final = "400"
_TYPES: Final = {"string", "integer", "number", "boolean", "null", "array", "object"}
# Bounds that may only rise, and those that may only fall, where something has to fit.
_AT_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_AT_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACTLY: Final = ("pattern", "multipleOf", "uniqueItems")


@dataclass(frozen=True, kw_only=True)
class Change:
    """What breaks somebody, where; ``words`` if it is no more than new words of an answer."""

    where: str
    what: str
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Give one line."""
        return f"{self.where}: {self.what}"


def breaking_changes(old: Document, new: Document) -> list[Change]:
    """List them, each once, in the order of the old document."""
    return list(dict.fromkeys(_changes(old, new)))


def _changes(old: Document, new: Document) -> Iterator[Change]:
    for path, methods in old["paths"].items():
        for method, before in methods.items():
            name = f"{method.upper()} {path}"
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                yield Change(where=name, what="is gone")
                continue
            if before.get("operationId") != after.get("operationId"):
                yield Change(where=name, what=f"is no longer called {before.get('operationId')}")
            if not before.get("security") and after.get("security"):
                yield Change(where=name, what="wants a token now")
            asked = _Comparison(old=old, new=new, asked=True, where=name)
            yield from _parameters(asked, before, after)
            yield from _body(asked, before.get("requestBody"), after.get("requestBody"))
            yield from _answers(replace(asked, asked=False), before, after)


def _parameters(asked: "_Comparison", before: Document, after: Document) -> Iterator[Change]:
    known, given = (
        {(one["in"], one["name"]): one for one in operation.get("parameters", ())}
        for operation in (before, after)
    )
    for (place, name), one in known.items():
        here = asked.at(f"{place} {name}")
        if (place, name) not in given:
            yield here.change("is gone")
        else:
            yield from here.compare(one["schema"], given[place, name]["schema"])
    for (place, name), one in given.items():
        was_required = known.get((place, name), {}).get("required", False)
        if one.get("required", False) and not was_required:
            yield asked.at(f"{place} {name}").change("is required now")


def _body(asked: "_Comparison", old: Document | None, new: Document | None) -> Iterator[Change]:
    here = asked.at("body")
    if new is not None and new.get("required") and not (old or {}).get("required"):
        yield here.change("is required now")
    if old is not None:
        yield from _content(here, old, new or {})


def _answers(told: "_Comparison", before: Document, after: Document) -> Iterator[Change]:
    for status, old in before["responses"].items():
        here, new = told.at(status), after["responses"].get(status)
        if new is None:
            if status < _ERRORS:  # an error that comes no more breaks nobody
                yield here.change("is gone")
            continue
        for header in sorted(set(old.get("headers", ())) - set(new.get("headers", ()))):
            yield here.at(f"header {header}").change("is gone")
        yield from _content(here, old, new)


def _content(here: "_Comparison", old: Document, new: Document) -> Iterator[Change]:
    offered = new.get("content", {})
    for kind, one in old.get("content", {}).items():
        if kind not in offered:
            yield here.at(kind).change("is gone")
        else:
            yield from here.compare(one.get("schema", {}), offered[kind].get("schema", {}))


@dataclass(frozen=True, kw_only=True)
class _Comparison:
    """One of a request (``asked``) or of an answer, at a place in it."""

    old: Document
    new: Document
    asked: bool
    where: str
    under_way: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    def at(self, step: str) -> "_Comparison":
        return replace(self, where=f"{self.where} {step}")

    def change(self, what: str, words: tuple[str, ...] = ()) -> Change:
        return Change(where=self.where, what=what, words=words)

    def compare(self, old: Any, new: Any) -> Iterator[Change]:
        """Compare two schemas, which may name others; what leads back to itself is seen once."""
        names = (_name(old), _name(new))
        if any(names):
            if names in self.under_way:
                return
            here = replace(self, under_way=self.under_way | {names})
            yield from here.compare(_named(old, self.old), _named(new, self.new))
            return
        if not isinstance(old, Mapping) or not isinstance(new, Mapping):
            if old != new:
                yield self.change(f"was {old} and is {new}")
            return
        olds, news = _branches(old), _branches(new)
        if olds == [old] and news == [new]:
            yield from self._compare_one(old, new)
        else:
            yield from self._compare_branches(olds, news)

    def _compare_branches(self, olds: list[Any], news: list[Any]) -> Iterator[Change]:
        """See that each branch of what has to fit fits one of those that it has to fit in."""
        inner, outer = (olds, news) if self.asked else (news, olds)
        for one in inner:
            tries = [
                list(self.compare(one, other) if self.asked else self.compare(other, one))
                for other in outer
            ]
            yield from min(tries, key=_weight)

    def _compare_one(self, old: Document, new: Document) -> Iterator[Change]:
        inner, outer = (old, new) if self.asked else (new, old)
        yield from self._compare_types(inner, outer)
        yield from self._compare_words(inner, outer)
        yield from self._compare_fields(old, new, inner, outer)
        if "items" in old and "items" in new:
            yield from self.at("[]").compare(old["items"], new["items"])
        if isinstance(old.get("additionalProperties"), Mapping):
            others = new.get("additionalProperties", True)
            others = {} if others is True else others
            yield from self.at("{}").compare(old["additionalProperties"], others)
        if self.asked:
            yield from self._compare_bounds(inner, outer)

    def _compare_types(self, inner: Document, outer: Document) -> Iterator[Change]:
        allowed = _types(outer) | ({"integer"} if "number" in _types(outer) else set())
        if more := _types(inner) - allowed:
            verb = "takes no" if self.asked else "may be"
            yield self.change(f"{verb} {' or '.join(sorted(more))} now")
        elif outer.get("format") not in {None, inner.get("format")}:
            verb = "has the format {} now" if self.asked else "has the format {} no longer"
            yield self.change(verb.format(outer["format"]))

    def _compare_words(self, inner: Document, outer: Document) -> Iterator[Change]:
        allowed, there = _words(outer), _words(inner)
        if allowed is None:
            return
        if there is None:
            yield self.change("takes certain words alone now" if self.asked else "may be any word")
        elif more := tuple(str(word) for word in there if word not in allowed):
            verb = "takes no longer" if self.asked else "may also be"
            yield self.change(f"{verb} {', '.join(more)}", words=() if self.asked else more)

    def _compare_fields(
        self, old: Document, new: Document, inner: Document, outer: Document
    ) -> Iterator[Change]:
        known, given = old.get("properties", {}), new.get("properties", {})
        for name, schema in known.items():
            here = self.at(f".{name}")
            if name not in given:
                yield here.change("is gone")
            else:
                yield from here.compare(schema, given[name])
        for name in sorted(set(outer.get("required", ())) - set(inner.get("required", ()))):
            if self.asked or name in given:
                yield self.at(f".{name}").change(
                    "is required now" if self.asked else "may be left out now"
                )
        closed = [one.get("additionalProperties") is False for one in (inner, outer)]
        if self.asked and closed == [False, True]:
            yield self.change("takes no other fields now")

    def _compare_bounds(self, inner: Document, outer: Document) -> Iterator[Change]:
        for bound in (*_AT_LEAST, *_AT_MOST, *_EXACTLY):
            if bound not in outer:
                continue
            had, has = inner.get(bound), outer[bound]
            fits = had == has or (
                had is not None
                and ((bound in _AT_LEAST and had >= has) or (bound in _AT_MOST and had <= has))
            )
            if not fits:
                yield self.change(f"has {bound} {has} now")


def _weight(changes: list[Change]) -> tuple[bool, int]:
    """Put what breaks nobody first, then new words alone, then whatever breaks the least."""
    return any(not change.words for change in changes), len(changes)


def _name(schema: Any) -> str:
    return schema.get("$ref", "") if isinstance(schema, Mapping) else ""


def _named(schema: Any, document: Document) -> Any:
    name = _name(schema)
    return document["components"]["schemas"][name.rpartition("/")[2]] if name else schema


def _branches(schema: Document) -> list[Any]:
    return list(schema.get("anyOf") or schema.get("oneOf") or [schema])


def _types(schema: Document) -> set[str]:
    named = schema.get("type")
    if named is None:
        return _TYPES
    return {named} if isinstance(named, str) else set(named)


def _words(schema: Document) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")
