"""Each operation against a virtual charge point: what arrives there, and what is made of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from domain import operations as op
from domain.facts import BootFact
from domain.operations import Reply, TriggerKind
from domain.ports import ChargePointGoneError
from domain.states import ConnectorStatus, ParameterState, RegistrationStatus
from simulator import Fault, State, VirtualChargePoint
from storage.models.charge_points import ChargePoint
from storage.models.configuration import Parameter, SentCommand
from storage.models.facts import Connector
from storage.models.transactions import MeterValue, Transaction
from storage.parameters import Parameters
from tests.ocpp_server.bed import Bed
from tests.support.eventually import eventually

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@asynccontextmanager
async def virtual(bed: Bed, *faults: Fault) -> AsyncIterator[VirtualChargePoint]:
    charge_point = VirtualChargePoint(url=bed.url(), faults=frozenset(faults), speed=50)
    running = asyncio.create_task(charge_point.run())
    try:
        await charge_point.until(lambda: charge_point.state is State.ACCEPTED)
        yield charge_point
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def target(bed: Bed) -> op.Operation:
    return op.Operation(charge_point_id=bed.charge_point_id)


def who(bed: Bed, *ask_for: TriggerKind) -> op.ReadIdentity:
    return op.ReadIdentity(charge_point_id=bed.charge_point_id, ask_for=ask_for)


@on_sqlite
async def test_what_is_asked_for_is_heard_before_the_answer(bed: Bed) -> None:
    boot, heartbeat = TriggerKind.BOOT, TriggerKind.HEARTBEAT
    async with virtual(bed):

        async def known() -> BootFact:
            before = (await bed.gateway.read_identity(who(bed))).boot
            assert before is not None
            return before

        before = await eventually(known)
        identity = await bed.gateway.read_identity(who(bed, boot, heartbeat))
        assert identity.boot is not None
        assert identity.boot.boot_id != before.boot_id
        assert identity.heartbeat_at is not None
        assert identity.heartbeat_at > before.at
        assert identity.not_triggered == {}


@on_sqlite
async def test_who_lacks_triggers_is_asked_for_each_message_once(bed: Bed) -> None:
    async with virtual(bed, Fault.NO_TRIGGER_MESSAGE):
        messages = TriggerKind.BOOT, TriggerKind.HEARTBEAT

        async def refused() -> None:
            identity = await bed.gateway.read_identity(who(bed, *messages))
            assert set(identity.not_triggered) == set(messages)
            assert {one.reply for one in identity.not_triggered.values()} == {Reply.NOT_SUPPORTED}
            assert identity.heartbeat_at is None

        await eventually(refused)


@on_sqlite
@pytest.mark.parametrize(("value", "goes_on"), [("45", True), ("never", False)])
async def test_what_is_configured_is_accepted_and_says_who_it_is(
    bed: Bed, value: str, *, goes_on: bool
) -> None:
    wanted = op.DesiredParameter(key="MeterValueSampleInterval", value=value, required=True)
    request = op.ApplyConfiguration(
        charge_point_id=bed.charge_point_id,
        parameters=(wanted,),
        then=who(bed, TriggerKind.BOOT),
    )
    async with virtual(bed):
        async with bed.database.write() as connection:
            await connection.execute(update(ChargePoint).values(provisioned_at=None))

        async def applied() -> op.ConfigurationOutcome:
            outcome = await bed.gateway.apply_configuration(request)
            assert outcome.detail is None
            return outcome

        outcome = await eventually(applied)
    async with bed.database.read() as connection:
        provisioned = await connection.scalar(select(col(ChargePoint.provisioned_at)))
    assert (outcome.identity is not None, provisioned is not None) == (goes_on, goes_on)
    if outcome.identity is not None:
        assert outcome.identity.boot is not None
        assert outcome.identity.boot.registration is RegistrationStatus.ACCEPTED


@on_sqlite
async def test_identity_and_ping(bed: Bed) -> None:
    async with virtual(bed) as charge_point:

        async def known() -> None:
            identity = await bed.gateway.read_identity(who(bed))
            assert identity.boot is not None
            assert identity.boot.charge_point_serial == charge_point.serial
            assert identity.clock_skew_s is not None
            assert abs(identity.clock_skew_s) < 5
            assert identity.ping_ms > 0

        await eventually(known)
        measured = await bed.gateway.ping(target(bed))
        assert (measured.ocpp_version, measured.latency_ms > 0) == ("1.6", True)


@on_sqlite
async def test_a_skewed_clock_shows(bed: Bed) -> None:
    async with virtual(bed, Fault.CLOCK_SKEWED):

        async def skewed() -> None:
            identity = await bed.gateway.read_identity(who(bed))
            assert identity.clock_skew_s is not None
            assert 7_000 < identity.clock_skew_s < 7_400

        await eventually(skewed)


@on_sqlite
async def test_read_configuration(bed: Bed) -> None:
    async with virtual(bed):
        everything = await bed.gateway.read_configuration(
            op.ReadConfiguration(charge_point_id=bed.charge_point_id)
        )
        assert len(everything.keys) > 20
        some = await bed.gateway.read_configuration(
            op.ReadConfiguration(
                charge_point_id=bed.charge_point_id, keys=("NumberOfConnectors", "Nonsense")
            )
        )
        (key,) = some.keys
        assert (key.value, key.readonly, some.unknown) == ("1", True, ("Nonsense",))


async def test_apply_configuration(bed: Bed) -> None:
    async with bed.database.write() as connection:
        await Parameters(connection).queue(
            bed.charge_point_id, {"ConnectionTimeOut": "30"}, at=datetime.now(UTC)
        )
    wanted = {
        "ConnectionTimeOut": "30",
        "AuthorizationCacheEnabled": "TRUE",
        "GetConfigurationMaxKeys": "7",
        "WebSocketPingInterval": "33",
        "Nonsense": "1",
        "MeterValueSampleInterval": "5",
    }
    async with virtual(bed, Fault.REJECTS_KEY) as charge_point:
        outcome = await bed.gateway.apply_configuration(
            op.ApplyConfiguration(
                charge_point_id=bed.charge_point_id,
                parameters=(
                    *(op.DesiredParameter(key=key, value=value) for key, value in wanted.items()),
                    op.DesiredParameter(
                        key="MaxChargingProfilesInstalled", value="99", assertion=True
                    ),
                    op.DesiredParameter(key="Absent", value="1", assertion=True),
                ),
            )
        )
        assert {one.key: (one.state, one.written) for one in outcome.parameters} == {
            "ConnectionTimeOut": (ParameterState.APPLIED, True),
            "AuthorizationCacheEnabled": (ParameterState.APPLIED, False),
            "GetConfigurationMaxKeys": (ParameterState.READ_ONLY, False),
            "WebSocketPingInterval": (ParameterState.PENDING_REBOOT, True),
            "Nonsense": (ParameterState.NOT_SUPPORTED, False),
            "MeterValueSampleInterval": (ParameterState.REJECTED, True),
            "MaxChargingProfilesInstalled": (ParameterState.MISMATCH, False),
            "Absent": (ParameterState.NOT_SUPPORTED, False),
        }
        assert outcome.number_of_connectors == 1
        assert (outcome.sample_interval_s, outcome.clock_aligned_interval_s) == (60, 0)
        assert charge_point.configuration("ConnectionTimeOut") == "30"
    (row,) = await bed.rows(Parameter)
    assert (row.state, row.reported) == ("applied", "30")


@on_sqlite
async def test_what_it_restarted_for_is_read_back_and_not_written_again(bed: Bed) -> None:
    async with virtual(bed, Fault.NEEDS_REBOOT_FOR_KEY) as charge_point:
        outcome = await bed.gateway.apply_configuration(
            op.ApplyConfiguration(
                charge_point_id=bed.charge_point_id,
                parameters=(
                    op.DesiredParameter(key="MeterValueSampleInterval", value="5"),
                    op.DesiredParameter(key="ConnectionTimeOut", value="60"),
                    op.DesiredParameter(key="AuthorizationKey", value="5" * 40),
                ),
                restarted_for=("MeterValueSampleInterval", "ConnectionTimeOut", "AuthorizationKey"),
            )
        )
        assert charge_point.received["ChangeConfiguration"] == 0
    found = {one.key: (one.state, one.reported, one.detail) for one in outcome.parameters}
    reported = charge_point.configuration("MeterValueSampleInterval")
    assert found["MeterValueSampleInterval"] == (
        ParameterState.MISMATCH,
        reported,
        f"The charge point restarted for the value and still reports {reported}.",
    )
    assert found["ConnectionTimeOut"] == (ParameterState.APPLIED, "60", None)
    assert found["AuthorizationKey"] == (
        ParameterState.UNCONFIRMED,
        None,
        "Accepted, and not reported back.",
    )


@on_sqlite
async def test_a_value_that_was_chosen_during_a_push_stays_queued(bed: Bed) -> None:
    async with bed.database.write() as connection:
        await Parameters(connection).queue(
            bed.charge_point_id, {"ConnectionTimeOut": "45"}, at=datetime.now(UTC)
        )
    earlier = op.DesiredParameter(key="ConnectionTimeOut", value="30")
    async with virtual(bed):
        await bed.gateway.apply_configuration(
            op.ApplyConfiguration(charge_point_id=bed.charge_point_id, parameters=(earlier,))
        )
    (row,) = await bed.rows(Parameter)
    assert (row.desired, row.state) == ("45", ParameterState.QUEUED)


async def test_trigger_and_availability(bed: Bed) -> None:
    async with virtual(bed) as charge_point:
        before = charge_point.sent["StatusNotification"]
        trigger = op.Trigger(
            charge_point_id=bed.charge_point_id,
            message=TriggerKind.CONNECTOR_STATUS,
            connector_id=1,
        )
        assert (await bed.gateway.trigger(trigger)).reply is Reply.ACCEPTED
        await charge_point.until(lambda: charge_point.sent["StatusNotification"] > before)
        for operative, status in (
            (False, ConnectorStatus.UNAVAILABLE),
            (True, ConnectorStatus.AVAILABLE),
        ):
            change = op.ChangeAvailability(
                charge_point_id=bed.charge_point_id, connector_id=1, operative=operative
            )
            assert (await bed.gateway.change_availability(change)).reply is Reply.ACCEPTED

            async def seen(status: str = status) -> None:
                rows = {row.evse_id: row.status for row in await bed.rows(Connector)}
                assert rows.get(1) == status

            await eventually(seen)


@on_sqlite
@pytest.mark.parametrize(
    ("fault", "reply"),
    [(Fault.NO_TRIGGER_MESSAGE, Reply.NOT_SUPPORTED), (Fault.HANGS_ON_TRIGGER, Reply.TIMEOUT)],
)
async def test_a_charge_point_without_triggers(bed: Bed, fault: Fault, reply: Reply) -> None:
    async with virtual(bed, fault):
        session = bed.node.registry.require(bed.charge_point_id)
        session.call_timeout = 0.2
        trigger = op.Trigger(charge_point_id=bed.charge_point_id, message=TriggerKind.METER_VALUES)
        assert (await bed.gateway.trigger(trigger)).reply is reply


async def test_a_test_transaction_from_start_to_stop(bed: Bed) -> None:
    run_id = await bed.open_run(id_tag="C0FFEE")
    start = op.StartTestTransaction(
        charge_point_id=bed.charge_point_id, intent="start-1", connector_id=1, id_tag="C0FFEE"
    )
    async with virtual(bed) as charge_point:
        assert (await bed.gateway.start_test_transaction(start)).reply is Reply.ACCEPTED
        assert (await bed.gateway.start_test_transaction(start)).reply is Reply.ACCEPTED
        await charge_point.until(lambda: bool(charge_point.transactions))

        async def metered() -> int:
            rows = await bed.rows(Transaction)
            assert [(row.id_tag, row.commissioning_id) for row in rows] == [("C0FFEE", run_id)]
            (row,) = rows
            values = await bed.rows(MeterValue)
            assert values
            assert {value.transaction_id for value in values} == {row.id}
            return int(row.id)

        transaction_id = await eventually(metered)
        stop = op.StopTestTransaction(
            charge_point_id=bed.charge_point_id, transaction_id=str(transaction_id)
        )
        assert (await bed.gateway.stop_test_transaction(stop)).reply is Reply.ACCEPTED

        async def stopped() -> None:
            (row,) = await bed.rows(Transaction)
            assert row.stopped_at is not None

        await eventually(stopped)
        received = charge_point.received["RemoteStopTransaction"]
        again = await bed.gateway.stop_test_transaction(stop)
        assert again.reply is Reply.ACCEPTED
        assert charge_point.received["RemoteStopTransaction"] == received
        assert charge_point.remote_starts == 1


@on_sqlite
async def test_a_reset_is_sent_once_for_its_intent(bed: Bed) -> None:
    reset = op.Reset(charge_point_id=bed.charge_point_id, intent="reset-1", kind=op.ResetKind.SOFT)
    async with virtual(bed) as charge_point:
        outcomes = await asyncio.gather(*(bed.gateway.reset(reset) for _ in range(5)))
        assert charge_point.resets == 1
        assert {outcome.reply for outcome in outcomes} <= {Reply.ACCEPTED, Reply.UNKNOWN}
        (row,) = await bed.rows(SentCommand)
        assert (row.operation, row.reply) == ("reset", "accepted")


@on_sqlite
async def test_firmware_diagnostics_and_profiles(bed: Bed) -> None:
    async with virtual(bed) as charge_point:
        update = op.UpdateFirmware(
            charge_point_id=bed.charge_point_id,
            intent="update-1",
            location="https://firmware.example/image",
            retrieve_at=datetime.now(UTC),
        )
        assert (await bed.gateway.update_firmware(update)).reply is Reply.ACCEPTED
        logs = op.CollectLogs(
            charge_point_id=bed.charge_point_id, intent="logs-1", location="ftp://logs.example/"
        )
        assert (await bed.gateway.collect_logs(logs)).reply is Reply.ACCEPTED
        assert charge_point.received["UpdateFirmware"] == 1
        assert charge_point.received["GetDiagnostics"] == 1


@on_sqlite
async def test_an_intent_whose_reply_was_lost_is_not_sent_again(bed: Bed) -> None:
    reset = op.Reset(charge_point_id=bed.charge_point_id, intent="reset-1", kind=op.ResetKind.HARD)
    async with bed.wire() as wire:
        await wire.sync()
        sent = asyncio.create_task(bed.gateway.reset(reset))
        assert (await wire.frame())[2] == "Reset"
        await wire.socket.close()
        assert (await sent).reply is Reply.UNKNOWN
    async with bed.wire() as wire:
        await wire.sync()
        assert (await bed.gateway.reset(reset)).reply is Reply.UNKNOWN
        await wire.sync()


@on_sqlite
async def test_a_late_answer_is_not_taken_for_the_next(bed: Bed) -> None:
    trigger = op.Trigger(charge_point_id=bed.charge_point_id, message=TriggerKind.HEARTBEAT)
    async with bed.wire() as wire:
        await wire.sync()
        session = bed.node.registry.require(bed.charge_point_id)
        session.call_timeout = 0.05
        first = asyncio.create_task(bed.gateway.trigger(trigger))
        late = await wire.frame()
        assert (await first).reply is Reply.TIMEOUT
        session._calls = None
        session.call_timeout = 2
        second = asyncio.create_task(bed.gateway.trigger(trigger))
        call = await wire.frame()
        await wire.socket.send(f'[3,"{late[1]}",{{"status":"Accepted"}}]')
        await wire.socket.send(f'[3,"{call[1]}",{{"status":"Rejected"}}]')
        assert (await second).reply is Reply.REJECTED


@on_sqlite
@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ('[4,"{}","NotSupported","",{{}}]', Reply.NOT_SUPPORTED),
        ('[4,"{}","InternalError","oops",{{}}]', Reply.ERROR),
        ('[3,"{}",{{"status":"Perhaps"}}]', Reply.ERROR),
        ('[3,"{}",{{}}]', Reply.ERROR),
    ],
)
async def test_odd_answers_are_outcomes(bed: Bed, answer: str, reply: Reply) -> None:
    trigger = op.Trigger(charge_point_id=bed.charge_point_id, message=TriggerKind.HEARTBEAT)
    async with bed.wire() as wire:
        await wire.sync()
        asked = asyncio.create_task(bed.gateway.trigger(trigger))
        await wire.socket.send(answer.format((await wire.frame())[1]))
        assert (await asked).reply is reply


@on_sqlite
async def test_who_is_not_here_is_gone(bed: Bed) -> None:
    with pytest.raises(ChargePointGoneError):
        await bed.gateway.ping(target(bed))
    reset = op.Reset(charge_point_id=bed.charge_point_id, intent="r", kind=op.ResetKind.SOFT)
    with pytest.raises(ChargePointGoneError):
        await bed.gateway.reset(reset)
    assert await bed.rows(SentCommand) == []


@on_sqlite
async def test_a_plug_is_let_go_of_once_for_an_intent(bed: Bed) -> None:
    async with virtual(bed) as charge_point:
        unlock = op.UnlockConnector(
            charge_point_id=bed.charge_point_id, intent="cmd_1", connector_id=1
        )
        assert (await bed.gateway.unlock_connector(unlock)).reply is Reply.ACCEPTED
        assert (await bed.gateway.unlock_connector(unlock)).reply is Reply.ACCEPTED
        assert charge_point.received["UnlockConnector"] == 1
