"""Which methods a path takes, by all of its routes: the router itself names the first one alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

GET: Final = "GET"
HEAD: Final = "HEAD"
OPTIONS: Final = "OPTIONS"
POST: Final = "POST"


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """A route: its path as a pattern, its methods, its name in the OpenAPI document, if any."""

    pattern: re.Pattern[str]
    methods: frozenset[str]
    operation_id: str | None


class Operations:
    """The routes of an application, in the order in which they are asked."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._operations = [
            Operation(
                pattern=context.path_regex,
                methods=frozenset(context.methods),
                operation_id=getattr(context, "operation_id", None),
            )
            for context in iter_route_contexts(routes)
            if context.methods  # what is mounted looks after itself
        ]

    def of(self, method: str, path: str) -> Operation | None:
        """The operation that a request is for."""
        return next((one for one in self._at(path) if method in one.methods), None)

    def allowed(self, path: str) -> str:
        """Every method that a path takes, as the header ``Allow`` names them; empty: no such path.

        HEAD is answered where GET is, and OPTIONS everywhere.
        """
        methods = {method for one in self._at(path) for method in one.methods}
        if GET in methods:
            methods.add(HEAD)
        return ", ".join(sorted(methods | {OPTIONS})) if methods else ""

    def _at(self, path: str) -> list[Operation]:
        return [one for one in self._operations if one.pattern.match(path)]
