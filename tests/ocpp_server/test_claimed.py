"""A charge point that connects with its serial number, once that was claimed for it."""

import asyncio
from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlmodel import col
from websockets.exceptions import InvalidStatus

from domain import operations as op
from ocpp_server.auth import hash_credential
from simulator import VirtualChargePoint
from storage.models.accounts import Account
from storage.models.charge_points import IdentityAlias
from storage.models.connections import ChargePointConnection, ConnectionAttempt
from storage.models.facts import Boot, Connector
from tests.ocpp_server.bed import SECRET, WITHIN, Bed
from tests.support.eventually import eventually

IDENTITY = "CP-SN-00483921"


async def claim(bed: Bed) -> None:
    async with bed.database.write() as connection:
        await connection.execute(
            insert(IdentityAlias).values(
                identity_key=IDENTITY.lower(),
                charge_point_id=bed.charge_point_id,
                claimed_by=await connection.scalar(select(col(Account.id))),
                claimed_at=datetime.now(UTC),
            )
        )


async def refused(bed: Bed, **options: Any) -> HTTPStatus:
    with pytest.raises(InvalidStatus) as caught:
        async with bed.wire(IDENTITY, **options):
            pass
    return HTTPStatus(caught.value.response.status_code)


def basic(user_name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user_name}:{password}'.encode()).decode()}"}


async def test_it_goes_on_under_the_charge_points_own_id(bed: Bed) -> None:
    assert await refused(bed) is HTTPStatus.NOT_FOUND
    await claim(bed)
    charge_point = VirtualChargePoint(url=bed.url(IDENTITY), speed=50)
    running = asyncio.create_task(charge_point.run())

    async def reported() -> None:
        assert {row.charge_point_id for row in await bed.rows(Boot)} == {bed.charge_point_id}
        assert {row.charge_point_id for row in await bed.rows(Connector)} == {bed.charge_point_id}

    await eventually(reported)
    assert [row.charge_point_id for row in await bed.rows(ChargePointConnection)] == [
        bed.charge_point_id
    ]
    measured = await bed.gateway.ping(op.Operation(charge_point_id=bed.charge_point_id))
    assert measured.latency_ms > 0
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_both_names_are_one_charge_point(bed: Bed) -> None:
    await claim(bed)
    async with bed.wire(IDENTITY.lower()) as first:
        await first.boot()
        async with bed.wire() as second:
            await second.boot()
            async with asyncio.timeout(WITHIN):
                await first.socket.wait_closed()
            await second.sync()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_its_key_is_asked_for_with_its_own_name(bed: Bed) -> None:
    await claim(bed)
    key = "a key that is long and random"
    await bed.set(credential_hash=hash_credential(SECRET, key.encode()))
    assert await refused(bed) is HTTPStatus.UNAUTHORIZED
    wrong = basic("somebody else", key)
    assert await refused(bed, additional_headers=wrong) is HTTPStatus.UNAUTHORIZED
    async with bed.wire(IDENTITY, additional_headers=basic(IDENTITY, key)) as wire:
        await wire.boot()

    async def recorded() -> None:
        rows = await bed.rows(ConnectionAttempt)
        assert [(row.identity, row.charge_point_id, row.code) for row in rows] == [
            (IDENTITY, bed.charge_point_id, "missing_credential"),
            (IDENTITY, bed.charge_point_id, "wrong_user_name"),
        ]

    await eventually(recorded)
