"""Who may connect, and what an installer is told of who may not."""

import asyncio
import base64
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from domain.proxies import read_networks
from ocpp_server.auth import hash_credential, identity_of
from ocpp_server.throttle import Allowance, Failures
from storage.connections import store_connected
from storage.fact_records import Connected
from storage.models.connections import ChargePointConnection, ConnectionAttempt
from tests.ocpp_server.bed import SECRET, WITHIN, Bed
from tests.support.eventually import eventually

KEY = bytes.fromhex("00112233445566778899aabbccddeeff00112233")


def basic(user: str, password: bytes) -> dict[str, Any]:
    token = base64.b64encode(user.encode() + b":" + password).decode()
    return {"additional_headers": {"Authorization": f"Basic {token}"}}


async def refused(bed: Bed, identity: str | None = None, **options: Any) -> HTTPStatus:
    with pytest.raises(InvalidStatus) as refusal:
        async with bed.wire(identity, **options):
            pass
    return HTTPStatus(refusal.value.response.status_code)


async def codes(bed: Bed) -> list[str]:
    return [row.code for row in await bed.rows(ConnectionAttempt)]


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/cp_1", "cp_1"),
        ("/ocpp/cp_1/", "cp_1"),
        ("/cp%5F1?x=/y", "cp_1"),
        ("/", ""),
        ("/a%2Fb", "a/b"),
    ],
)
def test_the_identity_is_the_last_segment(path: str, identity: str) -> None:
    assert identity_of(path) == identity


async def test_unknown_identities_are_not_found_and_recorded(bed: Bed) -> None:
    assert await refused(bed, "cp_unknown") == HTTPStatus.NOT_FOUND
    assert await refused(bed, "%00%01") == HTTPStatus.NOT_FOUND

    async def recorded() -> None:
        assert await codes(bed) == ["unknown_identity"] * 2

    await eventually(recorded)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("offered", "code"),
    [(None, "missing_subprotocol"), (["ocpp2.0.1"], "unsupported_subprotocol")],
)
async def test_subprotocols(bed: Bed, offered: list[str] | None, code: str) -> None:
    subprotocols = offered and [Subprotocol(name) for name in offered]
    assert await refused(bed, subprotocols=subprotocols) == HTTPStatus.BAD_REQUEST

    async def recorded() -> None:
        rows = await bed.rows(ConnectionAttempt)
        assert [(row.code, row.charge_point_id) for row in rows] == [(code, bed.charge_point_id)]
        (row,) = rows
        assert "OCPP 1.6" in row.reason

    await eventually(recorded)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_key_is_required_once_there_is_one(bed: Bed) -> None:
    await bed.set(credential_hash=hash_credential(SECRET, KEY))
    identity = bed.charge_point_id
    assert await refused(bed) == HTTPStatus.UNAUTHORIZED
    assert await refused(bed, **basic(identity, b"wrong")) == HTTPStatus.UNAUTHORIZED
    assert await refused(bed, **basic("cp_other", KEY)) == HTTPStatus.UNAUTHORIZED
    garbage: dict[str, Any] = {"additional_headers": {"Authorization": "Basic ???"}}
    assert await refused(bed, **garbage) == HTTPStatus.UNAUTHORIZED
    for password in (KEY, KEY.hex().encode(), KEY.hex().upper().encode()):
        async with bed.wire(**basic(identity, password)) as wire:
            await wire.sync()

    async def recorded() -> None:
        assert await codes(bed) == [
            "missing_credential",
            "bad_credential",
            "wrong_user_name",
        ]
        assert [row.times for row in await bed.rows(ConnectionAttempt)] == [1, 2, 1]

    await eventually(recorded)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_without_a_key_only_a_foreign_user_name_is_refused(bed: Bed) -> None:
    async with bed.wire(**basic(bed.charge_point_id, b"anything")) as wire:
        await wire.sync()
    assert await refused(bed, **basic("cp_other", b"x")) == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("proxies", "source"), [("127.0.0.1", "203.0.113.7"), ("", "127.0.0.1")], ids=["yes", "no"]
)
async def test_the_source_is_what_a_trusted_proxy_tells(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, proxies: str, source: str
) -> None:
    monkeypatch.setattr(bed.node._admission, "trusted_proxies", read_networks(proxies))
    told: dict[str, Any] = {"additional_headers": {"X-Forwarded-For": "6.6.6.6, 203.0.113.7"}}
    assert await refused(bed, "cp_unknown", **told) == HTTPStatus.NOT_FOUND
    async with bed.wire(**told) as wire:
        await wire.sync()
    (link,) = await bed.rows(ChargePointConnection)
    assert link.remote_address == source

    async def recorded() -> None:
        assert [row.remote_address for row in await bed.rows(ConnectionAttempt)] == [source]

    await eventually(recorded)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_flood_of_refusals_is_not_recorded_and_locks_nobody_out(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bed.node._admission, "_failures", Failures(step=0.0))
    for _ in range(40):
        assert await refused(bed, "cp_unknown") == HTTPStatus.NOT_FOUND
    async with bed.wire() as wire:
        await wire.boot()

    async def kept() -> None:
        (row,) = await bed.rows(ConnectionAttempt)
        assert row.times == 30

    await eventually(kept)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_guesses_waits_and_the_real_one_at_the_same_address_does_not(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = Failures(limit=1, step=3600, longest=3600)
    monkeypatch.setattr(bed.node._admission, "_failures", failures)
    await bed.set(credential_hash=hash_credential(SECRET, KEY))
    wrong = basic(bed.charge_point_id, b"wrong")
    assert await refused(bed, **wrong) == HTTPStatus.UNAUTHORIZED
    guess = asyncio.create_task(refused(bed, **wrong))

    def waits() -> None:
        assert failures.pause("127.0.0.1") == 3600

    await eventually(waits)
    async with bed.wire(**basic(bed.charge_point_id, KEY)) as wire:
        await wire.boot()
    assert not guess.done()
    guess.cancel()
    await asyncio.wait({guess})


def test_the_answer_to_a_guess_waits_ever_longer_up_to_a_bound() -> None:
    now = 0.0
    failures = Failures(limit=2, window=10, step=0.5, longest=1.2, clock=lambda: now)
    pauses = []
    for _ in range(6):
        failures.exceeded("a")
        pauses.append(failures.pause("a"))
    assert pauses == [0, 0, 0.5, 1.0, 1.2, 1.2]
    assert failures.pause("b") == 0
    now = 11
    assert failures.pause("a") == 0


def test_failures_are_counted_by_source_and_window() -> None:
    now = 0.0
    failures = Failures(limit=2, window=10, clock=lambda: now)
    assert [failures.exceeded("a") for _ in range(3)] == [False, False, True]
    assert not failures.exceeded("b")
    now = 11
    assert not failures.exceeded("a")
    one_network = [f"2001:db8::{number}" for number in range(3)]
    assert [failures.exceeded(source) for source in one_network] == [False, False, True]


def test_an_allowance_is_a_burst_and_then_a_rate() -> None:
    now = 0.0
    allowance = Allowance(rate=2, burst=2, clock=lambda: now)
    assert [allowance.spend() for _ in range(4)] == [0, 0, 0.5, 1.0]
    now = 1.0
    assert allowance.pause() == 0


async def withdraw(bed: Bed) -> None:
    await bed.set(withdrawn_at=datetime(2026, 5, 1, tzinfo=UTC), status="withdrawn")


async def test_a_withdrawn_charge_point_is_refused_and_told_why(bed: Bed) -> None:
    await withdraw(bed)
    assert await refused(bed) == HTTPStatus.FORBIDDEN

    async def recorded() -> None:
        rows = await bed.rows(ConnectionAttempt)
        assert [(row.code, row.charge_point_id) for row in rows] == [
            ("withdrawn", bed.charge_point_id)
        ]
        assert "was withdrawn from its project on 2026-05-01" in rows[0].reason

    await eventually(recorded)


async def test_a_connected_one_is_closed_when_it_is_withdrawn(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.sync()  # its connection is stored
        await withdraw(bed)
        await bed.node.compare()
        async with asyncio.timeout(WITHIN):
            await wire.socket.wait_closed()
        assert wire.socket.close_reason == "this charge point was withdrawn"
    async with bed.database.write() as connection:
        # Its handshake was before, and its connection is stored after that.
        late = Connected(
            charge_point_id=bed.charge_point_id,
            node_id="node_x",
            ocpp_version="1.6",
            remote_address=None,
            at=datetime.now(UTC),
        )
        await store_connected(connection, [late])
    assert not late.generation
