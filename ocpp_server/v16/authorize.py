"""Authorize (OCPP 1.6 §4.1): only the tag of this charge point's open commissioning run."""

from datetime import datetime

from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer
from storage.fact_records import Authorization

ID_TAG_COLUMN = 40


def id_tag_info(*, accepted: bool) -> Payload:
    """Return ``idTagInfo`` (OCPP 1.6 §7.27)."""
    return {"status": "Accepted" if accepted else "Invalid"}


def on_authorize(peer: Peer, payload: Payload, _now: datetime) -> Reply:
    """Accept or refuse the tag."""
    asked = Authorization(
        charge_point_id=peer.charge_point_id, id_tag=payload["idTag"][:ID_TAG_COLUMN]
    )
    return Reply(lambda: {"idTagInfo": id_tag_info(accepted=asked.accepted)}, asked)
