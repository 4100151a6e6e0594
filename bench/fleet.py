"""Many charge points in one process, as lean as can be: the load must not be the bottleneck.

A frame is masked with the key 0, which leaves the payload as it is (RFC 6455 §5.3), so that nearly
all the time of a benchmark is the server's.
"""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import uvloop

STAMP = "2026-01-02T03:04:05.000Z"
PATIENCE = 60.0
VENDOR, MODEL = "ABB", "Terra AC W22"
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_SHORT, _EXTENDED = 126, 126


def _frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    if len(payload) < _SHORT:
        head = bytes((0x80 | opcode, 0x80 | len(payload)))
    else:
        head = bytes((0x80 | opcode, 0x80 | _EXTENDED)) + len(payload).to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


class Charger(asyncio.Protocol):
    """One charge point: speaks when told, calls back with each reply."""

    def __init__(self, identity: str, on_reply: Callable[["Charger", bytes], None]) -> None:
        self.identity = identity
        self.transaction_id = 0
        self.number = 0
        self.asked = ""
        self.opened = asyncio.get_running_loop().create_future()
        self.lost = asyncio.get_running_loop().create_future()
        self._on_reply = on_reply
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(
            f"GET /{self.identity} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits for the handshake, or for the end."""
        self.lost.set_result(None)
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed in the handshake"))

    def data_received(self, data: bytes) -> None:
        """Read the handshake's end, then frames."""
        self._buffer += data
        if not self._is_open:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self.opened.set_exception(ConnectionError(head.decode().partition("\r\n")[0]))
                return
            self._is_open, self._buffer = True, rest
            self.opened.set_result(None)
        while self._take_frame():
            pass

    def call(self, action: str, payload: str = "{}") -> None:
        """Send a CALL; the payload is JSON."""
        self.number += 1
        self.asked = action
        self._write(_frame(f'[2,"{self.number}","{action}",{payload}]'.encode()))

    def answer(self, message_id: str, payload: str) -> None:
        """Answer a CALL; the payload is JSON."""
        self._write(_frame(f'[3,"{message_id}",{payload}]'.encode()))

    def close(self) -> None:
        """Close as a charge point without manners does."""
        if self._transport is not None:
            self._transport.abort()

    def _take_frame(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        length, start = buffer[1], 2
        if length == _EXTENDED:
            length, start = int.from_bytes(buffer[2:4], "big"), 4
        if len(buffer) < start + length:
            return False
        payload, self._buffer = buffer[start : start + length], buffer[start + length :]
        opcode = buffer[0] & 15
        if opcode == _TEXT:
            self._on_reply(self, payload)
        elif opcode == _PING:
            self._write(_frame(payload, _PONG))
        elif opcode == _CLOSE:
            self.close()
        return True

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


BOOT = json.dumps(
    {"chargePointVendor": VENDOR, "chargePointModel": MODEL, "firmwareVersion": "1.8.21"}
)


def start() -> str:
    """Payload of a StartTransaction; one of an earlier moment would be a repeated one."""
    now = datetime.now(UTC).isoformat()
    return json.dumps({"connectorId": 1, "idTag": "BENCH", "meterStart": 0, "timestamp": now})


def status(connector: int) -> str:
    """Payload of a StatusNotification."""
    return json.dumps({"connectorId": connector, "errorCode": "NoError", "status": "Available"})


def meter_values(transaction_id: int, number: int) -> str:
    """Payload of a MeterValues with three samples."""
    return (
        f'{{"connectorId":1,"transactionId":{transaction_id},"meterValue":[{{"timestamp":"{STAMP}",'
        f'"sampledValue":[{{"value":"{number}","context":"Sample.Periodic","unit":"Wh",'
        '"measurand":"Energy.Active.Import.Register"},{"value":"11000.0","unit":"W",'
        '"context":"Sample.Periodic","measurand":"Power.Active.Import"},{"value":"16.0",'
        '"unit":"A","context":"Sample.Periodic","measurand":"Current.Import","phase":"L1"}]}]}'
    )


@dataclass
class Outcome:
    """What a run of the fleet saw."""

    seconds: float = 0.0
    connected: int = 0
    replies: int = 0
    errors: int = 0
    meter_values: int = 0
    boots_answered: int = 0
    first_error: str = ""
    ready_after: float = 0.0


class Fleet:
    """Charge points of one benchmark."""

    def __init__(
        self, port: int, identities: list[str], *, try_again_after: float | None = None
    ) -> None:
        """``try_again_after`` so many seconds while the server is not there; else it fails."""
        self.port = port
        self.identities = identities
        self._try_again_after = try_again_after
        self.outcome = Outcome()
        self.chargers: list[Charger] = []
        self._missing = 0
        self._all_ready = asyncio.Event()
        self._loading = False

    async def connect(self) -> None:
        """Connect all at once; each boots and reports its connectors; return when all are done."""
        begun = time.perf_counter()
        self._missing = len(self.identities)
        results = await asyncio.gather(
            *(self._connect(identity) for identity in self.identities), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                self._failed(str(result))
                self._one_ready()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._all_ready.wait()
        except TimeoutError:
            self._failed(f"{self._missing} charge points had no answer after {PATIENCE:g} s")
        self.outcome.ready_after = time.perf_counter() - begun

    async def load(self, seconds: float) -> None:
        """Heartbeat and MeterValues in turn, each charge point as fast as it is answered."""
        self._loading = True
        self.outcome.replies = self.outcome.meter_values = 0
        begun = time.perf_counter()
        for charger in self.chargers:
            charger.call("Heartbeat")
        await asyncio.sleep(seconds)
        self._loading = False
        self.outcome.seconds = time.perf_counter() - begun
        await asyncio.sleep(0.5)  # the last replies

    def close(self) -> None:
        """Close every socket."""
        for charger in self.chargers:
            charger.close()

    async def _connect(self, identity: str) -> None:
        while True:
            try:
                charger = await self._open(identity)
                break
            except OSError:
                if self._try_again_after is None:
                    raise
                await asyncio.sleep(self._try_again_after)
        self.chargers.append(charger)
        self.outcome.connected += 1
        charger.call("BootNotification", BOOT)

    async def _open(self, identity: str) -> Charger:
        _, charger = await asyncio.get_running_loop().create_connection(
            lambda: Charger(identity, self._on_reply), "127.0.0.1", self.port
        )
        await charger.opened
        return charger

    def _on_reply(self, charger: Charger, frame: bytes) -> None:
        if not frame.startswith(b"[3,"):
            self._failed(frame.decode()[:300])
            return
        self.outcome.replies += 1
        number = charger.number
        if number == 1:
            self.outcome.boots_answered += b"Accepted" in frame
            charger.call("StatusNotification", status(0))
        elif number == 2:
            charger.call("StatusNotification", status(1))
        elif number == 3:
            charger.call("StartTransaction", start())
        elif number == 4:
            charger.transaction_id = json.loads(frame)[2]["transactionId"]
            self._one_ready()
        elif charger.asked == "Heartbeat":
            if self._loading:
                payload = meter_values(charger.transaction_id, number)
                charger.call("MeterValues", payload)
        else:
            self.outcome.meter_values += 1
            if self._loading:
                charger.call("Heartbeat")

    def _one_ready(self) -> None:
        self._missing -= 1
        if self._missing == 0:
            self._all_ready.set()

    def _failed(self, text: str) -> None:
        self.outcome.errors += 1
        self.outcome.first_error = self.outcome.first_error or text


def in_loop(main: Callable[[], Coroutine[Any, Any, Outcome]]) -> Outcome:
    """Run on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())
