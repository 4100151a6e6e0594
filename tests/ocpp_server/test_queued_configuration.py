"""Values that were chosen while a charge point was away are pushed when it comes."""

from datetime import UTC, datetime

import pytest

from domain.facts import EventKind
from domain.operations import ParameterOutcome
from domain.states import ParameterState
from storage.parameters import Parameters
from tests.ocpp_server.bed import Bed
from tests.ocpp_server.test_tell_watchers_and_billing import STAMP, START, STATUS


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


async def test_values_that_wait_for_a_restart_are_looked_at_with_the_connection_and_the_boot(
    bed: Bed,
) -> None:
    await _choose(bed)
    await _takes_effect_later(bed)
    async with bed.wire() as wire:
        await bed.sink.until(lambda: bed.sink.configured == [bed.charge_point_id])
        await wire.boot()
        await bed.sink.until(lambda: bed.sink.configured == [bed.charge_point_id] * 2)


async def test_a_boot_in_pending_is_no_restart(bed: Bed) -> None:
    """It boots anew all the time then; what was chosen must not restart it by surprise."""
    await bed.set(provisioned_at=None)
    await bed.watch()
    async with bed.wire() as wire:
        await wire.boot()
        await bed.sink.until(lambda: EventKind.BOOT in bed.sink.kinds)
        await bed.set(watched_by=None, watched_run=None)
        await _choose(bed)
        await _takes_effect_later(bed)
        assert (await wire.boot())["status"] == "Pending"
        await wire.sync()
    await bed.node.stop()  # forwards whatever is left
    assert bed.sink.configured == []


@pytest.mark.parametrize("waits", [True, False])
async def test_a_restart_that_waits_for_a_charge_is_made_at_its_end(
    bed: Bed, *, waits: bool
) -> None:
    await bed.watch()
    async with bed.wire() as wire:
        transaction = (await wire.call("StartTransaction", START))[2]["transactionId"]
        await bed.sink.until(lambda: EventKind.TRANSACTION_STARTED in bed.sink.kinds)
        await _choose(bed)
        await _takes_effect_later(bed)
        await bed.set(watched_by=None, watched_run=None, restart_due=waits)
        await wire.call("StatusNotification", {**STATUS, "status": "Finishing"})
        assert bed.sink.configured == []
        stop = {"transactionId": transaction, "meterStop": 20, "timestamp": STAMP}
        await wire.call("StopTransaction", stop)
        if waits:
            await bed.sink.until(lambda: len(bed.sink.configured) == 1)
        await wire.call("StatusNotification", STATUS)
        if waits:
            await bed.sink.until(lambda: len(bed.sink.configured) == 2)
    await bed.node.stop()  # forwards whatever is left
    assert len(bed.sink.configured) == (2 if waits else 0)


async def _takes_effect_later(bed: Bed) -> None:
    outcome = ParameterOutcome(
        key="HeartbeatInterval",
        desired="30",
        reported="60",
        state=ParameterState.PENDING_REBOOT,
    )
    async with bed.database.write() as connection:
        await Parameters(connection).record(bed.charge_point_id, [outcome], at=datetime.now(UTC))
