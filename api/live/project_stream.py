"""The stream of a project: the runs of all its charge points over one connection."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Final

from api.live.feeds import Followed
from api.live.projects import ProjectSeen
from api.live.stream import Right, Stream
from api.live.telling import Position, Since, Teller
from domain.checks import RunView

_NAME: Final = 5  # bytes: a thousand runs of a project are told apart, but for one in a billion
_COUNT: Final = 2
_ENDED: Final = 0xFFFF
_MOST: Final = _ENDED - 1
_ALL: Final = 1_000_000


class ProjectListener(Stream[ProjectSeen]):
    """Hears the runs of all charge points of a project.

    The id of an event says how far each run has been heard, so that any server can go on after it.
    """

    def __init__(
        self,
        followed: Followed[ProjectSeen],
        right: Right,
        *,
        project_id: str,
        positions: Mapping[str, Position] | None,
        since: Callable[[str], Since],
    ) -> None:
        """``positions``: by charge points, of who goes on; ``since``: gives it for one of them."""
        super().__init__(followed, right)
        self._project_id = project_id
        self._since = since
        self._is_new = positions is None
        self._tellers = {
            charge_point_id: self._teller(charge_point_id, position)
            for charge_point_id, position in (positions or {}).items()
        }

    async def news(self, newest: ProjectSeen | None) -> AsyncIterator[bytes]:
        """What is new of any charge point's runs."""
        if newest is None:
            return
        seen = {view.charge_point_id: view for view in newest.runs}
        for charge_point_id, teller in list(self._tellers.items()):
            if charge_point_id not in seen:
                for piece in await teller.news(None):  # its run was taken back
                    yield piece
                if teller.position is None or teller.position.ended:
                    del self._tellers[charge_point_id]
        for charge_point_id, view in seen.items():
            if charge_point_id not in self._tellers:
                self._tellers[charge_point_id] = self._teller(charge_point_id, self._first(view))
        self._is_new = False
        for charge_point_id, view in seen.items():
            for piece in await self._tellers[charge_point_id].news(view):
                yield piece

    def outage(self) -> str | None:
        """Why there is no news, or none of open runs."""
        seen = self._feed.newest
        return self._feed.outage or (seen.outage if seen else None)

    def _first(self, view: RunView) -> Position | None:
        """Where to begin: of what had ended before anybody listened, the verdict is enough."""
        if self._is_new and not view.status.is_open:
            return Position(run=view.commissioning_id, heard=_ALL)
        return None

    def _teller(self, charge_point_id: str, position: Position | None) -> Teller:
        return Teller(
            position=position, since=self._since(charge_point_id), event_id=self._event_id
        )

    def _event_id(self) -> str:
        positions = (teller.position for teller in self._tellers.values())
        return f"{self._project_id}/{written(one for one in positions if one is not None)}"


def written(positions: Iterable[Position]) -> str:
    """Write down how far runs were heard; one that nothing was told of is left out."""
    packed = b"".join(
        _name(one.run) + (_ENDED if one.ended else min(one.heard, _MOST)).to_bytes(_COUNT, "big")
        for one in positions
        if one.ended or 0 < one.heard < _ALL
    )
    return urlsafe_b64encode(packed).decode().rstrip("=")


def read(text: str, runs: Mapping[str, str]) -> Mapping[str, Position]:
    """Read how far the runs were heard; ``runs`` gives their charge points. Gives it by these.

    A run that is not among them is forgotten.

    Raises:
        ValueError: It is not what :func:`written` writes.

    """
    packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    size = _NAME + _COUNT
    if len(packed) % size:
        raise ValueError("it is not whole")
    counts = {
        packed[at : at + _NAME]: int.from_bytes(packed[at + _NAME : at + size], "big")
        for at in range(0, len(packed), size)
    }
    positions = {}
    for run, charge_point_id in runs.items():
        count = counts.get(_name(run))
        if count is not None:
            positions[charge_point_id] = (
                Position(run=run, ended=True) if count == _ENDED else Position(run=run, heard=count)
            )
    return positions


def _name(run: str) -> bytes:
    return blake2b(run.encode(), digest_size=_NAME).digest()
