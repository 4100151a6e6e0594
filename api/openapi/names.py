"""Names of schemas: a generator of clients makes a class of each, named after its title."""

import re
from collections.abc import Iterator
from typing import Any, Final

_PLACE: Final = "#/components/schemas/"
_PAGE: Final = re.compile(r"Page_(\w+)_")


def tidy_names(document: dict[str, Any]) -> None:
    """Give each schema a name that is a class's in any language, and the same as title.

    Raises:
        LookupError: Two models of one name are told apart by their modules alone.

    """
    schemas: dict[str, dict[str, Any]] = document["components"]["schemas"]
    names = {old: _tidy(old) for old in schemas}
    twins = sorted(old for old, new in names.items() if not new.isalnum())
    if twins or len(set(names.values())) < len(names):
        raise LookupError(f"two models have one name, rename one: {', '.join(twins or names)}")
    for node in nodes(document):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith(_PLACE):
            node["$ref"] = _PLACE + names[reference.removeprefix(_PLACE)]
    document["components"]["schemas"] = {
        names[old]: {**schema, "title": names[old]} for old, schema in schemas.items()
    }


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document, the outer ones first."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from nodes(part)
    elif isinstance(value, list):
        for part in value:
            yield from nodes(part)


def _tidy(name: str) -> str:
    """``Page_Cdr_`` is ``CdrPage``, ``Price-Input`` ``PriceInput``, ``Price-Output`` ``Price``."""
    return _PAGE.sub(r"\1Page", name).removesuffix("-Output").replace("-Input", "Input")
