"""Activities that are declared where workflows see them, and done by whoever has what they need."""

from collections.abc import Awaitable, Callable, Iterator
from functools import wraps
from inspect import isfunction
from typing import Any

Activity = Callable[..., Awaitable[Any]]


def done_by(
    part: object,
    signatures: type,
    around: Callable[[Awaitable[Any]], Awaitable[Any]] = lambda call: call,
) -> Iterator[Activity]:
    """Give the activities of a class of signatures, done by the methods of ``part`` of their names.

    ``around`` is what each call of them is awaited in.
    """
    for name, signature in vars(signatures).items():
        if isfunction(signature) and not name.startswith("_"):

            @wraps(getattr(part, name))
            async def run(*request: Any, name: str = name) -> Any:
                return await around(getattr(part, name)(*request))

            vars(run).update(vars(signature))  # the definition as an activity is an attribute
            yield run


def activities_of(*parts: object) -> Iterator[Activity]:
    """Give the activities of parts whose public methods all are activities."""
    for part in parts:
        for name in vars(type(part)):
            if not name.startswith("_"):
                yield getattr(part, name)
