"""Before a verdict says that nothing came, the run looks at what is stored.

In each case what is missed came and was stored, and no signal told of it: the node was frozen, or
it died with the signal.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from domain import operations as op
from domain.catalogue import FirmwareImage, FirmwareUpdate
from domain.commissioning import NamedTransaction, RunOptions, RunRequest, TransactionReadings
from domain.facts import Astray, EventKind, Irregularity, RefusedAttempt, Snapshot
from domain.failures import FailureCode
from domain.messages import MessageKind
from domain.ownership import Owner
from domain.rules.instead import LOOKS
from domain.states import ConnectorStatus, RunStatus
from tests.workflows.charger import EPOCH, FIRMWARE, ID_TAG, Behaviour, ScriptedChargePoint
from tests.workflows.conftest import PACE, Stage, StageMaker

_LINK = {EventKind.CONNECTED, EventKind.DISCONNECTED, EventKind.BOOT}
_OUTDATED = "1.7.0"
_APPROVED = "1.8.21"


async def _nothing(_stage: Stage) -> None:
    """Whatever happens does so by itself."""


@dataclass(kw_only=True)
class _Case:
    """What comes untold: from the beginning, or as the stage is ``prepared``, or ``during`` it."""

    behaviour: Behaviour = field(default_factory=Behaviour)
    untold: set[EventKind] = field(default_factory=set)
    prepared: Callable[[Stage], None] = lambda _stage: None
    during: Callable[[Stage], Awaitable[None]] = _nothing
    options: RunOptions | None = None


def _nothing_is_desired(stage: Stage) -> None:
    stage.records.desired = ()


def _returns_untold(stage: Stage) -> None:
    charger = stage.charger
    configure = charger.apply_configuration

    async def apply(request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        outcome = await configure(request)
        charger.behaviour.online = False
        await charger.tell(EventKind.DISCONNECTED, connection=charger.connection())
        charger.untold |= {EventKind.CONNECTED, EventKind.BOOT}
        await charger.connect()
        return outcome

    charger.apply_configuration = apply  # type: ignore[method-assign]


async def _connects(stage: Stage) -> None:
    await stage.charger.connect()


def _is_updated(
    update: Callable[[ScriptedChargePoint], Awaitable[None]],
) -> Callable[[Stage], None]:
    def prepare(stage: Stage) -> None:
        image = FirmwareImage(version=_APPROVED, location="https://example.com/image")
        stage.records.firmware = replace(FIRMWARE, image=image)
        stage.charger.update = update

    return prepare


async def _updated_untold(charger: ScriptedChargePoint) -> None:
    charger.untold |= _LINK
    charger.behaviour.firmware = _APPROVED
    await charger.connect()


async def _updated_at_the_second_restart(charger: ScriptedChargePoint) -> None:
    await charger.connect()
    await charger.tell(EventKind.FIRMWARE_STATUS, status="Installed")
    await _updated_untold(charger)


def _by_hand(stage: Stage) -> None:
    stage.records.firmware = replace(FIRMWARE, update=FirmwareUpdate.VENDOR)


async def _is_updated_by_hand(stage: Stage) -> None:
    await stage.env.sleep(timedelta(minutes=5))
    await _updated_untold(stage.charger)


async def _is_unplugged(stage: Stage) -> None:
    await stage.env.sleep(timedelta(minutes=1))
    await stage.charger.set_status(1, ConnectorStatus.AVAILABLE)


async def _begins_all_the_same(stage: Stage) -> None:
    await stage.env.sleep(timedelta(minutes=1))
    await stage.charger.start(ID_TAG, 1)


def _values_are_stored_late(stage: Stage) -> None:
    read = stage.records.readings
    reads = []

    async def readings(transaction: NamedTransaction) -> TransactionReadings:
        found = await read(transaction)
        reads.append(transaction)
        return found if len(reads) > 1 else replace(found, readings=())

    stage.records.readings = readings  # type: ignore[method-assign]


_UPDATE = RunOptions(update_firmware=True, pace=PACE)
_CASES: Mapping[FailureCode, _Case] = {
    FailureCode.NEVER_CONNECTED: _Case(
        behaviour=Behaviour(online=False), untold=_LINK, during=_connects
    ),
    FailureCode.CONNECTION_LOST: _Case(prepared=_returns_untold),
    FailureCode.IDENTITY_UNKNOWN: _Case(
        behaviour=Behaviour(silent_before=True), untold={EventKind.BOOT}
    ),
    FailureCode.BOOT_NOT_ACCEPTED: _Case(untold={EventKind.BOOT}),
    FailureCode.REBOOT_NOT_SEEN: _Case(
        behaviour=Behaviour(reboot_for=frozenset({"HeartbeatInterval"})), untold=_LINK
    ),
    FailureCode.NO_HEARTBEAT: _Case(untold={EventKind.HEARTBEAT}, prepared=_nothing_is_desired),
    FailureCode.HEARTBEAT_MISSING: _Case(untold={EventKind.HEARTBEAT}),
    FailureCode.FIRMWARE_NOT_UPDATED: _Case(
        behaviour=Behaviour(firmware=_OUTDATED),
        prepared=_is_updated(_updated_at_the_second_restart),
        options=_UPDATE,
    ),
    FailureCode.FIRMWARE_UPDATE_NOT_SEEN: _Case(
        behaviour=Behaviour(firmware=_OUTDATED),
        prepared=_is_updated(_updated_untold),
        options=_UPDATE,
    ),
    FailureCode.FIRMWARE_UPDATE_NOT_CONFIRMED: _Case(
        behaviour=Behaviour(firmware=_OUTDATED),
        prepared=_by_hand,
        during=_is_updated_by_hand,
        options=_UPDATE,
    ),
    FailureCode.CONNECTOR_SILENT: _Case(
        behaviour=Behaviour(silent_before=True), untold={EventKind.CONNECTOR}
    ),
    FailureCode.CONNECTOR_UNAVAILABLE: _Case(
        behaviour=Behaviour(statuses={1: ConnectorStatus.UNAVAILABLE}),
        untold={EventKind.CONNECTOR},
    ),
    FailureCode.CONNECTOR_IN_USE: _Case(
        behaviour=Behaviour(statuses={1: ConnectorStatus.FINISHING}),
        untold={EventKind.CONNECTOR},
        during=_is_unplugged,
    ),
    FailureCode.TRANSACTION_NOT_STARTED: _Case(untold={EventKind.TRANSACTION_STARTED}),
    FailureCode.TRANSACTION_REJECTED: _Case(
        behaviour=Behaviour(start_reply=op.Reply.REJECTED),
        untold={EventKind.TRANSACTION_STARTED},
        during=_begins_all_the_same,
    ),
    FailureCode.TRANSACTION_NOT_STOPPED: _Case(untold={EventKind.TRANSACTION_STOPPED}),
    FailureCode.NO_METER_VALUES: _Case(prepared=_values_are_stored_late),
}


def test_each_verdict_of_absence_has_its_case() -> None:
    assert _CASES.keys() == LOOKS.keys()


@pytest.mark.parametrize("code", _CASES)
async def test_what_came_untold_is_found(set_stage: StageMaker, code: FailureCode) -> None:
    case = _CASES[code]
    stage = await set_stage(replace(case.behaviour))
    stage.charger.untold = set(case.untold)
    case.prepared(stage)
    handle = await stage.start(case.options)
    await case.during(stage)
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert stage.records.caught_up or code is FailureCode.NO_METER_VALUES


async def test_a_start_that_comes_untold_as_the_run_ends_is_stopped(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(starts=False))
    stage.charger.untold = {EventKind.TRANSACTION_STARTED}
    look, looks = stage.records.catch_up, []

    async def catch_up(request: RunRequest, *, owner: Owner) -> Snapshot:
        looks.append(request)
        if len(looks) > 1:  # that after the verdict
            await stage.charger.start(ID_TAG, 1)
        return await look(request, owner=owner)

    stage.records.catch_up = catch_up  # type: ignore[method-assign]
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.TRANSACTION_NOT_STARTED
    assert stage.charger.received["stop_test_transaction"] > 0
    assert not view.alarms


async def test_an_end_that_is_known_by_now_is_no_alarm(set_stage: StageMaker) -> None:
    """The run is cancelled while its charge runs, and hears nothing of the end."""
    stage = await set_stage(Behaviour(stops=False))
    look, looks = stage.records.catch_up, []

    async def catch_up(request: RunRequest, *, owner: Owner) -> Snapshot:
        looks.append(request)
        if len(looks) > 1:
            stage.charger.untold = {EventKind.TRANSACTION_STOPPED}
            await stage.charger.end()
        return await look(request, owner=owner)

    stage.records.catch_up = catch_up  # type: ignore[method-assign]
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.TRANSACTION_NOT_STOPPED
    assert not view.alarms


async def test_one_that_went_and_is_refused_is_not_called_lost(set_stage: StageMaker) -> None:
    stage = await set_stage()
    charger = stage.charger
    configure = charger.apply_configuration

    async def apply(request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        outcome = await configure(request)
        charger.behaviour.online = False
        await charger.tell(EventKind.DISCONNECTED, connection=charger.connection())
        stage.records.refusal = RefusedAttempt(
            at=EPOCH + timedelta(seconds=5), code="wrong_key", reason="Its key is wrong."
        )
        return outcome

    charger.apply_configuration = apply  # type: ignore[method-assign]
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.CONNECTION_REFUSED
    assert "Its key is wrong." in view.failure.cause


async def test_one_that_is_offline_is_not_told_to_be_silent(set_stage: StageMaker) -> None:
    """It went while a heartbeat was waited for: no advice about heartbeats would help."""
    stage = await set_stage(Behaviour(heartbeats=False))
    handle = await stage.start()
    await stage.env.sleep(timedelta(minutes=1))
    stage.charger.behaviour.online = False
    await stage.charger.tell(EventKind.DISCONNECTED, connection=stage.charger.connection())
    view = await stage.verdict_of(handle)
    assert view.failure is not None
    assert view.failure.code == FailureCode.CONNECTION_LOST


_FROM_NOW_ON = EPOCH + timedelta(days=3650)
"""When it came; the time of these tests is skipped."""


async def test_a_stop_that_named_another_transaction_is_told(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(stops=False))
    stage.records.irregularities = (
        Irregularity(
            action="StopTransaction",
            what="it named transaction 77, which is none of its own",
            refused=False,
            astray=True,
            count=1,
            excerpt="",
            last_at=_FROM_NOW_ON,
        ),
    )
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.TRANSACTION_NOT_STOPPED
    assert "did say that a transaction ended, but it named transaction 77" in view.failure.cause
    assert view.alarms  # it is stopped as before, for it may run


async def test_values_that_were_of_another_transaction_are_told(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(meters=False))
    stage.records.astray = (
        Astray(
            action=MessageKind.METER_VALUES, at=_FROM_NOW_ON, connector_id=1, transaction_id="3"
        ),
    )
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.NO_METER_VALUES
    assert "of transaction 3 on connector 1" in view.failure.cause


@pytest.mark.parametrize("reply", [op.Reply.ACCEPTED, op.Reply.REJECTED])
async def test_a_start_with_another_tag_on_another_connector_is_told(
    set_stage: StageMaker, reply: op.Reply
) -> None:
    stage = await set_stage(Behaviour(starts=False, start_reply=reply))
    handle = await stage.start()
    await stage.env.sleep(timedelta(minutes=1))
    await stage.charger.start("FREE", 2)
    view = await stage.verdict_of(handle)
    assert view.failure is not None
    refused = reply is op.Reply.REJECTED
    code = FailureCode.TRANSACTION_REJECTED if refused else FailureCode.TRANSACTION_NOT_STARTED
    assert view.failure.code == code
    assert "another transaction began, on connector 2 with the tag 'FREE'" in view.failure.cause


async def test_a_start_with_the_tag_at_the_endpoint_of_another_is_told(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(starts=False))
    stage.records.astray = (
        Astray(
            action=MessageKind.TRANSACTION_STARTED,
            at=_FROM_NOW_ON,
            charge_point_id="cp_2",
            place="Bay 4",
        ),
    )
    view = await stage.verdict()
    assert view.failure is not None
    assert "at the endpoint of the one in Bay 4" in view.failure.cause


async def test_one_that_came_to_the_endpoint_of_another_is_told(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(online=False))
    stage.records.astray = (
        Astray(action=MessageKind.BOOT, at=_FROM_NOW_ON, charge_point_id="cp_2", place="Bay 4"),
    )
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.NEVER_CONNECTED
    assert "came to the endpoint of the one in Bay 4" in view.failure.cause
    assert "cp_2" in view.failure.action


async def _fails_untold(charger: ScriptedChargePoint) -> None:
    charger.untold = {EventKind.FIRMWARE_STATUS}
    charger.clock += timedelta(seconds=1)
    await charger.tell(EventKind.FIRMWARE_STATUS, status="InstallationFailed")


async def test_the_last_word_of_an_update_that_came_untold_is_heard(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(firmware=_OUTDATED))
    _is_updated(_fails_untold)(stage)
    view = await stage.verdict(_UPDATE)
    assert view.failure is not None
    assert view.failure.code == FailureCode.FIRMWARE_INSTALL_FAILED
    assert "InstallationFailed" in view.failure.cause
