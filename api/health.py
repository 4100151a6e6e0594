"""Endpoints of health."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, Literal

import structlog
from fastapi import APIRouter, Response
from pydantic import BaseModel

from api.deps import AppParts, now
from api.fields import example
from api.parts import Parts
from storage.arrival import has_current_schema
from storage.clock import measure_skew
from storage.nodes import live_nodes
from storage.outages import clock_trouble

router = APIRouter(prefix="/health", tags=["Health"])
_PROBE_SECONDS: Final = 4.0
_log = structlog.get_logger()

_Probe = Callable[[Parts], Awaitable[str | None]]


class Alive(BaseModel):
    """The process answers."""

    model_config = example(status="alive")

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether all parts are there; one that is not says why."""

    model_config = example(ready=True, parts={"database": "ok", "clock": "ok", "temporal": "ok"})

    ready: bool
    parts: dict[str, str]


@router.get("/live", summary="Is the API alive", operation_id="getLiveness")
async def live() -> Alive:
    """Tell that the process answers. Restart it when it does not."""
    return Alive()


@router.get(
    "/ready",
    summary="Can this API serve",
    operation_id="getReadiness",
    responses={503: {"model": Readiness, "description": "It cannot serve; `parts` says why"}},
)
async def ready(parts: AppParts, response: Response) -> Readiness:
    """Look at what this API needs to serve: the database, its own clock, and Temporal.

    Give it to a balancer. An OCPP server or a worker that is away takes no API out: see
    `/health/system`.
    """
    return await _look(
        {"database": _database, "clock": _clock, "temporal": _temporal}, parts, response
    )


@router.get(
    "/system",
    summary="How is the engine as a whole",
    operation_id="getSystemHealth",
    responses={503: {"model": Readiness, "description": "A part is away; `parts` says which"}},
)
async def system(parts: AppParts, response: Response) -> Readiness:
    """Look at every part: the database, the clock, Temporal, a worker and an OCPP server.

    Give it to whoever watches the engine, and to no balancer.
    """
    probes: dict[str, _Probe] = {
        "database": _database,
        "clock": _clock,
        "temporal": _temporal,
        "worker": _worker,
        "ocpp_server": _ocpp_server,
    }
    return await _look(probes, parts, response)


async def _look(probes: dict[str, _Probe], parts: Parts, response: Response) -> Readiness:
    wrong = await asyncio.gather(*(_looked_at(probe, parts) for probe in probes.values()))
    is_ready = not any(wrong)
    if not is_ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Readiness(
        ready=is_ready,
        parts={name: trouble or "ok" for name, trouble in zip(probes, wrong, strict=True)},
    )


async def _looked_at(probe: _Probe, parts: Parts) -> str | None:
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            return await probe(parts)
    except Exception as error:  # noqa: BLE001 - whatever it is, this part is away
        _log.debug("part_away", probe=probe.__name__, error=repr(error))
        return "cannot be reached"


async def _database(parts: Parts) -> str | None:
    async with parts.database.read() as connection:
        if await has_current_schema(connection):
            return None
    return "is not migrated; run: dynamo migrate"


async def _clock(parts: Parts) -> str | None:
    async with parts.database.read() as connection:
        return clock_trouble(await measure_skew(connection, now))


async def _temporal(parts: Parts) -> str | None:
    await parts.temporal.check()
    return None


async def _worker(parts: Parts) -> str | None:
    return None if await parts.temporal.has_worker() else "no worker polls the task queue"


async def _ocpp_server(parts: Parts) -> str | None:
    async with parts.database.read() as connection:
        return None if await live_nodes(connection) else "no OCPP server is alive"
