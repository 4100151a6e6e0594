"""Which charge points' sockets are on this node: the newest connection of each."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from domain.ports import ChargePointGoneError

if TYPE_CHECKING:
    from domain.contests import Contest
    from ocpp_server.session import Session
    from storage.snapshots import Watch


class Registry:
    """Sessions by charge point id.

    One session speaks for a charge point, or, in a contest, none of several: then it is as if it
    were not here for whoever wants to tell it anything.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._rivals: dict[str, list[Session]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator["Session"]:
        """Go over all sessions, those in contests too."""
        rivals = (session for sessions in self._rivals.values() for session in sessions)
        return iter([*self._sessions.values(), *rivals])

    def get(self, charge_point_id: str) -> "Session | None":
        """Return the session that speaks for the charge point, if it is here."""
        return self._sessions.get(charge_point_id)

    def all_of(self, charge_point_id: str) -> "list[Session]":
        """Return every session of the charge point that is here."""
        speaking = self._sessions.get(charge_point_id)
        rivals = self._rivals.get(charge_point_id, [])
        return [*rivals] if speaking is None else [speaking, *rivals]

    def require(self, charge_point_id: str) -> "Session":
        """Return the session, or raise ChargePointGoneError."""
        session = self._sessions.get(charge_point_id)
        if session is None:
            raise ChargePointGoneError(charge_point_id)
        return session

    def add(self, session: "Session") -> "list[Session]":
        """Let it speak for its charge point unless a newer one does; return those that lose."""
        charge_point_id = session.peer.charge_point_id
        others = [other for other in self.all_of(charge_point_id) if other is not session]
        newer = [one for one in others if one.peer.generation > session.peer.generation]
        if newer and not session.peer.contested:
            return [session]
        self._rivals.pop(charge_point_id, None)
        session.peer.contested = False
        self._sessions[charge_point_id] = session
        return others

    def contest(self, session: "Session", contest: "Contest") -> "list[Session]":
        """Let none of the sessions here speak; those whose place it has taken are returned."""
        charge_point_id = session.peer.charge_point_id
        others = [other for other in self.all_of(charge_point_id) if other is not session]
        address, newest = session.peer.remote_address, session.peer.generation
        losers = [
            one
            for one in others
            if one.peer.remote_address == address
            or (
                one.peer.generation < newest  # newer ones came after it was written down
                and not any(link.is_one_of({one.peer.generation}) for link in contest.links)
            )
        ]
        self._sessions.pop(charge_point_id, None)
        self._rivals[charge_point_id] = [one for one in others if one not in losers] + [session]
        for one in self._rivals[charge_point_id]:
            one.peer.contested = True
        return losers

    def remove(self, session: "Session") -> None:
        """Forget a session that ended; a newer one of the same charge point stays."""
        charge_point_id = session.peer.charge_point_id
        if self._sessions.get(charge_point_id) is session:
            del self._sessions[charge_point_id]
        rivals = self._rivals.get(charge_point_id, [])
        if session in rivals:
            rivals.remove(session)
            if not rivals:
                del self._rivals[charge_point_id]

    def refresh_watches(
        self, charge_point_ids: Collection[str], watches: "Mapping[str, Watch]"
    ) -> None:
        """Take over what the database says about who watches these charge points."""
        for charge_point_id in charge_point_ids:
            watch = watches.get(charge_point_id)
            for session in self.all_of(charge_point_id):
                session.peer.watched_by = None if watch is None else watch.owner
                session.peer.watched_run = None if watch is None else watch.commissioning_id
