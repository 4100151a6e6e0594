"""Messages that a charge point drops its link over when it is asked for them.

Some drop it in place of an answer, which the call itself tells. Others take the question, and then
restart in place of sending the message: that shows only when they are back.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.operations import TriggerKind
from ocpp_server.session import Session

WITHIN: Final = 15.0
"""Seconds after the question in which the end of the link is its doing."""
_REMEMBERED: Final = 600.0
_OUR_LEAVE: Final = frozenset({1001, 1012})


@dataclass(slots=True, eq=False)
class _Asked:
    """A question that was taken, and what it asks for that has yet to come; ``run`` asked it."""

    message: TriggerKind
    session: Session
    at: float
    coming: asyncio.Future[datetime]
    run: str | None


def was_dropped(session: Session, *, asked_at: float) -> bool:
    """Whether the charge point, and not this node, ended the link soon after."""
    sent = session.socket.protocol.close_sent
    if sent is not None and sent.code in _OUR_LEAVE:
        return False
    ended_at = session.ended_at or asyncio.get_running_loop().time()
    return ended_at - asked_at < WITHIN


class Suspects:
    """The newest question to each charge point that was taken and not followed."""

    def __init__(self) -> None:
        self._asked: dict[str, _Asked] = {}

    def note(
        self,
        message: TriggerKind,
        session: Session,
        coming: asyncio.Future[datetime],
        *,
        run: str | None,
    ) -> None:
        """Keep in mind that it has taken the question; ``coming`` is done once it follows it."""
        loop, identity = asyncio.get_running_loop(), session.peer.charge_point_id
        asked = _Asked(message, session, loop.time(), coming, run)
        self._asked[identity] = asked

        def forget() -> None:
            if self._asked.get(identity) is asked:
                del self._asked[identity]

        asked.coming.add_done_callback(lambda _came: forget())
        loop.call_later(_REMEMBERED, forget)

    def convicted(self, session: Session, *, run: str | None) -> TriggerKind | None:
        """Tell which message it dropped the link over that was before this one.

        The run that asked has to find it so. Between two runs it is a person who restarts it, as
        the verdict advises, and it would never be asked again.
        """
        asked = self._asked.get(session.peer.charge_point_id)
        if asked is None or asked.session is session or not asked.session.ended_at:
            return None
        del self._asked[session.peer.charge_point_id]
        if run is None or asked.run != run:
            return None
        return asked.message if was_dropped(asked.session, asked_at=asked.at) else None
