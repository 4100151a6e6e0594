"""What a charge point sends over a real socket, and what becomes of it."""

from datetime import UTC, datetime

import pytest

from storage.models.connections import ChargePointConnection
from storage.models.facts import Boot, Connector
from storage.models.transactions import MeterValue, Transaction
from tests.ocpp_server.bed import Bed

STAMP = "2026-01-02T03:04:05Z"
START = {"connectorId": 1, "idTag": "TAG", "meterStart": 10, "timestamp": STAMP}


async def test_boot_is_pending_until_provisioned_then_accepted(bed: Bed) -> None:
    await bed.set(provisioned_at=None)
    async with bed.wire() as wire:
        reply = await wire.boot()
        assert (reply["status"], reply["interval"]) == ("Pending", 1)
        await bed.set(provisioned_at=datetime.now(UTC))
        reply = await wire.boot()
        assert (reply["status"], reply["interval"]) == ("Accepted", 60)
        assert reply["currentTime"].endswith("Z")
    assert [row.registration for row in await bed.rows(Boot)] == ["Pending", "Accepted"]


async def test_what_the_handshake_said_is_not_kept(bed: Bed) -> None:
    """A password is among it, and a session lasts for days."""
    async with bed.wire() as wire:
        await wire.sync()
        socket = bed.node.registry.require(bed.charge_point_id).socket
        assert socket.request is not None
        assert socket.response is not None
        assert not socket.request.headers
        assert not socket.response.headers


async def test_the_whole_life_of_a_transaction(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
        assert (await wire.call("StatusNotification", status))[2] == {}
        first = (await wire.call("StartTransaction", START))[2]
        again = (await wire.call("StartTransaction", START))[2]
        assert first == again
        assert first["idTagInfo"] == {"status": "Invalid"}
        transaction_id = first["transactionId"]
        for named in (transaction_id, 0, -1, 987654, None):
            values = {
                "connectorId": 1,
                "meterValue": [{"timestamp": STAMP, "sampledValue": [{"value": "11"}]}],
            }
            if named is not None:
                values["transactionId"] = named
            assert (await wire.call("MeterValues", values))[2] == {}
        stop = {"transactionId": transaction_id, "meterStop": 20, "timestamp": STAMP}
        assert (await wire.call("StopTransaction", stop))[2] == {}
        assert (await wire.call("StopTransaction", {**stop, "meterStop": 99}))[2] == {}
        assert (await wire.call("StopTransaction", {**stop, "transactionId": 7777}))[2] == {}
    (row,) = await bed.rows(Transaction)
    assert (row.id, row.meter_start, row.meter_stop) == (transaction_id, 10, 20)
    assert {row.transaction_id for row in await bed.rows(MeterValue)} == {transaction_id}
    (connector,) = await bed.rows(Connector)
    assert connector.status == "Available"


async def test_heartbeat_tells_the_time_and_is_noted(bed: Bed) -> None:
    async with bed.wire() as wire:
        assert (await wire.call("Heartbeat", {}))[2]["currentTime"].endswith("Z")
    await bed.node.stop()
    (row,) = await bed.rows(ChargePointConnection)
    assert row.last_heartbeat_at is not None
    assert row.disconnected_at is not None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('[2,"1","MeterValues",{"transactionId":}]', "FormationViolation"),
        ('[2,"1","Nonsense",{}]', "NotImplemented"),
        ('[2,"1","RemoteStartTransaction",{"idTag":"x"}]', "NotImplemented"),
        ('[2,"1",{},{}]', "FormationViolation"),
    ],
)
async def test_bad_calls_get_their_error(bed: Bed, frame: str, code: str) -> None:
    async with bed.wire() as wire:
        assert (await wire.raw(frame))[:3] == [4, "1", code]
        await wire.sync()
