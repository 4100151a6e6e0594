"""How a process of ours starts, runs and ends: on uvloop, until SIGTERM or Ctrl-C.

A mistake of whoever starts it is one clear line on stderr and exit code 1; one that shows after a
wait is a line of the log. What may come by itself, the database or Temporal, is waited for, and the
log says so once for each reason.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, NoReturn

import structlog
import uvloop

from domain.cancellation import end
from domain.starting import AwayError, MistakeError, StartingError, cannot_listen, one_line
from runtime.logs import has_begun
from runtime.settings import Settings
from storage import arrival
from storage.catalogue import CatalogueError, load_catalogue
from storage.checklists import load_checklists
from storage.engine import Database
from storage.plausibility import load_plausibility
from temporal import client as temporal_client
from temporal.deployment import register_deployment
from temporal.search_attributes import register_search_attributes

SIGNER: str = "DYNAMO_CERTIFICATE_SIGNER"
FAILED: int = 1
_Look = Callable[[], Coroutine[Any, Any, None]]
_log = structlog.get_logger("process")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0


async def serve(
    settings: Settings,
    main: Callable[[Settings], Coroutine[Any, Any, None]],
    *,
    listens: Literal["api", "ocpp", "worker"] | None = None,
) -> None:
    """Serve until cancelled, unless something is found that somebody has to mend first.

    A part that is away does not stop it from serving: it is looked for until it is there.

    Raises:
        MistakeError: there is such a thing, or it shows when a part that was away has come.

    """
    _read_catalogue(settings)
    if listens == "api":
        _try_to_listen("DYNAMO_API", settings.api_host, settings.api_port)
    elif listens == "ocpp":
        _try_to_listen("DYNAMO_OCPP", settings.ocpp_host, settings.ocpp_port)
    elif listens == "worker" and settings.worker_port is not None:
        _try_to_listen("DYNAMO_WORKER", settings.worker_host, settings.worker_port)
    looks: dict[str, _Look] = {
        "database": partial(_look_at_database, settings, signs=listens == "api"),
        "temporal": temporal_client.look,
    }
    reasons = await asyncio.gather(*(_away(part, look) for part, look in looks.items()))
    try:
        async with asyncio.TaskGroup() as group:
            waiting = [
                group.create_task(_until_there(part, look, reason), name=f"wait for {part}")
                for (part, look), reason in zip(looks.items(), reasons, strict=True)
                if reason
            ]
            await main(settings)
            for one in waiting:
                await end(one)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


def open_database(settings: Settings, name: str, *, pool_size: int | None = None) -> Database:
    """Open the database of the settings, for the process of this name."""
    return Database(
        settings.resolved_database_url,
        pool_size=pool_size or settings.database_pool_size,
        application_name=settings.database_application_name or f"dynamo-{name}",
    )


def key_fingerprints(settings: Settings, *, signs: bool) -> dict[str, str]:
    """Return a fingerprint for each key of the settings; of what signs certificates, where it does.

    That of a file is its public key's, so that a certificate can be renewed for the same key.

    Raises:
        MistakeError: the file holds no signer.

    """
    keys = settings.key_fingerprints()
    file = settings.certificate_signer
    if not signs or (file is None and settings.certificate_key is None):
        return keys
    if file is None:
        return keys | {SIGNER: "none"}
    # What reads it takes a while to import, and only the API has to.
    from documents.signer import SignerFileError, read_signer

    try:
        return keys | {SIGNER: read_signer(file).public.id}
    except SignerFileError as error:
        raise MistakeError(f"{SIGNER}: {one_line(error, most=500)}.") from error


async def migrate(settings: Settings, *, temporal: bool, new_keys: bool) -> None:
    """Bring the database to the schema of this release.

    ``temporal`` registers the search attributes, and the deployment, there; ``new_keys`` makes the
    keys of these settings those that every process must have from now on.

    Raises:
        StartingError: something cannot be used, or is away.

    """
    from storage.migrate import upgrade  # with Alembic, which no process that serves needs

    await upgrade(settings.resolved_database_url)
    if new_keys:
        keys = key_fingerprints(settings, signs=True)
        database = open_database(settings, "migrate")
        try:
            await arrival.replace_keys(database, keys, at=datetime.now(UTC))
        finally:
            await database.close()
    if temporal:
        await temporal_client.look()
        client = await temporal_client.connect()
        await register_search_attributes(client)
        await register_deployment(client)


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
    try:
        await task
    except asyncio.CancelledError:
        return 0
    except StartingError as error:
        _tell(error)
        return FAILED
    except (OSError, RuntimeError) as error:  # a busy port, a part that is away
        _log.error("stopped", reason=repr(error), exc_info=_unexpected(error))
        return FAILED
    except Exception:  # noqa: BLE001 - whatever it is, the log has it and the exit code says it
        _log.exception("failed")
        return FAILED
    return 0


def _tell(error: StartingError) -> None:
    """Say it to whoever started it; in its log, where that has begun, as after a wait."""
    sentence = str(error)
    if has_begun():
        _log.error("stopped", reason=sentence)
    else:
        print(f"dynamo: {sentence}", file=sys.stderr)  # noqa: T201


def _try_to_listen(setting: str, host: str, port: int) -> None:
    """Say that a port is busy before anything else is started."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        raise cannot_listen(setting, host, port, error) from error


def _read_catalogue(settings: Settings) -> None:
    try:
        load_catalogue(settings.catalogue_dir, firmware_url=settings.firmware_url)
        load_plausibility(settings.catalogue_dir)
        load_checklists(settings.catalogue_dir)
    except CatalogueError as error:
        raise MistakeError(f"DYNAMO_CATALOGUE_DIR: {one_line(error, most=500)}.") from error


async def _look_at_database(settings: Settings, *, signs: bool) -> None:
    keys = key_fingerprints(settings, signs=signs)
    database = open_database(settings, "start")
    try:
        await arrival.look(database, keys, at=datetime.now(UTC))
    finally:
        await database.close()


async def _away(part: str, look: _Look) -> str:
    """Look once; return the reason if it is away, and say so."""
    try:
        await look()
    except AwayError as error:
        reason = str(error)
        _log.warning(f"waiting_for_{part}", reason=reason)
        return reason
    return ""


async def _until_there(part: str, look: _Look, reason: str) -> None:
    pause = _FIRST_PAUSE
    while True:
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
        try:
            await look()
        except AwayError as error:
            if str(error) != reason:
                reason = str(error)
                _log.warning(f"waiting_for_{part}", reason=reason)
        else:
            _log.info(f"{part}_is_there")
            return


def _unexpected(error: Exception) -> bool:
    """A RuntimeError of the SDK's connect is about the network; any other is a fault of ours."""
    return isinstance(error, RuntimeError) and "connect" not in str(error)
