"""How a process of ours runs and ends: on uvloop, until SIGTERM or Ctrl-C, with one clear line."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

import structlog
import uvloop

FAILED: int = 1


def run(main: Coroutine[Any, Any, object]) -> NoReturn:
    """Run to the end and exit; a signal cancels it, which is no failure."""
    leave(asyncio.Runner(loop_factory=uvloop.new_event_loop).run(_until_told(main)))


def leave(code: int) -> NoReturn:
    """Exit without the interpreter's own end.

    Threads of the Temporal SDK may touch the interpreter while it ends, which aborts a process that
    has finished its work (temporalio/sdk-python#300).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def _until_told(main: Coroutine[Any, Any, object]) -> int:
    task = asyncio.create_task(main, name="main")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    log = structlog.get_logger("process")
    try:
        await task
    except asyncio.CancelledError:
        return 0
    except (OSError, RuntimeError) as error:  # a busy port, a part that is away
        log.error("stopped", reason=str(error), exc_info=_unexpected(error))  # noqa: TRY400
        return FAILED
    except Exception:
        log.exception("failed")
        return FAILED
    return 0


def _unexpected(error: Exception) -> bool:
    """A RuntimeError of the SDK's connect is about the network; any other is a fault of ours."""
    return isinstance(error, RuntimeError) and "connect" not in str(error)
