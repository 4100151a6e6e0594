"""Endpoints of health."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, Literal

import structlog
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from api.deps import AppParts, now
from api.parts import Parts
from storage.connections import live_nodes
from storage.migrate import has_current_schema

router = APIRouter(prefix="/health", tags=["Health"])
_PROBE_SECONDS: Final = 4.0
_log = structlog.get_logger()


class Alive(BaseModel):
    """The process answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "alive"}]})

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether all parts are there; one that is not says why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ready": True,
                    "parts": {
                        "database": "ok",
                        "temporal": "ok",
                        "worker": "ok",
                        "ocpp_server": "ok",
                    },
                }
            ]
        }
    )

    ready: bool
    parts: dict[str, str]


@router.get("/live", summary="Is the API alive", operation_id="getLiveness")
async def live() -> Alive:
    """Tell that the process answers. Restart it when it does not."""
    return Alive()


@router.get(
    "/ready",
    summary="Is the engine ready",
    operation_id="getReadiness",
    responses={503: {"model": Readiness, "description": "A part is away; `parts` says which"}},
)
async def ready(parts: AppParts, response: Response) -> Readiness:
    """Look at the database, Temporal, a worker and an OCPP server."""
    probes: dict[str, Callable[[Parts], Awaitable[str | None]]] = {
        "database": _database,
        "temporal": _temporal,
        "worker": _worker,
        "ocpp_server": _ocpp_server,
    }
    wrong = await asyncio.gather(*(_looked_at(probe, parts) for probe in probes.values()))
    is_ready = not any(wrong)
    if not is_ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Readiness(
        ready=is_ready,
        parts={name: trouble or "ok" for name, trouble in zip(probes, wrong, strict=True)},
    )


async def _looked_at(probe: Callable[[Parts], Awaitable[str | None]], parts: Parts) -> str | None:
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            return await probe(parts)
    except Exception as error:  # noqa: BLE001 - whatever it is, this part is away
        _log.info("part_away", probe=probe.__name__, error=str(error))
        return "cannot be reached"


async def _database(parts: Parts) -> str | None:
    async with parts.database.read() as connection:
        if await has_current_schema(connection):
            return None
    return "is not migrated; run: dynamo migrate"


async def _temporal(parts: Parts) -> str | None:
    await parts.temporal.check()
    return None


async def _worker(parts: Parts) -> str | None:
    return None if await parts.temporal.has_worker() else "no worker polls the task queue"


async def _ocpp_server(parts: Parts) -> str | None:
    async with parts.database.read() as connection:
        return None if await live_nodes(connection, now=now()) else "no OCPP server is alive"
