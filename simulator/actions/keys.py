"""GetConfiguration and ChangeConfiguration (OCPP 1.6, sections 5.8 and 5.3)."""

from simulator.configuration import decode_key
from simulator.events import EventKind
from simulator.fault import Fault
from simulator.frames import CallRejected, Payload
from simulator.hardware import Hardware
from simulator.link import Answer
from simulator.power import Downtime
from simulator.words import Answered, ErrorCode

FAULTY_KEY = "metervaluesampleinterval"
LIST_KEY = "localauthlistenabled"
LACKED_KEY = "AuthorizationCacheEnabled"
_NEEDING_REBOOT = (
    Fault.NEEDS_REBOOT_FOR_KEY,
    Fault.REPORTS_BEFORE_REBOOT,
    Fault.MUTE_BEFORE_REBOOT,
)


def get_configuration(hardware: Hardware, payload: Payload) -> Answer | None:
    """Answer with the keys that were asked for."""
    configuration = hardware.station.configuration
    names: list[str] = payload.get("key", [])
    if not names and hardware.station.has(Fault.DROPS_ON_ALL_KEYS):
        hardware.power.hang_up(Downtime(seconds=0, politely=False))
        return None
    if configuration.waits_for_reboot and hardware.station.has(Fault.MUTE_BEFORE_REBOOT):
        raise CallRejected(ErrorCode.INTERNAL_ERROR, "restart me first")
    if hardware.station.has(Fault.LACKS_KEY):
        configuration.lack(LACKED_KEY)
    most = configuration.integer("GetConfigurationMaxKeys")
    if len(names) > most:
        raise CallRejected(ErrorCode.OCCURRENCE_CONSTRAINT, f"more than {most} keys")
    early = hardware.station.has(Fault.REPORTS_BEFORE_REBOOT)
    return Answer(configuration.describe(names, early=early))


def change_configuration(hardware: Hardware, payload: Payload) -> Answer | None:
    """Change one key, and act on the change."""
    station = hardware.station
    if station.has(Fault.MISSES_CHANGE) and not station.configuration.missed_change:
        station.configuration.missed_change = True
        return None
    if station.has(Fault.LACKS_KEY):
        station.configuration.lack(LACKED_KEY)
    name, value = payload["key"], payload["value"]
    faulty = name.lower() == FAULTY_KEY
    if faulty and station.has(Fault.REJECTS_KEY):
        return Answer({"status": Answered.REJECTED})
    needs_reboot = faulty and any(map(station.has, _NEEDING_REBOOT))
    needs_reboot |= name.lower() == LIST_KEY and station.has(Fault.LIST_AFTER_REBOOT)
    status = station.configuration.change(name, value, needs_reboot=needs_reboot)
    if status is Answered.ACCEPTED:
        station.events.emit(EventKind.CONFIGURED, f"{name} = {_shown(name, value)}")
        return Answer({"status": status}, lambda: _act(hardware, name.lower(), value))
    return Answer({"status": status})


def _shown(name: str, value: str) -> str:
    return "(secret)" if name.lower() == "authorizationkey" else value


def _act(hardware: Hardware, name: str, value: str) -> None:
    match name:
        case "heartbeatinterval":
            hardware.registration.interval_changed()
        case "metervaluesampleinterval":
            hardware.metering.interval_changed()
            hardware.power.boot_loop()
        case "authorizationkey":
            hardware.use_password(decode_key(value) or b"")
            if hardware.station.profile.reconnects_for_new_key:
                hardware.power.hang_up(Downtime(seconds=0, politely=True))
        case _:
            pass
