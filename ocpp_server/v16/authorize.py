"""Authorize (OCPP 1.6 §4.1): only the tag of this charge point's open commissioning run."""

from datetime import datetime

from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.fields import missing, text
from storage.fact_records import Authorization

ID_TAG_COLUMN = 40


def id_tag_info(*, accepted: bool) -> Payload:
    """Return ``idTagInfo`` (OCPP 1.6 §7.27)."""
    return {"status": "Accepted" if accepted else "Invalid"}


def on_authorize(peer: Peer, payload: Payload, _now: datetime) -> Reply:
    """Accept or refuse the tag."""
    id_tag = text(payload, "idTag", ID_TAG_COLUMN)
    if id_tag is None:
        raise missing("idTag")
    asked = Authorization(charge_point_id=peer.charge_point_id, id_tag=id_tag)
    return Reply(lambda: {"idTagInfo": id_tag_info(accepted=asked.accepted)}, (asked,))
