"""What an update of a workflow says of people is kept in a row: its history names the row alone.

A history is kept for weeks after its workflow has ended, read by operators, and erased for nobody.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.errors import NotFoundError
from domain.handover import CompleteHandover
from domain.ids import Prefix, new_id
from domain.invitations import NewInvitation
from domain.service_visits import CloseVisit
from storage.models.projects import RequestWords
from storage.rows import Rows

_WORDS: Final[Mapping[type, Mapping[str, str | None]]] = {
    NewInvitation: {"email": "", "message": None},
    CompleteHandover: {"sign_off_notes": None, "installer_signature": ""},
    CloseVisit: {"sign_off_notes": None, "installer_signature": None, "reason": None},
}
"""Which fields those are, and what stands there instead."""

R = TypeVar("R", bound=NewInvitation | CompleteHandover | CloseVisit)


async def keep_words(
    connection: AsyncConnection, project_id: str, request: R, *, at: datetime
) -> R:
    """Return the request without its words; whoever carries it out finds them by their id."""
    empty = _WORDS[type(request)]
    words_id = new_id(Prefix.WORDS)
    await Rows(connection).add(
        RequestWords,
        id=words_id,
        project_id=project_id,
        words={name: getattr(request, name) for name in empty},
        at=at,
    )
    return replace(request, words_id=words_id, **empty)  # type: ignore[arg-type]


async def with_words(connection: AsyncConnection, request: R) -> R:
    """Return the request as it was made.

    Raises:
        NotFoundError: ``words_gone``; a month is over.

    """
    if request.words_id is None:
        return request
    words = await Rows(connection).value(col(RequestWords.words), request.words_id)
    if words is None:
        raise NotFoundError(
            "words_gone", "What was asked for is kept no more, so it is not done. Ask again."
        )
    return replace(request, words_id=None, **words)
