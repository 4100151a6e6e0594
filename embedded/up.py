"""`dynamo up`: the stack, its addresses on the terminal, and a stop in order."""

import asyncio
import signal

import typer

from embedded.layout import Options
from embedded.stack import Stack

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def up(options: Options) -> None:
    """Run everything until a signal; a second signal stops without waiting.

    Raises:
        StartError: Something stands in the way.

    """
    stack = Stack(options, tell=lambda line: typer.echo(line, err=True))
    told = asyncio.Event()
    running = asyncio.create_task(_run(stack))

    def stop() -> None:
        if told.is_set():
            stack.hurry.set()
        told.set()

    loop = asyncio.get_running_loop()
    for number in _STOPS:
        loop.add_signal_handler(number, stop)
    stopping = asyncio.create_task(told.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            typer.echo("Stopping…")
            running.cancel()
        await asyncio.wait({running})
        if not running.cancelled():
            running.result()
    finally:
        stopping.cancel()
        for number in _STOPS:
            loop.remove_signal_handler(number)


async def _run(stack: Stack) -> None:
    typer.echo("Starting…")
    async with stack:
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # it came as the last part was ready, was lost
            return
        _show(stack)
        await asyncio.Event().wait()  # until cancelled, once, so that nothing cuts the stop short


def _show(stack: Stack) -> None:
    layout = stack.layout
    lines = {
        "API": f"{layout.api_url}/api/v1",
        "API docs": f"{layout.api_url}/docs",
        "OCPP": f"{layout.ocpp_url}/<charge point id>",
        "Temporal UI": layout.temporal_ui_url,
        "Data": str(stack.data.path),
    }
    typer.echo("Dynamo is ready. Ctrl-C stops it; what is in progress goes on at the next start.")
    for name, value in lines.items():
        typer.echo(f"  {name:<12} {value}")
