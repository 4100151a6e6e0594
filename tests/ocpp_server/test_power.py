"""Limits over the socket: what a virtual charge point then draws, and what is made of refusals."""

import asyncio
import json
from typing import Any

import pytest

from domain.operations import Reply
from domain.ports import ChargePointGoneError
from domain.power.operations import (
    ConnectorLimit,
    LiftLimits,
    LimitConnectors,
    LimitStation,
    RateUnit,
    StationLimited,
)
from ocpp_server.power import PowerOperations
from simulator import VirtualChargePoint
from tests.ocpp_server.bed import Bed, Wire
from tests.ocpp_server.test_operations import virtual

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WATTS_PER_AMPERE = 690


@pytest.fixture
def operations(bed: Bed) -> PowerOperations:
    return PowerOperations(bed.node.registry)


def station(bed: Bed, **changes: Any) -> LimitStation:
    fields: dict[str, Any] = {
        "charge_point_id": bed.charge_point_id,
        "station_amps": 20,
        "default_amps": 0,
        "phases": 3,
        "unit": RateUnit.AMPERES,
        "connectors": (1,),
    }
    return LimitStation(**fields | changes)


def one(bed: Bed, amps: int, transaction_id: int) -> LimitConnectors:
    limit = ConnectorLimit(
        charge_point_id=bed.charge_point_id,
        connector_id=1,
        transaction_id=transaction_id,
        amps=amps,
        phases=3,
        unit=RateUnit.AMPERES,
    )
    return LimitConnectors(limits=(limit,))


async def charging(charge_point: VirtualChargePoint) -> int:
    """Have a card presented; returns the transaction."""
    charge_point.plug_in()
    charge_point.present_card("CARD")
    await charge_point.until(
        lambda: any(one.transaction_id is not None for one in charge_point.transactions)
    )
    return next(
        one.transaction_id for one in charge_point.transactions if one.transaction_id is not None
    )


async def test_a_station_confirms_its_limits(bed: Bed, operations: PowerOperations) -> None:
    async with virtual(bed) as charge_point:
        limited = await operations.limit_station(station(bed))
        assert limited == StationLimited(reply=Reply.ACCEPTED, unit=RateUnit.AMPERES)
        assert charge_point.received["SetChargingProfile"] == 2
        assert charge_point.received["GetCompositeSchedule"] == 1
        # Without a default it may draw what its cable carries, and no more.
        limited = await operations.limit_station(station(bed, default_amps=None))
        assert limited == StationLimited(reply=Reply.ACCEPTED, unit=RateUnit.AMPERES)
        assert charge_point.received["ClearChargingProfile"] == 1


async def test_nobody_here(bed: Bed, operations: PowerOperations) -> None:
    with pytest.raises(ChargePointGoneError):
        await operations.limit_station(station(bed))
    (outcome,) = (await operations.limit_connectors(one(bed, 16, 1))).outcomes
    assert outcome.reply is Reply.UNKNOWN


async def answer(wire: Wire, *answers: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer what is asked, in order; returns the payloads."""
    asked = []
    for payload in answers:
        frame = await wire.frame()
        asked.append(frame[3])
        await wire.socket.send(json.dumps([3, frame[1], payload]))
    return asked


ACCEPTED = {"status": "Accepted"}
REJECTED = {"status": "Rejected"}


def schedule(limit: float, unit: str) -> dict[str, Any]:
    return ACCEPTED | {
        "connectorId": 0,
        "chargingSchedule": {
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
    }


@pytest.mark.parametrize(
    ("answers", "reply", "unit"),
    [
        ([ACCEPTED, ACCEPTED, schedule(20, "A")], Reply.ACCEPTED, RateUnit.AMPERES),
        ([ACCEPTED, ACCEPTED, schedule(13_800, "W")], Reply.ACCEPTED, RateUnit.AMPERES),
        ([ACCEPTED, ACCEPTED, schedule(32, "A")], Reply.ERROR, RateUnit.AMPERES),
        ([ACCEPTED, ACCEPTED, REJECTED], Reply.ACCEPTED, RateUnit.AMPERES),
        # It takes watts alone.
        ([REJECTED, ACCEPTED, ACCEPTED, schedule(13_800, "W")], Reply.ACCEPTED, RateUnit.WATTS),
        ([REJECTED, REJECTED], Reply.REJECTED, RateUnit.WATTS),
        # No default for all of its connectors at once: each gets its own.
        ([ACCEPTED, REJECTED, ACCEPTED, schedule(0, "A")], Reply.ACCEPTED, RateUnit.AMPERES),
    ],
)
async def test_what_a_station_makes_of_it(
    bed: Bed,
    operations: PowerOperations,
    answers: list[dict[str, Any]],
    reply: Reply,
    unit: RateUnit,
) -> None:
    async with bed.wire() as wire:
        await wire.sync()
        limiting = asyncio.create_task(operations.limit_station(station(bed)))
        await answer(wire, *answers)
        limited = await limiting
    assert (limited.reply, limited.unit) == (reply, unit)
    assert (limited.detail is None) == (limited.reply is Reply.ACCEPTED and answers[-1] != REJECTED)


async def test_a_limit_is_never_rounded_up(bed: Bed, operations: PowerOperations) -> None:
    async with bed.wire() as wire:
        await wire.sync()
        limiting = asyncio.create_task(operations.limit_station(station(bed, station_amps=16.66)))
        (asked, *_) = await answer(wire, ACCEPTED, ACCEPTED, schedule(16.6, "A"))
        await limiting
    period = asked["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]
    assert period == {"startPeriod": 0, "limit": 16.6, "numberPhases": 3}


async def test_a_silent_charge_point_does_not_hold_up_the_others(
    bed: Bed, operations: PowerOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocpp_server.power.ANSWER_WITHIN", 0.05)
    async with bed.wire() as wire:
        await wire.sync()
        (outcome,) = (await operations.limit_connectors(one(bed, 16, 1))).outcomes
        assert outcome.reply is Reply.TIMEOUT
        late = await wire.frame()
        # Its late answer is nobody's, and the next question gets its own.
        asking = asyncio.create_task(
            operations.lift_limits(LiftLimits(charge_point_id=bed.charge_point_id, connectors=()))
        )
        first = await wire.frame()
        await wire.socket.send(json.dumps([3, late[1], REJECTED]))
        await wire.socket.send(json.dumps([3, first[1], {"status": "Unknown"}]))
        await answer(wire, ACCEPTED)
        assert (await asking).reply is Reply.ACCEPTED


async def test_a_transaction_draws_what_it_was_allotted(
    bed: Bed, operations: PowerOperations
) -> None:
    await bed.open_site()
    async with virtual(bed) as charge_point:
        await operations.limit_station(station(bed))
        transaction = await charging(charge_point)
        assert charge_point.power_w() == 0
        for amps in (6, 16, 0, 20):
            (outcome,) = (await operations.limit_connectors(one(bed, amps, transaction))).outcomes
            assert outcome.reply is Reply.ACCEPTED
            drawn = amps * WATTS_PER_AMPERE
            await charge_point.until(
                lambda drawn=drawn: 0.99 * drawn <= charge_point.power_w() <= drawn  # type: ignore[misc]
            )
        await operations.lift_limits(
            LiftLimits(charge_point_id=bed.charge_point_id, connectors=(1,))
        )
        await charge_point.until(lambda: charge_point.power_w() > 19 * WATTS_PER_AMPERE)
