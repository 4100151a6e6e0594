"""Activities that are declared where workflows see them, and done by whoever has what they need."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial, update_wrapper
from inspect import isfunction
from typing import Any

Activity = Callable[..., Awaitable[Any]]


async def do(part: object, name: str, *request: Any) -> Any:
    """Call the method of that name."""
    return await getattr(part, name)(*request)


def done_by(part: object, signatures: type, do: Activity = do) -> Iterator[Activity]:
    """Give the activities of a class of signatures, done by the methods of ``part`` of their names.

    ``do`` is called with the part, the name and the request.
    """
    for name, signature in vars(signatures).items():
        if isfunction(signature) and not name.startswith("_"):
            # With the name it takes over the definition as an activity, which is an attribute.
            yield update_wrapper(partial(do, part, name), signature)


def activities_of(*parts: object) -> Iterator[Activity]:
    """Give the activities of parts whose public methods all are activities."""
    for part in parts:
        for name in vars(type(part)):
            if not name.startswith("_"):
                yield getattr(part, name)
