"""Limits over the socket: what a virtual charge point then draws, and what is made of refusals."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from domain.operations import Reply
from domain.ports import ChargePointGoneError
from domain.power.operations import (
    ConnectorLimit,
    LiftLimits,
    LimitConnectors,
    LimitForm,
    LimitStation,
    RateUnit,
    Running,
    StationLimited,
)
from ocpp_server.power import PowerOperations
from ocpp_server.v16 import charging_profiles as profiles
from simulator import Fault, VirtualChargePoint
from tests.ocpp_server.bed import Bed, Wire
from tests.ocpp_server.test_operations import virtual

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WATTS_PER_AMPERE = 690
FORM = LimitForm(unit=RateUnit.AMPERES, phases=3, max_amps=32)
HIGHEST = 10
"""ChargeProfileMaxStackLevel of virtual charge points."""
CONFIRMED = StationLimited(
    reply=Reply.ACCEPTED, unit=RateUnit.AMPERES, stack_level=HIGHEST, default_amps=0
)


@pytest.fixture
def operations(bed: Bed) -> PowerOperations:
    return PowerOperations(bed.node.registry)


def station(bed: Bed, **changes: Any) -> LimitStation:
    fields: dict[str, Any] = {
        "charge_point_id": bed.charge_point_id,
        "station_amps": 20,
        "default_amps": 0,
        "form": FORM,
        "connectors": (1,),
        "idle": (1,),
    }
    return LimitStation(**fields | changes)


def one(bed: Bed, amps: int, transaction_id: int) -> LimitConnectors:
    limit = ConnectorLimit(
        charge_point_id=bed.charge_point_id,
        connector_id=1,
        transaction_id=str(transaction_id),
        amps=amps,
        form=FORM,
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
        assert limited == CONFIRMED
        assert charge_point.received["SetChargingProfile"] == 2
        assert charge_point.received["GetCompositeSchedule"] == 2
        assert charge_point.received["ClearChargingProfile"] == 2
        # Told again, nothing is cleared first: who plugs in meanwhile still draws nothing.
        limited = await operations.limit_station(station(bed, afresh=False))
        assert limited == CONFIRMED
        assert charge_point.received["ClearChargingProfile"] == 2
        # Without a default it may draw what its cable carries, and no more.
        limited = await operations.limit_station(station(bed, default_amps=None, afresh=False))
        assert limited == replace(CONFIRMED, default_amps=None)
        assert charge_point.received["ClearChargingProfile"] == 3


@pytest.mark.parametrize(("connector", "level"), [(0, 0), (0, HIGHEST), (1, 0), (1, HIGHEST)])
async def test_what_others_have_left_does_not_count(
    bed: Bed, operations: PowerOperations, connector: int, level: int
) -> None:
    await bed.open_site()
    async with virtual(bed) as charge_point:
        session = bed.node.registry.require(bed.charge_point_id)
        for number, purpose in ((77, profiles.Purpose.DEFAULT), (78, profiles.Purpose.STATION)):
            action, payload = profiles.default(0, 16, FORM)
            payload["connectorId"] = connector if purpose is profiles.Purpose.DEFAULT else 0
            payload["csChargingProfiles"] |= {
                "chargingProfileId": number,
                "stackLevel": level,
                "chargingProfilePurpose": purpose,
            }
            assert (await session.call(action, payload))["status"] == "Accepted"
        assert await operations.limit_station(station(bed)) == CONFIRMED
        await charging(charge_point)
        assert charge_point.power_w() == 0


async def test_a_default_that_does_not_count_is_cleared(
    bed: Bed, operations: PowerOperations
) -> None:
    """Somebody else's, at a connector, came after all was cleared."""
    async with virtual(bed) as charge_point:
        session = bed.node.registry.require(bed.charge_point_id)
        action, payload = profiles.default(1, 16, replace(FORM, stack_level=HIGHEST))
        assert (await session.call(action, payload))["status"] == "Accepted"
        assert await operations.limit_station(station(bed, afresh=False)) == CONFIRMED
        assert charge_point.received["ClearChargingProfile"] == 1


async def test_a_clock_that_is_behind_does_not_matter(
    bed: Bed, operations: PowerOperations
) -> None:
    await bed.open_site()
    async with virtual(bed, Fault.CLOCK_BEHIND) as charge_point:
        assert await operations.limit_station(station(bed)) == CONFIRMED
        await charging(charge_point)
        assert charge_point.power_w() == 0


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
LEVEL = {
    "configurationKey": [{"key": profiles.MAX_STACK_LEVEL, "readonly": True, "value": "3"}],
}


def schedule(limit: float, unit: str) -> dict[str, Any]:
    return ACCEPTED | {
        "connectorId": 0,
        "chargingSchedule": {
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
    }


@pytest.mark.parametrize(
    ("answers", "reply", "unit", "level"),
    [
        ([LEVEL, ACCEPTED, ACCEPTED, schedule(20, "A")], Reply.ACCEPTED, "A", 3),
        ([LEVEL, ACCEPTED, ACCEPTED, schedule(13_800, "W")], Reply.ACCEPTED, "A", 3),
        ([{}, ACCEPTED, ACCEPTED, schedule(20, "A")], Reply.ACCEPTED, "A", 0),
        ([LEVEL, ACCEPTED, ACCEPTED, schedule(32, "A")], Reply.ERROR, "A", 3),
        ([LEVEL, ACCEPTED, ACCEPTED, schedule(22_080, "W")], Reply.ERROR, "A", 3),
        # It takes watts alone: one phase may carry all of it.
        ([LEVEL, REJECTED, ACCEPTED, ACCEPTED, schedule(4_600, "W")], Reply.ACCEPTED, "W", 3),
        ([LEVEL, REJECTED, ACCEPTED, ACCEPTED, schedule(13_800, "W")], Reply.ERROR, "W", 3),
        # It takes no level as high as it says.
        (
            [LEVEL, REJECTED, REJECTED, ACCEPTED, ACCEPTED, schedule(20, "A")],
            Reply.ACCEPTED,
            "A",
            0,
        ),
        ([LEVEL, *[REJECTED] * 12], Reply.REJECTED, "A", 0),
        # No default for all of its connectors at once: each gets its own.
        ([LEVEL, ACCEPTED, REJECTED, ACCEPTED, schedule(0, "A")], Reply.ACCEPTED, "A", 3),
    ],
)
async def test_what_a_station_makes_of_it(
    bed: Bed,
    operations: PowerOperations,
    answers: list[dict[str, Any]],
    reply: Reply,
    unit: RateUnit,
    level: int,
) -> None:
    async with bed.wire() as wire:
        await wire.sync()
        limiting = asyncio.create_task(
            operations.limit_station(station(bed, idle=(), afresh=False))
        )
        await answer(wire, *answers)
        limited = await limiting
    assert (limited.reply, limited.unit, limited.stack_level) == (reply, unit, level)
    assert (limited.detail is None) == (limited.reply is Reply.ACCEPTED)


async def test_each_of_its_connectors_is_told_the_default(
    bed: Bed, operations: PowerOperations
) -> None:
    """Where it takes none for all of them at once."""
    async with bed.wire() as wire:
        await wire.sync()
        wanted = station(bed, connectors=(1, 2), idle=(), afresh=False)
        limiting = asyncio.create_task(operations.limit_station(wanted))
        told: list[dict[str, Any]] = [LEVEL, ACCEPTED, REJECTED, ACCEPTED, ACCEPTED]
        asked = await answer(wire, *told, schedule(20, "A"))
        limited = await limiting
    assert limited.reply is Reply.ACCEPTED
    assert [one["connectorId"] for one in asked[1:5]] == [0, 0, 1, 2]
    assert {one["csChargingProfiles"]["chargingProfilePurpose"] for one in asked[2:5]} == {
        profiles.Purpose.DEFAULT
    }


@pytest.mark.parametrize(
    ("reports", "shown"),
    [
        ([schedule(20, "A"), REJECTED], (True, False)),
        ([schedule(20, "A"), schedule(20, "A")], (True, False)),  # it leaves the default out
        ([schedule(20, "A"), schedule(0, "A")], (True, True)),
        ([REJECTED], (False, False)),
    ],
)
async def test_what_it_reports_of_an_idle_connector_is_no_proof_against_it(
    bed: Bed,
    operations: PowerOperations,
    reports: list[dict[str, Any]],
    shown: tuple[bool, bool],
) -> None:
    async with bed.wire() as wire:
        await wire.sync()
        limiting = asyncio.create_task(operations.limit_station(station(bed)))
        await answer(wire, ACCEPTED, ACCEPTED, LEVEL, ACCEPTED, ACCEPTED, *reports)
        limited = await limiting
    assert (limited.reply, limited.confirmed, limited.proven) == (Reply.ACCEPTED, *shown)


async def test_a_station_whose_connectors_are_not_known_yet_has_proven_nothing(
    bed: Bed, operations: PowerOperations
) -> None:
    async with bed.wire() as wire:
        await wire.sync()
        wanted = station(bed, connectors=(), idle=(), afresh=False)
        limiting = asyncio.create_task(operations.limit_station(wanted))
        await answer(wire, LEVEL, ACCEPTED, ACCEPTED, schedule(20, "A"))
        limited = await limiting
    assert (limited.reply, limited.confirmed, limited.proven) == (Reply.ACCEPTED, True, False)


@pytest.mark.parametrize(
    ("amps", "unit", "limit"),
    [(16.66, "A", 16.6), (16, "A", 16), (0.3, "A", 0.3), (10, "W", 2_300), (32, "W", 22_080)],
)
async def test_a_limit_is_never_rounded_up(
    bed: Bed, operations: PowerOperations, amps: float, unit: RateUnit, limit: float
) -> None:
    wanted = station(
        bed, station_amps=amps, form=replace(FORM, unit=RateUnit(unit)), afresh=False, idle=()
    )
    async with bed.wire() as wire:
        await wire.sync()
        limiting = asyncio.create_task(operations.limit_station(wanted))
        (_, asked, *_) = await answer(wire, LEVEL, ACCEPTED, ACCEPTED, schedule(limit, unit))
        await limiting
    period = asked["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]
    assert period == {"startPeriod": 0, "limit": limit, "numberPhases": 3}


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
            operations.lift_limits(
                LiftLimits(charge_point_id=bed.charge_point_id, connectors=(), form=FORM)
            )
        )
        first = await wire.frame()
        await wire.socket.send(json.dumps([3, late[1], REJECTED]))
        await wire.socket.send(json.dumps([3, first[1], {"status": "Unknown"}]))
        by_number, _ = await answer(wire, {"status": "Unknown"}, ACCEPTED)
        assert by_number == {"id": 100}
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
            LiftLimits(charge_point_id=bed.charge_point_id, connectors=(1,), form=FORM)
        )
        await charge_point.until(lambda: charge_point.power_w() > 19 * WATTS_PER_AMPERE)


UNKNOWN = {"status": "Unknown"}
SET, CLEAR = "SetChargingProfile", "ClearChargingProfile"


@pytest.mark.parametrize(
    ("answers", "reply", "asked"),
    [
        # It had them, or says of each that it has none.
        ([ACCEPTED, ACCEPTED, ACCEPTED], Reply.ACCEPTED, [CLEAR] * 3),
        ([UNKNOWN] * 9, Reply.ACCEPTED, [CLEAR] * 9),
        # It clears neither: what its cable carries is set in their place.
        (
            [ACCEPTED, REJECTED, REJECTED, ACCEPTED, REJECTED, REJECTED, ACCEPTED],
            Reply.ACCEPTED,
            [CLEAR, CLEAR, CLEAR, SET, CLEAR, CLEAR, SET],
        ),
        # It does nothing of that: it has not confirmed it, and is asked again.
        ([ACCEPTED, REJECTED, REJECTED, REJECTED], Reply.REJECTED, [CLEAR, CLEAR, CLEAR, SET]),
    ],
)
async def test_limits_are_lifted_until_that_is_confirmed(
    bed: Bed,
    operations: PowerOperations,
    answers: list[dict[str, Any]],
    reply: Reply,
    asked: list[str],
) -> None:
    request = LiftLimits(
        charge_point_id=bed.charge_point_id, connectors=(1,), form=FORM, whole=True
    )
    async with bed.wire() as wire:
        await wire.sync()
        lifting = asyncio.create_task(operations.lift_limits(request))
        actions = []
        for payload in answers:
            frame = await wire.frame()
            actions.append(frame[2])
            await wire.socket.send(json.dumps([3, frame[1], payload]))
        assert (await lifting).reply is reply
    assert actions == asked


async def test_who_knows_no_profiles_has_none(bed: Bed, operations: PowerOperations) -> None:
    request = LiftLimits(
        charge_point_id=bed.charge_point_id, connectors=(1,), form=FORM, whole=True
    )
    async with bed.wire() as wire:
        await wire.sync()
        lifting = asyncio.create_task(operations.lift_limits(request))
        frame = await wire.frame()
        await wire.socket.send(json.dumps([4, frame[1], "NotImplemented", "", {}]))
        assert (await lifting).reply is Reply.ACCEPTED


def units(value: str) -> dict[str, Any]:
    key = {"key": profiles.RATE_UNITS, "readonly": True, "value": value}
    return {"configurationKey": [*LEVEL["configurationKey"], key]}


@pytest.mark.parametrize(
    ("said", "direct_current", "unit", "limit"),
    [
        ("Current,Power", False, "A", 20),
        ("Current", False, "A", 20),
        ("power", False, "W", 20 * 240),
        # A rectifier draws from all phases alike; its amperes are not those of the supply.
        ("Current,Power", True, "W", 20 * 240 * 3),
    ],
)
async def test_the_unit_and_the_voltage_are_its_own(
    bed: Bed,
    operations: PowerOperations,
    said: str,
    direct_current: bool,
    unit: str,
    limit: float,
) -> None:
    form = replace(FORM, voltage=240, direct_current=direct_current)
    form = replace(form, unit=RateUnit.WATTS) if direct_current else form
    async with bed.wire() as wire:
        await wire.sync()
        wanted = station(bed, form=form, afresh=False, idle=())
        limiting = asyncio.create_task(operations.limit_station(wanted))
        reported = schedule(limit, unit)
        (keys, asked, *_) = await answer(wire, units(said), ACCEPTED, ACCEPTED, reported)
        limited = await limiting
    assert keys == {"key": [profiles.MAX_STACK_LEVEL, profiles.RATE_UNITS]}
    told = asked["csChargingProfiles"]["chargingSchedule"]
    assert told["chargingRateUnit"] == unit
    assert told["chargingSchedulePeriod"][0]["limit"] == limit
    assert (limited.reply, limited.unit) == (Reply.ACCEPTED, unit)


async def test_a_rectifier_is_not_told_in_amperes(bed: Bed, operations: PowerOperations) -> None:
    form = replace(FORM, unit=RateUnit.WATTS, direct_current=True)
    async with bed.wire() as wire:
        await wire.sync()
        wanted = station(bed, form=form, afresh=False, connectors=())
        limiting = asyncio.create_task(operations.limit_station(wanted))
        asked = await answer(wire, units("Current"), *[REJECTED] * 4)
        assert (await limiting).reply is Reply.REJECTED
    told = [one["csChargingProfiles"]["chargingSchedule"] for one in asked[1:]]
    assert {one["chargingRateUnit"] for one in told} == {"W"}


@pytest.mark.parametrize(
    ("reports", "reply"),
    [(schedule(10, "A"), Reply.ACCEPTED), (schedule(32, "A"), Reply.ERROR)],
)
async def test_what_it_reports_of_a_session_is_a_proof(
    bed: Bed, operations: PowerOperations, reports: dict[str, Any], reply: Reply
) -> None:
    running = (Running(connector_id=1, amps=10),)
    async with bed.wire() as wire:
        await wire.sync()
        wanted = station(bed, idle=(), running=running, afresh=False)
        limiting = asyncio.create_task(operations.limit_station(wanted))
        await answer(wire, LEVEL, ACCEPTED, ACCEPTED, schedule(20, "A"), reports)
        limited = await limiting
    assert limited.reply is reply
    assert limited.reported_amps == (None if reply is Reply.ACCEPTED else 32)


@pytest.mark.parametrize(("raises", "default"), [(True, 6), (False, None)])
async def test_who_refuses_zero_gets_the_least_if_that_is_kept_for_it(
    bed: Bed, operations: PowerOperations, raises: bool, default: float | None
) -> None:
    async with virtual(bed, Fault.REFUSES_ZERO):
        limited = await operations.limit_station(station(bed, raises=raises))
    assert limited.reply is (Reply.ACCEPTED if raises else Reply.REJECTED)
    assert limited.default_amps == default
    assert limited.proven


@pytest.mark.parametrize(
    ("reports", "shown"), [([], (False, False)), ([schedule(20, "A")], (True, False))]
)
async def test_who_never_tells_its_schedule_has_taken_its_limits_all_the_same(
    bed: Bed,
    operations: PowerOperations,
    reports: list[dict[str, Any]],
    shown: tuple[bool, bool],
) -> None:
    async with bed.wire() as wire:
        await wire.sync()
        bed.node.registry.require(bed.charge_point_id).call_timeout = 0.2
        limiting = asyncio.create_task(operations.limit_station(station(bed, afresh=False)))
        await answer(wire, LEVEL, ACCEPTED, ACCEPTED, *reports)
        limited = await limiting
    assert (limited.reply, limited.confirmed, limited.proven) == (Reply.ACCEPTED, *shown)


async def test_nothing_is_cleared_where_somebody_charges(
    bed: Bed, operations: PowerOperations
) -> None:
    """One that waits at 0 A, and has confirmed nothing yet, would draw all of the cable."""
    async with bed.wire() as wire:
        await wire.sync()
        wanted = station(bed, connectors=(1, 2), idle=(2,), afresh=False)
        limiting = asyncio.create_task(operations.limit_station(wanted))
        await answer(wire, LEVEL, ACCEPTED, ACCEPTED, schedule(20, "A"), schedule(20, "A"))
        limited = await limiting
    assert (limited.reply, limited.proven) == (Reply.ACCEPTED, False)
