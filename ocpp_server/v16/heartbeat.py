"""Heartbeat (OCPP 1.6 §4.6): answered at once, noted without a row of its own."""

from datetime import datetime

from ocpp_server.dispatch import Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.times import timestamp


def on_heartbeat(peer: Peer, _payload: Payload, now: datetime) -> Reply:
    """Tell the time."""
    peer.told_the_time()
    return Reply(lambda: {"currentTime": timestamp(now)}, heartbeat=True)
