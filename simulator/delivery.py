"""Sending what is in the outbox: one call in flight, retries of what must not be lost."""

import asyncio
import uuid
from contextlib import suppress

from websockets.exceptions import ConnectionClosed

from simulator import frames
from simulator.fault import Fault
from simulator.hardware import Hardware
from simulator.link import CallTimeout, Link, LinkError
from simulator.outbox import Outgoing
from simulator.payload_faults import with_faults
from simulator.station import Station
from simulator.words import Action

CUT_AT = 150
MAX_SILENT_CALLS = 3
"""After so many calls without an answer the link is taken for dead."""
REPEATED = frozenset({Action.START_TRANSACTION, Action.STOP_TRANSACTION})
GARBAGE = ('{"no": "array"}', "[2", '[2,"1"]', "\x00\x01", '[9,"x",{}]', '[3,"nobody-asked",{}]')


async def deliver(hardware: Hardware, link: Link, *, within: float) -> None:
    """Send for as long as the connection lasts; wait `within` seconds for each answer."""
    with suppress(ConnectionClosed):
        await _deliver(hardware, link, within)


async def _deliver(hardware: Hardware, link: Link, within: float) -> None:
    station = hardware.station
    silent_calls = 0
    while True:
        item = await station.outbox.next(lambda: station.accepted)
        if station.has(Fault.SILENT):
            station.outbox.remove(item)
            continue
        if station.has(Fault.GARBAGE_FRAMES):
            await link.socket.send(station.random.choice(GARBAGE))
        try:
            await _send(hardware, link, item, within)
        except CallTimeout:
            silent_calls += 1
            _failed(station, item)
            if silent_calls >= MAX_SILENT_CALLS:
                await link.socket.close()
        except LinkError:
            _failed(station, item)
        else:
            silent_calls = 0


async def _send(hardware: Hardware, link: Link, item: Outgoing, within: float) -> None:
    station = hardware.station
    payload = with_faults(station, item.action, item.payload())
    station.sent[item.action] += 1
    if item.action == Action.METER_VALUES and station.has(Fault.BROKEN_METER_VALUES):
        await link.socket.send(frames.render_call(str(uuid.uuid4()), item.action, payload)[:CUT_AT])
        station.outbox.remove(item)  # nobody can answer it
        return
    reply = await link.call(item.action, payload, within=within)
    if item.action in REPEATED and station.has(Fault.REPEATS_TRANSACTION_MESSAGES):
        reply = await link.call(item.action, payload, within=within)
    if item.action == Action.START_TRANSACTION and station.has(Fault.STAMPS_REPEATS_ANEW):
        await asyncio.sleep(0.01)  # so that the stamp, in milliseconds, is another
        anew = payload | {"timestamp": station.timestamp()}
        reply = await link.call(item.action, anew, within=within)
    station.outbox.remove(item)
    item.on_reply(reply)
    if item.action == Action.START_TRANSACTION:
        hardware.power.transaction_began()
    station.events.changed()


def _failed(station: Station, item: Outgoing) -> None:
    """Try a transaction-related call again later, as section 3.7.1 has it; give up others."""
    item.attempts += 1
    attempts = station.configuration.integer("TransactionMessageAttempts")
    if item.durable and item.attempts < attempts:
        interval = station.configuration.integer("TransactionMessageRetryInterval")
        wait = station.timers.scaled(interval * item.attempts)
        item.not_before = asyncio.get_running_loop().time() + wait
        return
    station.outbox.remove(item)
    item.on_failure()
