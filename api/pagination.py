"""Cursor pagination: ``?limit=&cursor=`` in, ``items`` and ``next_cursor`` out."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from domain.errors import FieldError, InvalidError
from domain.ids import Prefix, is_id

T = TypeVar("T")
S = TypeVar("S")
MAX_LIMIT = 200
_MAX_CURSOR = 200


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page")


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRequest:
    """Which page is wanted."""

    limit: int
    cursor: str | None

    def after_id(self, *prefixes: Prefix, suffix: str = "") -> str | None:
        """Read the cursor as the id that ended the page before; some ids have a suffix."""
        identity = self.after_text()
        if identity is not None and not any(
            is_id(prefix, identity.removesuffix(suffix)) for prefix in prefixes
        ):
            raise _invalid_cursor()
        return identity

    def after_number(self) -> int | None:
        """Read the cursor as the number that ended the page before."""
        number = self.after_text()
        if number is None:
            return None
        if not (number.isascii() and number.isdecimal() and len(number) < 19):  # noqa: PLR2004 - 64 bits
            raise _invalid_cursor()
        return int(number)

    def after_text(self) -> str | None:
        """Read the cursor as the text that ended the page before."""
        if self.cursor is None:
            return None
        try:
            padded = self.cursor + "=" * (-len(self.cursor) % 4)
            return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise _invalid_cursor() from error

    def page(
        self, rows: Sequence[S], show: Callable[[S], T], position: Callable[[S], str | int]
    ) -> Page[T]:
        """Compose the page from up to ``limit + 1`` rows; the last tells that there is more."""
        shown = rows[: self.limit]
        more = len(rows) > self.limit
        return Page(
            items=[show(row) for row in shown],
            next_cursor=_encoded(str(position(shown[-1]))) if more else None,
        )

    @property
    def fetch(self) -> int:
        """How many rows to read."""
        return self.limit + 1


def _encoded(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _invalid_cursor() -> InvalidError:
    return InvalidError(
        "invalid_cursor",
        "cursor: give the `next_cursor` of a page of this list.",
        (FieldError(field="cursor", detail="give the `next_cursor` of a page of this list"),),
    )


def _page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items a page")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=_MAX_CURSOR, description="`next_cursor` of the page before")
    ] = None,
) -> PageRequest:
    return PageRequest(limit=limit, cursor=cursor)


Paging = Annotated[PageRequest, Depends(_page_request)]
