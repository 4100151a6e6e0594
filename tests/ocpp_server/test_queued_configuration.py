"""Values that were chosen while a charge point was away are pushed when it comes."""

from datetime import UTC, datetime

from storage.parameters import Parameters
from tests.ocpp_server.bed import Bed


async def _choose(bed: Bed) -> None:
    async with bed.database.write() as connection:
        await Parameters(connection).queue(
            bed.charge_point_id, {"HeartbeatInterval": "30"}, at=datetime.now(UTC)
        )


async def test_a_connection_has_queued_values_pushed(bed: Bed) -> None:
    await _choose(bed)
    async with bed.wire():
        await bed.sink.until(lambda: bed.sink.configured == [bed.charge_point_id])


async def test_nothing_is_pushed_where_nothing_is_queued(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.boot()
        await wire.sync()
    assert bed.sink.configured == []


async def test_a_run_pushes_them_itself(bed: Bed) -> None:
    await _choose(bed)
    await bed.watch()
    async with bed.wire() as wire:
        await wire.boot()
        await bed.sink.until(lambda: bool(bed.sink.delivered))
    assert bed.sink.configured == []
