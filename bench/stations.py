"""Charge points that do their part of a run at once, many in one process.

``python -m bench.stations <ws port>`` connects a charge point for each line of its standard input
(identity and serial number); as soon as its boot is answered it prints the identity, and when the
connection was made. Lean, as in :mod:`bench.fleet`, so that a run's cost is the engine's.
"""

import asyncio
import json
import sys
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

import uvloop

from bench.fleet import MODEL, VENDOR, Charger

POWER_W = 3_600_000.0
"""One watt-hour a millisecond: the register has moved as soon as anybody looks."""
METER_VALUES = 3
_KEYS = {
    "AuthorizationCacheEnabled": "true",
    "ClockAlignedDataInterval": "0",
    "ConnectionTimeOut": "60",
    "GetConfigurationMaxKeys": "50",
    "HeartbeatInterval": "300",
    "LocalPreAuthorize": "true",
    "MaxChargingProfilesInstalled": "10",
    "MeterValueSampleInterval": "60",
    "MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import",
    "NumberOfConnectors": "1",
    "SupportedFeatureProfiles": "Core,SmartCharging,RemoteTrigger",
}
Payload = dict[str, Any]


class Station:
    """One connector, always with a vehicle that wants to charge."""

    def __init__(self, port: int, identity: str, serial: str) -> None:
        self._port = port
        self._identity = identity
        self._serial = serial
        self._charger = Charger(identity, self._on_frame)
        self._keys = dict(_KEYS)
        self._outbox: deque[tuple[str, Payload]] = deque()
        self._in_flight = ""
        self._status = "Available"
        self._connected_at = 0.0
        self._began = 0.0
        self._transaction_id = 0
        self._id_tag = ""

    async def connect(self) -> None:
        """Connect and boot."""
        await asyncio.get_running_loop().create_connection(
            lambda: self._charger, "127.0.0.1", self._port
        )
        await self._charger.opened
        self._connected_at = time.time()
        self._boot()

    def _boot(self) -> None:
        self._call(
            "BootNotification",
            chargePointVendor=VENDOR,
            chargePointModel=MODEL,
            chargePointSerialNumber=self._serial,
            firmwareVersion="1.8.21",
        )

    def _call(self, action: str, **payload: Any) -> None:
        self._outbox.append((action, payload))
        self._send_next()

    def _send_next(self) -> None:
        if self._outbox and not self._in_flight:
            action, payload = self._outbox.popleft()
            self._in_flight = action
            if action == "MeterValues":  # the id is known only now
                payload |= {"transactionId": self._transaction_id, "meterValue": [self._reading()]}
            self._charger.call(action, json.dumps(payload))

    def _on_frame(self, _charger: Charger, frame: bytes) -> None:
        match json.loads(frame):
            case [2, message_id, action, payload]:
                self._serve(message_id, action, payload)
            case [3, _, payload]:
                answered, self._in_flight = self._in_flight, ""
                self._answered(answered, payload)
                self._send_next()
            case other:
                sys.exit(f"{self._identity} got {other}")

    def _answered(self, action: str, payload: Payload) -> None:
        if action == "BootNotification":
            if payload["status"] == "Accepted":
                self._report(0, "Available")
                self._report(1, self._status)
            print(self._identity, self._connected_at, flush=True)
        elif action == "StartTransaction":
            self._transaction_id = payload["transactionId"]

    def _serve(self, message_id: str, action: str, payload: Payload) -> None:
        answer: Payload = {"status": "Accepted"}
        if action == "GetConfiguration":
            wanted = payload.get("key") or list(self._keys)
            answer = {
                "configurationKey": [
                    {"key": key, "value": self._keys[key], "readonly": False} for key in wanted
                ]
            }
        elif action == "ChangeConfiguration":
            self._keys[payload["key"]] = payload["value"]
        self._charger.answer(message_id, json.dumps(answer))
        if action == "TriggerMessage":
            self._triggered(payload["requestedMessage"])
        elif action == "RemoteStartTransaction":
            self._start(payload["idTag"])
        elif action == "RemoteStopTransaction":
            self._stop()

    def _triggered(self, message: str) -> None:
        if message == "BootNotification":
            self._boot()
        elif message == "Heartbeat":
            self._call("Heartbeat")
        elif message == "StatusNotification":
            self._report(1, self._status)
        elif message == "MeterValues":
            self._call("MeterValues", connectorId=1)

    def _start(self, id_tag: str) -> None:
        self._id_tag, self._began = id_tag, time.time()
        self._report(1, "Preparing")
        self._call(
            "StartTransaction",
            connectorId=1,
            idTag=id_tag,
            meterStart=self._register(),
            timestamp=_now(),
        )
        self._report(1, "Charging")
        for _ in range(METER_VALUES):
            self._call("MeterValues", connectorId=1)

    def _stop(self) -> None:
        self._call(
            "StopTransaction",
            transactionId=self._transaction_id,
            idTag=self._id_tag,
            meterStop=self._register(),
            timestamp=_now(),
            reason="Remote",
        )
        self._report(1, "Finishing")
        self._report(1, "Available")

    def _report(self, connector: int, status: str) -> None:
        if connector:
            self._status = status
        self._call(
            "StatusNotification",
            connectorId=connector,
            errorCode="NoError",
            status=status,
            timestamp=_now(),
        )

    def _register(self) -> int:
        return int((time.time() - self._began) * POWER_W / 3600)

    def _reading(self) -> Payload:
        return {
            "timestamp": _now(),
            "sampledValue": [
                {"value": str(self._register()), "unit": "Wh"},
                {"value": str(POWER_W), "unit": "W", "measurand": "Power.Active.Import"},
            ],
        }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def serve(port: int) -> None:
    """Connect a charge point for each line, until there are no more and the input is closed."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    connecting: set[asyncio.Task[None]] = set()
    while line := await lines.readline():
        identity, serial = line.decode().split()
        task = asyncio.create_task(Station(port, identity, serial).connect())
        connecting.add(task)
        task.add_done_callback(connecting.discard)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
