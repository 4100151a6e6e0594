"""How a failure that no single fault makes comes about, and how its advice is followed.

Each scene fails as it should, does nothing but what the action of the failure says, and sees the
next run pass.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from domain.checks import RunView
from domain.commissioning import RunOptions, RunPace
from domain.failures import FailureCode
from domain.states import Exchange, InstallerAnswer, RunStatus, WaitingFor
from simulator import Fault, State, VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22, ALFEN_EVE_SINGLE
from storage.charge_points import ChargePoint
from temporal.reconciler import Reconciler
from tests.faults.stage import PATIENT, Run, Stage
from tests.ocpp_server.bed import Wire
from tests.support.eventually import eventually

Scene = Callable[[Stage], Awaitable[None]]
_HAS_SAID_WHO_IT_IS = {State.PENDING, State.ACCEPTED}
_SOON = RunOptions(wait_for_connection=timedelta(seconds=5))
"""Long enough for an attempt that is refused meanwhile, on a slow machine too."""
_STRICT = replace(ABB_TERRA_AC_W22, vendor="Strict Power", model="S1", firmware="3.0.0")


async def fails(
    stage: Stage, identity: str, *, options: RunOptions | None = None, pace: RunPace = PATIENT
) -> RunView:
    """Commission it; what it fails with."""
    return await stage.verdict(await stage.start(identity, options=options, pace=pace))


async def passes(stage: Stage, identity: str) -> None:
    """Retry once it is there, as each advice ends; it passes."""

    async def is_there() -> None:
        shown = (await stage.front.get(f"/charge-points/{identity}")).json()
        assert shown["connection"]["connected"], shown

    await eventually(is_there)  # the run waits no longer than the one before: seconds, of some
    view = await stage.retry(identity)
    assert view.status is RunStatus.COMPLETED, view.failure


def is_a(view: RunView, code: FailureCode) -> None:
    assert view.failure is not None, view.status
    assert view.failure.code == code, view.failure


async def customise(stage: Stage, identity: str, key: str, value: int) -> None:
    body = {"parameters": [{"key": key, "value": value}]}
    answer = await stage.front.post(f"/charge-points/{identity}/config/customize", body)
    assert answer.is_success, answer.text


async def restart(charge_point: VirtualChargePoint) -> None:
    """By hand."""
    charge_point.power_cycle()
    await charge_point.until(lambda: not charge_point.connected)
    await charge_point.until(lambda: charge_point.connected)


async def ended_from_outside(stage: Stage) -> None:
    registered = await stage.register("SN-ENDED", ABB_TERRA_AC_W22)
    run = await stage.start(registered.id)
    await waits_for(run, WaitingFor.CONNECTION)
    await run.handle.terminate()
    reconciler = Reconciler(
        stage.client,
        stage.database,
        now=lambda: datetime.now(UTC) + timedelta(minutes=1),
        task_queue=stage.task_queue,
    )

    async def has_its_verdict() -> None:
        await reconciler.reconcile()  # Temporal's list may not know of the end at the first look
        answer = await stage.front.get(f"/commissioning/{registered.id}/status")
        failure = answer.json()["failure"]
        assert failure is not None
        assert failure["code"] == FailureCode.RUN_ENDED_FROM_OUTSIDE

    await eventually(has_its_verdict)
    async with stage.switched_on(registered.id, serial="SN-ENDED"):
        await passes(stage, registered.id)


async def never_connected(stage: Stage) -> None:
    registered = await stage.register("SN-NEVER", ABB_TERRA_AC_W22)
    view = await fails(stage, registered.id, options=_SOON)
    is_a(view, FailureCode.NEVER_CONNECTED)
    assert view.failure is not None
    assert f"POST …/charge-points/{registered.id}/replace" in view.failure.action
    async with stage.switched_on(registered.id, serial="SN-NEVER"):
        await passes(stage, registered.id)


async def connection_refused(stage: Stage) -> None:
    registered = await stage.register("SN-REFUSED", ABB_TERRA_AC_W22)
    run = await stage.start(registered.id, options=_SOON)
    with pytest.raises(InvalidStatus):
        await connect(f"{stage.ocpp_url}/{registered.id}", subprotocols=[Subprotocol("ocpp2.0.1")])
    view = await stage.verdict(run)
    is_a(view, FailureCode.CONNECTION_REFUSED)
    assert view.failure is not None
    assert "Choose OCPP 1.6 JSON" in view.failure.cause
    async with stage.switched_on(registered.id, serial="SN-REFUSED"):
        await passes(stage, registered.id)


async def wrong_identity(stage: Stage) -> None:
    """It was told its serial number in place of its endpoint; the claim is one call."""
    registered = await stage.register("SN-UNCLAIMED-9", ABB_TERRA_AC_W22)
    async with stage.switched_on("SN-UNCLAIMED-9", serial="SN-UNCLAIMED-9"):
        view = await fails(stage, registered.id, options=_SOON)
        is_a(view, FailureCode.WRONG_IDENTITY)
        claim = f"/projects/{stage.project.id}/unclaimed/SN-UNCLAIMED-9/claim"
        answer = await stage.front.post(claim, {"charge_point_id": registered.id})
        assert answer.is_success, answer.text
        await passes(stage, registered.id)


async def connection_lost(stage: Stage) -> None:
    registered = await stage.register("SN-LOST", ABB_TERRA_AC_W22)
    async with stage.switched_on(registered.id, serial="SN-LOST") as charge_point:
        pace = replace(PATIENT, reconnect=timedelta(seconds=3), vehicle=timedelta(seconds=3))
        run = await stage.start(registered.id, pace=pace)
        await charge_point.until(lambda: charge_point.remote_starts > 0)
    is_a(await stage.verdict(run), FailureCode.CONNECTION_LOST)
    async with stage.switched_on(registered.id, serial="SN-LOST"):
        await passes(stage, registered.id)


def registered_otherwise(code: FailureCode, **plate: str) -> Scene:
    """Make the scene of a type plate that was read wrongly, or of a unit in another's bay.

    First it is corrected on site, by the address of another charge point, then here.
    """

    async def scene(stage: Stage) -> None:
        serial = f"SN-{code}"
        registered = await stage.register(serial, ABB_TERRA_AC_W22)
        another = replace(ABB_TERRA_AC_W22, **plate)  # type: ignore[arg-type]
        async with stage.switched_on(registered.id, serial=serial, profile=another):
            is_a(await fails(stage, registered.id), code)
        async with stage.switched_on(registered.id, serial=serial) as the_right_one:
            await the_right_one.until(lambda: the_right_one.state in _HAS_SAID_WHO_IT_IS)
            await passes(stage, registered.id)
        mistaken = await stage.register(f"{serial}-2", another)
        async with stage.switched_on(mistaken.id, serial=f"{serial}-2"):
            is_a(await fails(stage, mistaken.id), code)
            right = {name: getattr(ABB_TERRA_AC_W22, name) for name in plate}
            answer = await stage.front.patch(f"/charge-points/{mistaken.id}", right)
            assert answer.is_success, answer.text
            await passes(stage, mistaken.id)

    return scene


async def exchanged(stage: Stage) -> None:
    """Two units answer at each other's endpoint: each failure says what to send."""
    one, other = [await stage.register(f"SN-EXCHANGED-{n}", ABB_TERRA_AC_W22) for n in (1, 2)]

    async def named(here: ChargePoint, there: ChargePoint) -> str:
        view = await fails(stage, here.id)
        is_a(view, FailureCode.SERIAL_OF_ANOTHER)
        assert view.failure is not None
        assert there.id in view.failure.action
        return view.failure.action

    async with (
        stage.switched_on(one.id, serial=other.serial_number),
        stage.switched_on(other.id, serial=one.serial_number),
    ):
        await named(one, other)
        advice = await named(other, one)
        assert advice.startswith("If each hangs in the other's bay")
        assert '"exchange": "units"' in advice
        await _swap(stage, one, other, Exchange.UNITS)
        for each in (one, other):
            view = await stage.verdict(await stage.start(each.id))
            assert view.status is RunStatus.COMPLETED, view.failure
    async with (
        stage.switched_on(one.id, serial=one.serial_number) as first,
        stage.switched_on(other.id, serial=other.serial_number) as second,
    ):
        await _have_said_who_they_are(first, second)
        advice = await named(one, other)
        assert '"endpoints" if only the URLs are mixed up' in advice
        await _swap(stage, one, other, Exchange.ENDPOINTS)
        for each in (one, other):
            view = await stage.verdict(await stage.start(each.id))
            assert view.status is RunStatus.COMPLETED, view.failure
    async with stage.switched_on(one.id, serial=other.serial_number) as wrong:
        await _have_said_who_they_are(wrong)
        assert "else correct its OCPP URL and retry" in await named(one, other)
    async with stage.switched_on(one.id, serial=one.serial_number) as right:
        await _have_said_who_they_are(right)
        await passes(stage, one.id)


async def _have_said_who_they_are(*units: VirtualChargePoint) -> None:
    for unit in units:
        await unit.until(lambda unit=unit: unit.state in _HAS_SAID_WHO_IT_IS)  # type: ignore[misc]


async def _swap(stage: Stage, one: ChargePoint, other: ChargePoint, exchange: Exchange) -> None:
    body = {"charge_point_ids": [one.id, other.id], "exchange": exchange}
    answer = await stage.front.post("/charge-points/swap", body)
    assert answer.is_success, answer.text


@asynccontextmanager
async def on_a_wire(stage: Stage, identity: str) -> AsyncIterator[ClientConnection]:
    url = f"{stage.ocpp_url}/{identity}"
    async with connect(url, subprotocols=[Subprotocol("ocpp1.6")]) as socket:
        yield socket


async def configuration_unreadable(stage: Stage) -> None:
    serial = "SN-1"  # of the boot on the wire
    registered = await stage.register(serial, replace(ABB_TERRA_AC_W22, model="Terra AC W22"))
    async with on_a_wire(stage, registered.id) as socket:
        await Wire(socket).boot()
        is_a(await fails(stage, registered.id), FailureCode.CONFIGURATION_UNREADABLE)
    async with stage.switched_on(registered.id, serial=serial):
        await passes(stage, registered.id)


async def no_heartbeat(stage: Stage) -> None:
    async with stage.powered(Fault.NO_TRIGGER_MESSAGE) as charge_point:
        identity = charge_point.identity
        await customise(stage, identity, "HeartbeatInterval", 86_400)
        pace = replace(
            PATIENT, heartbeat=timedelta(seconds=7), heartbeat_at_most=timedelta(seconds=7)
        )
        is_a(await fails(stage, identity, pace=pace), FailureCode.NO_HEARTBEAT)
        await customise(stage, identity, "HeartbeatInterval", 300)
        await passes(stage, identity)


def unapproved(code: FailureCode, version: str) -> Scene:
    """Make the scene of a firmware that nobody has approved."""

    async def scene(stage: Stage) -> None:
        async with stage.powered(profile=replace(_STRICT, firmware=version)) as charge_point:
            is_a(await fails(stage, charge_point.identity), code)
            charge_point.install_firmware("3.1.0")
            await passes(stage, charge_point.identity)

    return scene


async def update_given_up(stage: Stage) -> None:
    async with stage.powered(Fault.OLD_FIRMWARE, profile=ALFEN_EVE_SINGLE) as charge_point:
        options = RunOptions(update_firmware=True)
        run = await stage.start(charge_point.identity, options=options)
        await waits_for(run, WaitingFor.INSTALLER)
        answer = await stage.front.post(
            f"/commissioning/{charge_point.identity}/answer",
            {"answer": InstallerAnswer.GIVE_UP, "note": "no app here"},
        )
        assert answer.is_success, answer.text
        is_a(await stage.verdict(run), FailureCode.FIRMWARE_UPDATE_GIVEN_UP)
        charge_point.install_firmware(ALFEN_EVE_SINGLE.firmware)
        await passes(stage, charge_point.identity)


async def update_not_confirmed(stage: Stage) -> None:
    async with stage.powered(Fault.OLD_FIRMWARE, profile=ALFEN_EVE_SINGLE) as charge_point:
        options = RunOptions(update_firmware=True)
        pace = replace(PATIENT, installer=timedelta(seconds=1))
        view = await fails(stage, charge_point.identity, options=options, pace=pace)
        is_a(view, FailureCode.FIRMWARE_UPDATE_NOT_CONFIRMED)
        charge_point.install_firmware(ALFEN_EVE_SINGLE.firmware)
        await passes(stage, charge_point.identity)


async def connector_silent(stage: Stage) -> None:
    faults = (Fault.SILENT_CONNECTORS, Fault.NO_TRIGGER_MESSAGE)
    async with stage.powered(*faults) as charge_point:
        pace = replace(PATIENT, status=timedelta(seconds=3))
        is_a(await fails(stage, charge_point.identity, pace=pace), FailureCode.CONNECTOR_SILENT)
        charge_point.clear_fault(Fault.SILENT_CONNECTORS)
        await restart(charge_point)
        await passes(stage, charge_point.identity)


async def connector_in_use(stage: Stage) -> None:
    async with stage.powered(Fault.CABLE_PLUGGED) as charge_point:
        options = RunOptions(run_test_transaction=False, skip_reason="no vehicle")
        pace = replace(PATIENT, unplug=timedelta(seconds=3))
        view = await fails(stage, charge_point.identity, options=options, pace=pace)
        is_a(view, FailureCode.CONNECTOR_IN_USE)
        charge_point.clear_fault(Fault.CABLE_PLUGGED)
        await passes(stage, charge_point.identity)


async def ended_early(stage: Stage) -> None:
    async with stage.powered() as charge_point:
        run = await stage.start(charge_point.identity)
        await charge_point.until(lambda: bool(charge_point.transactions))
        charge_point.unplug()
        is_a(await stage.verdict(run), FailureCode.TRANSACTION_ENDED_EARLY)
        await passes(stage, charge_point.identity)


async def no_meter_values(stage: Stage) -> None:
    sampled = "MeterValuesSampledData"
    measured = "Power.Active.Import"
    profile = replace(ABB_TERRA_AC_W22, configuration={sampled: measured})
    async with stage.powered(profile=profile) as charge_point:
        pace = replace(PATIENT, charge_at_most=timedelta(seconds=5))
        is_a(await fails(stage, charge_point.identity, pace=pace), FailureCode.NO_METER_VALUES)
        charge_point.set_back(sampled, f"Energy.Active.Import.Register,{measured}")
        await passes(stage, charge_point.identity)


async def meter_disagrees(stage: Stage) -> None:
    async with stage.powered() as charge_point:
        charge_point.hasten_meters(3)  # the ratio of a transformer that is not there
        is_a(await fails(stage, charge_point.identity), FailureCode.METER_DISAGREES)
        charge_point.hasten_meters(1)
        await passes(stage, charge_point.identity)


async def waits_for(run: Run, what: WaitingFor) -> None:
    async def waits() -> None:
        waiting = (await run.handle.query("status", result_type=RunView)).waiting
        assert waiting is not None
        assert waiting.waiting_for is what

    await eventually(waits)


async def connector_not_there(stage: Stage) -> None:
    """A connector is chosen that it does not have; at the retry, one that it has."""
    async with stage.powered() as charge_point:
        chosen = RunOptions(wait_for_connection=PATIENT.boot, test_connectors=(1, 2))
        view = await fails(stage, charge_point.identity, options=chosen)
        is_a(view, FailureCode.CONNECTOR_NOT_THERE)
        again = await stage.retry(charge_point.identity, test_connectors=[1])
        assert again.status is RunStatus.COMPLETED, again.failure


SCENES: Mapping[FailureCode, Scene] = {
    FailureCode.RUN_ENDED_FROM_OUTSIDE: ended_from_outside,
    FailureCode.NEVER_CONNECTED: never_connected,
    FailureCode.CONNECTION_REFUSED: connection_refused,
    FailureCode.WRONG_IDENTITY: wrong_identity,
    FailureCode.CONNECTION_LOST: connection_lost,
    FailureCode.VENDOR_MISMATCH: registered_otherwise(
        FailureCode.VENDOR_MISMATCH, vendor="Alfen BV"
    ),
    FailureCode.MODEL_MISMATCH: registered_otherwise(
        FailureCode.MODEL_MISMATCH, model="Terra AC W7"
    ),
    FailureCode.SERIAL_OF_ANOTHER: exchanged,
    FailureCode.CONFIGURATION_UNREADABLE: configuration_unreadable,
    FailureCode.NO_HEARTBEAT: no_heartbeat,
    FailureCode.FIRMWARE_BLOCKED: unapproved(FailureCode.FIRMWARE_BLOCKED, "3.0.0"),
    FailureCode.FIRMWARE_UNKNOWN: unapproved(FailureCode.FIRMWARE_UNKNOWN, "2.9.9"),
    FailureCode.FIRMWARE_UPDATE_GIVEN_UP: update_given_up,
    FailureCode.FIRMWARE_UPDATE_NOT_CONFIRMED: update_not_confirmed,
    FailureCode.CONNECTOR_SILENT: connector_silent,
    FailureCode.CONNECTOR_NOT_THERE: connector_not_there,
    FailureCode.CONNECTOR_IN_USE: connector_in_use,
    FailureCode.TRANSACTION_ENDED_EARLY: ended_early,
    FailureCode.NO_METER_VALUES: no_meter_values,
    FailureCode.METER_DISAGREES: meter_disagrees,
}
