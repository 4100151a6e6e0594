"""Which odd messages of a charge point are noted: in a run all, else each kind once a link."""

from datetime import UTC, datetime
from typing import Final

from domain.rules.oddities import MORE
from ocpp_server.framelog import frame_text
from ocpp_server.peer import Peer
from storage.fact_records import Oddity

_ACTION_COLUMN: Final = 50
_WHAT_COLUMN: Final = 200
_EXCERPT: Final = 300
_LOOKED_AT: Final = 2_000
"""Bytes; what is cut off is masked sooner than need be, and that is not to be in the excerpt."""
_MOST: Final = 50


def oddities(
    peer: Peer,
    action: str | None,
    whats: tuple[str, ...],
    data: bytes,
    *,
    refused: bool = False,
    astray: bool = False,
) -> list[Oddity]:
    """Make the records of what is odd about one frame; few kinds, whatever a charge point sends."""
    found: dict[str, Oddity] = {}
    excerpt: str | None = None
    for what in whats:
        kind = ((action or "")[:_ACTION_COLUMN], what[:_WHAT_COLUMN], refused)
        if kind not in peer.oddities:
            if len(peer.oddities) >= _MOST:
                kind = ("", MORE, refused)
            is_new = kind not in peer.oddities
            peer.oddities.add(kind)
        else:
            is_new = False
        if is_new or peer.watched_run is not None:
            if excerpt is None:
                excerpt = frame_text(data, _LOOKED_AT)[:_EXCERPT]
            found[kind[1]] = Oddity(
                charge_point_id=peer.charge_point_id,
                commissioning_id=peer.watched_run,
                at=datetime.now(UTC),
                action=kind[0],
                what=kind[1],
                refused=refused,
                excerpt=excerpt,
                astray=astray and kind[1] != MORE,
            )
    return list(found.values())
