"""RemoteStartTransaction and RemoteStopTransaction (OCPP 1.6, sections 5.11 and 5.12)."""

from functools import partial

from simulator.connector import Connector
from simulator.fault import Fault
from simulator.frames import Payload
from simulator.hardware import Hardware
from simulator.link import Answer
from simulator.smart_charging import Purpose
from simulator.words import Answered, Reason

OWN_TAG = "FREEVEND"
ACCEPTED = Answer({"status": Answered.ACCEPTED})
REJECTED = Answer({"status": Answered.REJECTED})


def start(hardware: Hardware, payload: Payload) -> Answer:
    """Accept an id tag for a connector that is free; all else follows from events."""
    station = hardware.station
    id_tag = payload["idTag"]
    station.id_tags[id_tag] += 1
    connector = _chosen(hardware, payload.get("connectorId"))
    if connector is None or not station.accepted or station.has(Fault.REJECTS_START):
        return REJECTED
    if station.has(Fault.START_ACCEPTED_NOTHING_FOLLOWS):
        return ACCEPTED
    profile = payload.get("chargingProfile")
    if profile is not None and not _installed(hardware, connector, profile):
        return REJECTED
    by_itself = station.has(Fault.STARTS_BY_ITSELF)
    ask = station.configuration.boolean("AuthorizeRemoteTxRequests") and not by_itself
    used = OWN_TAG if by_itself else id_tag
    begin = partial(hardware.charging.authorize, connector, used, ask=ask)
    return Answer({"status": Answered.ACCEPTED}, begin)


def stop(hardware: Hardware, payload: Payload) -> Answer:
    """End a transaction that is running here."""
    station = hardware.station
    for connector in station.outlets:
        transaction = connector.transaction
        if transaction is not None and transaction.transaction_id == payload["transactionId"]:
            if station.has(Fault.IGNORES_STOP):
                return ACCEPTED
            return Answer(
                {"status": Answered.ACCEPTED},
                partial(hardware.charging.stop, connector, Reason.REMOTE),
            )
    return REJECTED


def _installed(hardware: Hardware, connector: Connector, profile: Payload) -> bool:
    if profile["chargingProfilePurpose"] != Purpose.TRANSACTION:
        return False
    try:
        status = hardware.station.charging_profiles.install(connector.id, profile, transaction=True)
    except ValueError:
        return False
    return status is Answered.ACCEPTED


def _chosen(hardware: Hardware, number: object) -> Connector | None:
    station = hardware.station
    if station.connectors[0].faulted or not station.connectors[0].operative:
        return None
    candidates = station.outlets if number is None else [station.connector(number)]
    for connector in candidates:
        if connector is None or connector.id == 0:
            continue
        if connector.startable and connector.authorized is None:
            return connector
    return None
