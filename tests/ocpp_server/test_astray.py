"""What came to the wrong place is kept, and found where a verdict would miss it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from domain.commissioning import RunOptions, RunRequest
from domain.facts import Astray, Snapshot
from storage.astray import read_astray
from storage.irregularities import read_irregularities
from storage.models.charge_points import ChargePoint
from storage.models.facts import LogEntry
from storage.snapshots import read_snapshot
from tests.ocpp_server.bed import Bed, Wire

_TAG = "A1B2C3D4E5F60718293A"
_AT = {"timestamp": "2026-05-01T09:00:00Z"}


@pytest.fixture
async def run(bed: Bed) -> RunRequest:
    """An open run of the charge point, which watches it."""
    before = datetime.now(UTC)
    commissioning_id = await bed.open_run(id_tag=_TAG)
    await bed.watch(run=commissioning_id)
    async with bed.database.read() as connection:
        project_id = await connection.scalar(
            select(col(ChargePoint.project_id)).filter_by(id=bed.charge_point_id)
        )
    return RunRequest(
        commissioning_id=commissioning_id,
        charge_point_id=bed.charge_point_id,
        project_id=project_id or "",
        installer_id="usr_1",
        started_by="installer@acme.com",
        started_at=before,
        options=RunOptions(),
    )


async def _start(wire: Wire, connector: int, tag: str = _TAG) -> int:
    payload = {"connectorId": connector, "idTag": tag, "meterStart": 0} | _AT
    frame = await wire.call("StartTransaction", payload)
    return int(frame[2]["transactionId"])


async def _astray(bed: Bed, run: RunRequest, action: str) -> list[Astray]:
    async with bed.database.read() as connection:
        return [one for one in await read_astray(connection, run) if one.action == action]


async def _snapshot(bed: Bed, run: RunRequest) -> Snapshot:
    async with bed.database.read() as connection:
        return await read_snapshot(
            connection,
            bed.charge_point_id,
            commissioning_id=run.commissioning_id,
            now=datetime.now(UTC),
        )


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"transactionId": 7_700}, "it named transaction 7700, which is none of its own"),
        ({"transactionId": 0}, "it named transaction 0, as one that lost the id does"),
        ({}, "it named no transaction that can be read"),
        ({"transactionId": 2**70}, "it named no transaction that can be read"),
    ],
)
async def test_a_stop_that_ends_nothing_is_kept_and_told(
    bed: Bed, run: RunRequest, named: dict[str, Any], said: str
) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        for connector in (1, 2):  # so that one without an id is ambiguous
            await _start(wire, connector)
        answer = await wire.call("StopTransaction", {"meterStop": 9} | _AT | named)
        assert answer[0] == 3
    await bed.node.stop()
    async with bed.database.read() as connection:
        odd = await read_irregularities(connection, bed.charge_point_id, run.commissioning_id)
    (stop,) = [one for one in odd if one.astray]
    assert (stop.action, stop.refused, stop.count) == ("StopTransaction", False, 1)
    assert stop.what.startswith(said)
    assert stop.last_at is not None
    assert "StopTransaction" in stop.excerpt
    (told,) = [row for row in await bed.rows(LogEntry) if row.kind == "astray"]
    assert told.level == "warning"
    assert told.text == f"StopTransaction was kept, and changed nothing: {stop.what}."


async def test_a_stop_that_is_repeated_is_not_astray(bed: Bed, run: RunRequest) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        stop = {"transactionId": await _start(wire, 1), "meterStop": 9} | _AT
        for _ in range(2):
            await wire.call("StopTransaction", stop)
        await wire.sync()
    snapshot = await _snapshot(bed, run)
    assert not [one for one in snapshot.irregularities if one.astray]


async def test_values_are_found_where_they_were_filed(bed: Bed, run: RunRequest) -> None:
    value = {"timestamp": "2026-05-01T09:05:00Z", "sampledValue": [{"value": "1"}]}
    async with bed.wire() as wire:
        await wire.boot()
        old = await _start(wire, 1)
        await wire.call("StopTransaction", {"transactionId": old, "meterStop": 9} | _AT)
        for named in ({"connectorId": 1, "transactionId": old}, {"connectorId": 2}):
            await wire.call("MeterValues", {"meterValue": [value]} | named)
        await wire.sync()
    found = await _astray(bed, run, "MeterValues")
    assert [(one.connector_id, one.transaction_id) for one in found] == [(1, str(old)), (2, None)]


async def test_a_transaction_that_began_and_ended_meanwhile_is_known(
    bed: Bed, run: RunRequest
) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        strange = await _start(wire, 2, tag="FREE")
        await wire.call("StopTransaction", {"transactionId": strange, "meterStop": 9} | _AT)
        await wire.sync()
    (known,) = (await _snapshot(bed, run)).transactions
    assert (known.transaction_id, known.id_tag, known.connector_id) == (str(strange), "FREE", 2)


async def test_what_came_under_another_identity_is_found(bed: Bed, run: RunRequest) -> None:
    neighbour = await bed.neighbour(place="Bay 4")
    async with bed.wire(neighbour) as wire:
        await wire.call(
            "BootNotification",
            {
                "chargePointVendor": "ABB",
                "chargePointModel": "Terra",
                "chargePointSerialNumber": f" {bed.charge_point_id.upper()} ",
            },
        )
        number = await _start(wire, 1)
    (boot,) = await _astray(bed, run, "BootNotification")
    assert (boot.charge_point_id, boot.place) == (neighbour, "Bay 4")
    (start,) = await _astray(bed, run, "StartTransaction")
    assert (start.charge_point_id, start.transaction_id) == (neighbour, str(number))


async def test_the_last_word_of_a_firmware_update_is_in_the_snapshot(
    bed: Bed, run: RunRequest
) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        for status in ("Downloading", "InstallationFailed"):
            await wire.call("FirmwareStatusNotification", {"status": status})
        await wire.sync()
    told = (await _snapshot(bed, run)).firmware_status
    assert told is not None
    assert told.status == "InstallationFailed"


@pytest.mark.parametrize(
    ("tag", "register", "is_repeated"),
    [
        (_TAG, 0, True),
        (_TAG, 5, False),  # it has charged meanwhile
        ("FREE", 0, False),  # after the handover it may be a second session
    ],
)
@pytest.mark.usefixtures("run")
async def test_a_start_of_a_test_that_is_repeated_with_a_new_stamp_is_the_same(
    bed: Bed, tag: str, register: int, *, is_repeated: bool
) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        first = await _start(wire, 1, tag=tag)
        again = {"connectorId": 1, "idTag": tag, "meterStart": register}
        again["timestamp"] = "2026-05-01T09:01:00Z"
        answer = await wire.call("StartTransaction", again)
        assert (answer[2]["transactionId"] == first) is is_repeated
