"""Local list, cache and vendor data (OCPP 1.6, sections 5.10, 5.15, 5.4 and 5.6)."""

from simulator.frames import Payload
from simulator.hardware import Hardware
from simulator.link import Answer
from simulator.words import Answered


def get_local_list_version(hardware: Hardware, _payload: Payload) -> Answer:
    """Answer the version of the local authorisation list."""
    return Answer({"listVersion": hardware.station.local_list_version})


def send_local_list(hardware: Hardware, payload: Payload) -> Answer:
    """Take a list; a differential one must be newer than what is there."""
    station = hardware.station
    version = payload["listVersion"]
    if payload["updateType"] == "Differential" and version <= station.local_list_version:
        return Answer({"status": Answered.VERSION_MISMATCH})
    station.local_list_version = version
    return Answer({"status": Answered.ACCEPTED})


def clear_cache(_hardware: Hardware, _payload: Payload) -> Answer:
    """Forget the id tags that were seen."""
    return Answer({"status": Answered.ACCEPTED})


def data_transfer(_hardware: Hardware, _payload: Payload) -> Answer:
    """Know no vendor's messages."""
    return Answer({"status": Answered.UNKNOWN_VENDOR_ID})
