"""Set the stage for the play, and strike it afterwards."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape

from demo.account import Account, DemoFailedError
from demo.caller import Caller
from demo.play import Play
from embedded.layout import Options
from embedded.stack import Stack

_REQUEST_SECONDS = 40.0


async def demo(*, keep: bool, papers: Path) -> bool:
    """Play the guide on a stack of its own; True when all of it held.

    With ``keep``, everything stays up until Ctrl-C. Certificates and the statement are
    left in ``papers``.

    Raises:
        StartError: something stands in the way of the stack.

    """
    console = Console(highlight=False, soft_wrap=True)
    folder = Path(tempfile.mkdtemp(prefix="dynamo-demo-"))
    held = False
    try:
        held = await _on_stage(console, folder / "data", keep=keep, papers=papers)
    finally:
        if held:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            console.print(f"The data and the logs are kept in {folder}")
    return held


async def _on_stage(console: Console, data_dir: Path, *, keep: bool, papers: Path) -> bool:
    options = Options(
        data_dir=data_dir, api_port=0, ocpp_port=0, temporal_port=0, temporal_ui_port=0
    )
    console.print("Starting Temporal, the API, the OCPP server and the worker…")
    account = Account(console)
    async with (
        _until_told() as told,
        Stack(options, tell=console.print, progress=account.progress) as stack,
    ):
        account.progress("All of it is ready")
        _show_addresses(console, stack)
        performance = asyncio.create_task(
            _perform(console, account, stack, told if keep else None, papers)
        )
        ending = asyncio.create_task(told.wait())
        await asyncio.wait({performance, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not performance.done() and not keep:
            performance.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            return await performance
        console.print("Interrupted.")
        return False


async def _perform(
    console: Console,
    account: Account,
    stack: Stack,
    stay_until: asyncio.Event | None,
    papers: Path,
) -> bool:
    async with _client(stack) as installer, _client(stack) as owner:
        play = Play(
            Caller(installer, account),
            Caller(owner, account),
            account,
            mail=stack.data.path / "mail",
            papers=papers,
        )
        try:
            await play.run()
            account.conclude()
            if stay_until is not None:
                console.print("Everything stays up; Ctrl-C ends it.")
                await stay_until.wait()
        except (DemoFailedError, httpx.HTTPError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            console.print(f"\n[bold red]It did not hold:[/bold red] {escape(reason)}")
            return False
        else:
            return True
        finally:
            await play.switch_off()


def _client(stack: Stack) -> httpx.AsyncClient:
    # trust_env: a proxy of the environment has no business with this machine's own ports
    return httpx.AsyncClient(
        base_url=stack.layout.api_url, trust_env=False, timeout=_REQUEST_SECONDS
    )


def _show_addresses(console: Console, stack: Stack) -> None:
    layout = stack.layout
    console.print(f"  API          {layout.api_url}/docs")
    console.print(f"  OCPP         {layout.ocpp_url}")
    console.print(f"  Temporal UI  {layout.temporal_ui_url}")


@contextlib.asynccontextmanager
async def _until_told() -> AsyncIterator[asyncio.Event]:
    """Give an event that Ctrl-C and SIGTERM set."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    try:
        yield told
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
