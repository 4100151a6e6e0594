"""Set-, Clear- and composite charging profiles (OCPP 1.6, sections 5.16, 5.5 and 5.7)."""

from collections.abc import Collection

from simulator.fault import Fault
from simulator.frames import CallRejected, Payload
from simulator.hardware import Hardware
from simulator.link import Answer
from simulator.smart_charging import Purpose
from simulator.words import Answered, ErrorCode

LONGEST_SCHEDULE_SECONDS = 7 * 86_400


def install(hardware: Hardware, payload: Payload) -> Answer:
    """Install a charging profile, and draw what it allows."""
    station = hardware.station
    connector = station.connector(payload["connectorId"])
    if connector is None or refuses(station.faults, payload["csChargingProfiles"]):
        return Answer({"status": Answered.REJECTED})
    if station.has(Fault.IGNORES_PROFILES):
        return Answer({"status": Answered.ACCEPTED})
    try:
        status = station.charging_profiles.install(
            connector.id,
            payload["csChargingProfiles"],
            transaction=connector.transaction is not None,
        )
    except ValueError as error:
        raise CallRejected(ErrorCode.PROPERTY_CONSTRAINT, str(error)) from error
    return Answer({"status": status}, hardware.metering.adjust_all)


def clear(hardware: Hardware, payload: Payload) -> Answer:
    """Remove the charging profiles that match."""
    status = hardware.station.charging_profiles.clear(payload)
    return Answer({"status": status}, hardware.metering.adjust_all)


def composite(hardware: Hardware, payload: Payload) -> Answer:
    """Answer with what the installed profiles amount to."""
    station = hardware.station
    connector = station.connector(payload["connectorId"])
    untold = station.has(Fault.NO_COMPOSITE_SCHEDULE) or station.has(Fault.IGNORES_PROFILES)
    if connector is None or untold:
        return Answer({"status": Answered.REJECTED})
    duration = min(payload["duration"], LONGEST_SCHEDULE_SECONDS)
    leaves_out = station.has(Fault.IDLE_SCHEDULE) and connector.transaction is None
    periods = station.charging_profiles.composite(
        connector.id, station.now(), duration, with_default=not leaves_out
    )
    start = station.timestamp()
    return Answer(
        {
            "status": Answered.ACCEPTED,
            "connectorId": connector.id,
            "scheduleStart": start,
            "chargingSchedule": {
                "duration": duration,
                "startSchedule": start,
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": periods,
            },
        }
    )


def refuses(faults: Collection[Fault], profile: Payload) -> bool:
    """Whether a charge point with such faults answers Rejected to a charging profile."""
    schedule = profile["chargingSchedule"]
    refused = {
        Fault.REJECTS_PROFILES: True,
        Fault.TAKES_WATTS: schedule["chargingRateUnit"] == "A",
        Fault.TAKES_AMPERES: schedule["chargingRateUnit"] == "W",
        Fault.REFUSES_ZERO: any(one["limit"] <= 0 for one in schedule["chargingSchedulePeriod"]),
        Fault.NO_STATION_PROFILE: profile["chargingProfilePurpose"] == Purpose.STATION,
        Fault.NO_SESSION_PROFILE: profile["chargingProfilePurpose"] == Purpose.TRANSACTION,
    }
    return any(applies and fault in faults for fault, applies in refused.items())
