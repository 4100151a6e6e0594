"""`dynamo simulate`: virtual charge points from the command line."""

import asyncio
import resource
import signal
from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.charge_point import VirtualChargePoint
from simulator.events import Event, EventKind
from simulator.fault import Fault
from simulator.profile import ABB_TERRA_AC_W22, MODELS, Profile, find_model

INTERRUPTED = 130
"""Exit code of a command that was ended by Ctrl-C."""
FILES_BESIDE_SOCKETS = 64
_COLOURS = {
    EventKind.REFUSED: "red",
    EventKind.UNREACHABLE: "yellow",
    EventKind.DISCONNECTED: "yellow",
    EventKind.BOOT: "cyan",
    EventKind.STARTED: "green",
    EventKind.STOPPED: "green",
}


def simulate(
    *,
    url: Annotated[
        list[str] | None,
        typer.Option(
            help="ws://host:port/identity; repeat it, or write {n} and give --count, for many."
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many charge points.")] = 1,
    model: Annotated[str, typer.Option(help="See --list-models.")] = ABB_TERRA_AC_W22.name,
    connectors: Annotated[
        int | None,
        typer.Option(min=1, max=16, help="How many it has; without it, as many as its model."),
    ] = None,
    shared_outlet: Annotated[
        bool, typer.Option("--shared-outlet", help="Its connectors cannot charge at once.")
    ] = False,
    serial: Annotated[
        str | None,
        typer.Option(help="Serial number, with {n} for many; without it, one is made up."),
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="See --list-faults; repeat it for several.")
    ] = None,
    password: Annotated[str | None, typer.Option(help="Password for Basic auth.")] = None,
    latency: Annotated[
        float, typer.Option(min=0, help="Seconds it takes to look at each message.")
    ] = 0.0,
    speed: Annotated[
        float, typer.Option(min=0.01, help="Shortens every wait; energy and time stay real.")
    ] = 1.0,
    duration: Annotated[
        float | None, typer.Option(min=0, help="Stop after so many seconds; without it, never.")
    ] = None,
    list_faults: Annotated[bool, typer.Option("--list-faults", help="Explain them.")] = False,
    list_models: Annotated[bool, typer.Option("--list-models", help="Show them.")] = False,
) -> None:
    """Run virtual charge points that speak OCPP 1.6 over a real WebSocket, until Ctrl-C."""
    console = Console(highlight=False, soft_wrap=True)
    if list_faults or list_models:
        console.print(_faults() if list_faults else _models())
        return
    try:
        charge_points = [
            VirtualChargePoint(
                _built(_model(model), connectors, shared_outlet=shared_outlet),
                one,
                faults=frozenset(_fault(name) for name in fault or []),
                speed=speed,
                latency=latency,
                password=password,
                serial=None if serial is None else serial.replace("{n}", str(number)),
                listener=lambda event: _tell(console, event),
            )
            for number, one in enumerate(_urls(url or [], count), start=1)
        ]
    except ValueError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"simulate: {error}"))
        raise typer.Exit(2) from None
    _allow_sockets(len(charge_points))
    raise typer.Exit(asyncio.run(_run(charge_points, duration)))


async def _run(charge_points: list[VirtualChargePoint], duration: float | None) -> int:
    """Run them all until a signal or the end of `duration`; return the exit code."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def end(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    loop.add_signal_handler(signal.SIGINT, end, INTERRUPTED)
    loop.add_signal_handler(signal.SIGTERM, end, 0)
    if duration is not None:
        loop.call_later(duration, end, 0)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.run(), name=one.identity) for one in charge_points]
        code = await ended
        for task in tasks:
            task.cancel()
    return code


def _allow_sockets(count: int) -> None:
    """Raise the limit of open files as far as it goes, when so many sockets need it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + FILES_BESIDE_SOCKETS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _urls(urls: list[str], count: int) -> list[str]:
    if not urls:
        raise ValueError("--url is missing, such as --url ws://127.0.0.1:9000/cp_…")
    if count == 1 and len(urls) > 1:
        return [url.replace("{n}", str(number)) for number, url in enumerate(urls, start=1)]
    if len(urls) > 1:
        raise ValueError("give --count with one --url, or several --url without it")
    template = urls[0] if "{n}" in urls[0] or count == 1 else f"{urls[0]}-{{n}}"
    return [template.replace("{n}", str(number)) for number in range(1, count + 1)]


def _model(name: str) -> Profile:
    try:
        return find_model(name)
    except LookupError as error:
        raise ValueError(f"{error}; --list-models shows which there are") from None


def _built(profile: Profile, connectors: int | None, *, shared_outlet: bool) -> Profile:
    return replace(
        profile,
        connectors=profile.connectors if connectors is None else connectors,
        shared_outlet=shared_outlet or profile.shared_outlet,
    )


def _fault(name: str) -> Fault:
    try:
        return Fault(name)
    except ValueError:
        raise ValueError(f"no fault is named '{name}'; --list-faults explains them") from None


def _tell(console: Console, event: Event) -> None:
    console.print(
        Text.assemble((f"{event.identity}  ", "bold"), (event.text, _COLOURS.get(event.kind, "")))
    )


def _faults() -> Table:
    table = Table("Fault", "What the charge point does", box=None, pad_edge=False)
    for fault in Fault:
        table.add_row(fault, fault.explanation)
    return table


def _models() -> Table:
    table = Table("Model", "Vendor", "Firmware", "Connectors", "Power", box=None, pad_edge=False)
    for one in MODELS.values():
        kind = "DC" if one.direct_current else f"AC, {one.phases} phases"
        power = f"{one.max_power_w / 1000:g} kW {kind}"
        table.add_row(one.name, one.vendor, one.firmware, str(one.connectors), power)
    return table
