"""Local list, cache and vendor data (OCPP 1.6, sections 5.10, 5.15, 5.4 and 5.6)."""

from typing import Final

from simulator.fault import Fault
from simulator.frames import CallRejected, Payload
from simulator.hardware import Hardware
from simulator.link import Answer
from simulator.power import Downtime
from simulator.words import Answered, ErrorCode

NO_LIST: Final = -1
"""listVersion of who has no local list (section 5.10)."""


def get_local_list_version(hardware: Hardware, _payload: Payload) -> Answer:
    """Answer the version of the local authorisation list."""
    station = hardware.station
    _refuse_unknown(hardware, "GetLocalListVersion")
    version = NO_LIST if station.has(Fault.NO_LOCAL_LIST) else station.known_tags.version
    return Answer(
        {"listVersion": str(version) if station.has(Fault.LIST_VERSION_AS_TEXT) else version}
    )


def send_local_list(hardware: Hardware, payload: Payload) -> Answer | None:
    """Take a list, or what is to change in it."""
    station = hardware.station
    _refuse_unknown(hardware, "SendLocalList")
    if station.has(Fault.NO_LOCAL_LIST):
        return Answer({"status": Answered.NOT_SUPPORTED})
    if station.has(Fault.DROPS_ON_LIST):
        hardware.power.hang_up(Downtime(seconds=0, politely=False))
        return None
    if station.has(Fault.MUTE_ON_LIST):
        return None
    return Answer({"status": station.known_tags.update(payload)})


def clear_cache(hardware: Hardware, _payload: Payload) -> Answer:
    """Forget the id tags that were seen."""
    hardware.station.known_tags.clear_cache()
    return Answer({"status": Answered.ACCEPTED})


def data_transfer(_hardware: Hardware, _payload: Payload) -> Answer:
    """Know no vendor's messages."""
    return Answer({"status": Answered.UNKNOWN_VENDOR_ID})


def _refuse_unknown(hardware: Hardware, action: str) -> None:
    if hardware.station.has(Fault.LACKS_LISTS):
        raise CallRejected(ErrorCode.NOT_IMPLEMENTED, f"{action} is not implemented")
