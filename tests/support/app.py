"""The API's routes, made once: that takes longer than most tests last, and they are all the same.

What a test composes goes into ``state.parts``.
"""

from functools import cache

from fastapi import FastAPI

from api.app import bare_app
from api.parts import Parts


def app_of(parts: Parts) -> FastAPI:
    """Give the app, with these parts in it."""
    app = _bare_app()
    app.middleware_stack = None  # it is of the event loop before
    app.state.parts = parts
    return app


@cache
def _bare_app() -> FastAPI:
    return bare_app()
