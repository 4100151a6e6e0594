"""Which charge points' sockets are on this node: the newest connection of each."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from domain.ports import ChargePointGoneError

if TYPE_CHECKING:
    from ocpp_server.session import Session
    from storage.facts import Watch


class Registry:
    """Sessions by charge point id."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator["Session"]:
        return iter(list(self._sessions.values()))

    def get(self, charge_point_id: str) -> "Session | None":
        """Return the session that speaks for the charge point, if it is here."""
        return self._sessions.get(charge_point_id)

    def require(self, charge_point_id: str) -> "Session":
        """Return the session, or raise ChargePointGoneError."""
        session = self._sessions.get(charge_point_id)
        if session is None:
            raise ChargePointGoneError(charge_point_id)
        return session

    def add(self, session: "Session") -> "Session | None":
        """Let the session speak for its charge point unless a newer one does; return the loser."""
        charge_point_id = session.peer.charge_point_id
        present = self._sessions.get(charge_point_id)
        if present is not None and present.peer.generation > session.peer.generation:
            return session
        self._sessions[charge_point_id] = session
        return present

    def remove(self, session: "Session") -> None:
        """Forget a session that ended; a newer one of the same charge point stays."""
        if self._sessions.get(session.peer.charge_point_id) is session:
            del self._sessions[session.peer.charge_point_id]

    def refresh_watches(
        self, charge_point_ids: Collection[str], watches: "Mapping[str, Watch]"
    ) -> None:
        """Take over what the database says about who watches these charge points."""
        for charge_point_id in charge_point_ids:
            session = self._sessions.get(charge_point_id)
            if session is None:
                continue
            watch = watches.get(charge_point_id)
            session.peer.watched_by = None if watch is None else watch.owner
            session.peer.watched_run = None if watch is None else watch.commissioning_id
