"""BootNotification and Heartbeat (OCPP 1.6 §4.2, §4.6): Pending until it is provisioned."""

from datetime import datetime
from typing import Any, Final

from domain.facts import BootFact
from domain.ids import Prefix, new_id
from domain.states import RegistrationStatus
from ocpp_server.dispatch import Handler, Payload, Reply
from ocpp_server.peer import Peer
from ocpp_server.v16.fields import timestamp
from storage.fact_records import Boot

_COLUMN: Final = 100
_LIMITS: Final = {
    "chargePointVendor": 20,
    "chargePointModel": 20,
    "chargePointSerialNumber": 25,
    "chargeBoxSerialNumber": 25,
    "firmwareVersion": 50,
    "iccid": 20,
    "imsi": 20,
    "meterType": 25,
    "meterSerialNumber": 25,
}
_NAMES: Final = {name.casefold(): name for name in _LIMITS}
_REQUIRED: Final = ("chargePointVendor", "chargePointModel")
_MAX_WARNINGS: Final = 20


def handler(*, boot_retry_interval: int, heartbeat_interval: int) -> Handler:
    """Make the handler; both intervals are in seconds."""

    def on_boot(peer: Peer, payload: Payload, now: datetime) -> Reply:
        boot = read_boot(peer.charge_point_id, payload, now)
        peer.heartbeat_told_to = None
        peer.clock_is_new = True
        peer.tell(
            "charge_point_booted",
            vendor=boot.fact.vendor,
            model=boot.fact.model,
            firmware_version=boot.fact.firmware_version,
        )

        def reply() -> Payload:
            interval = boot_retry_interval
            if boot.fact.registration is RegistrationStatus.ACCEPTED:
                desired = (boot.heartbeat_interval or "").strip()
                interval = (int(desired) if desired.isdecimal() else 0) or heartbeat_interval
            peer.heartbeat_interval = interval
            return {
                "status": boot.fact.registration,
                "currentTime": timestamp(),
                "interval": interval,
            }

        return Reply(reply, (boot,))

    return on_boot


def on_heartbeat(peer: Peer, _payload: Payload, now: datetime) -> Reply:
    """Tell the time at once; it is noted without a row of its own."""
    peer.clock_is_new = True
    return Reply(lambda: {"currentTime": timestamp(now)}, heartbeat=True)


def read_boot(charge_point_id: str, payload: Payload, now: datetime) -> Boot:
    """Read a boot with our own eyes: breaks of the schema become warnings.

    Nothing in it is essential: whose it is, its connection says. A charge point that is refused
    here never comes into service, and nobody on site can change what its firmware sends.
    """
    texts = {
        name: str(value)[:_COLUMN]
        for key, value in payload.items()
        if (name := _NAMES.get(key.casefold())) and isinstance(value, str | int | float)
    }
    fact = BootFact(
        boot_id=new_id(Prefix.EVENT),
        at=now,
        vendor=texts.get("chargePointVendor", ""),
        model=texts.get("chargePointModel", ""),
        charge_point_serial=texts.get("chargePointSerialNumber"),
        charge_box_serial=texts.get("chargeBoxSerialNumber"),
        firmware_version=texts.get("firmwareVersion"),
        registration=RegistrationStatus.PENDING,
        warnings=tuple(_warnings(payload)[:_MAX_WARNINGS]),
    )
    return Boot(charge_point_id=charge_point_id, fact=fact, payload=texts)


def _warnings(payload: dict[str, Any]) -> list[str]:
    known = {key.casefold() for key in payload}
    found = [f"{key} is missing" for key in _REQUIRED if key.casefold() not in known]
    for said, value in payload.items():
        key = _NAMES.get(said.casefold(), said)
        limit = _LIMITS.get(key)
        if key != said:
            found.append(f"{key} is written {said[:50]!r}")
        if limit is None:
            found.append(f"{key[:50]!r} is no field of BootNotification")
        elif not isinstance(value, str):
            found.append(f"{key} is no text")
        elif len(value) > limit:
            found.append(f"{key} has {len(value)} characters, the standard allows {limit}")
        elif key in _REQUIRED and not value.strip():
            found.append(f"{key} is empty")
    return found
