"""The restart for a configuration: at most one for an intent, and no verdict about a lost one."""

from datetime import timedelta

import pytest

from domain import operations as op
from domain.failures import FailureCode
from domain.ports import ChargePointGoneError
from domain.states import RunStatus
from tests.workflows.charger import Behaviour
from tests.workflows.conftest import StageMaker

_NEEDED = frozenset({"HeartbeatInterval"})


async def test_one_that_was_lost_with_its_node_is_asked_for_again(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(reboot_for=_NEEDED, lost_resets=1))
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
    assert stage.charger.received["reset"] == 2


async def test_it_is_asked_for_again_once(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(reboot_for=_NEEDED, lost_resets=9))
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == FailureCode.REBOOT_NOT_SEEN
    assert stage.charger.received["reset"] == 2


@pytest.mark.parametrize("in_vain", [True, False])
async def test_a_boot_on_the_same_link_is_a_restart_if_its_values_count_then(
    set_stage: StageMaker, *, in_vain: bool
) -> None:
    """In Pending it boots anew all the time; what it reports then tells whether it restarted."""
    stage = await set_stage(
        Behaviour(reboot_for=_NEEDED, boots_on_its_link=True, reboots_in_vain=in_vain)
    )
    view = await stage.verdict()
    if in_vain:
        assert view.failure is not None
        assert view.failure.code == FailureCode.REBOOT_NOT_SEEN
    else:
        assert view.status is RunStatus.COMPLETED, view.failure
        assert not [note for check in view.checks for note in check.notes]
    assert stage.charger.received["reset"] == 1


async def test_one_that_was_obeyed_without_an_answer_is_not_repeated(
    set_stage: StageMaker,
) -> None:
    stage = await set_stage(Behaviour(reboot_for=_NEEDED, reset_reply=op.Reply.UNKNOWN))
    view = await stage.verdict()
    assert view.status is RunStatus.COMPLETED, view.failure
    assert stage.charger.received["reset"] == 1


async def test_a_charge_point_that_is_away_is_not_asked_again(set_stage: StageMaker) -> None:
    """It may well be restarting, slowly."""
    stage = await set_stage(
        Behaviour(reboot_for=_NEEDED, reset_reply=op.Reply.UNKNOWN, comes_back=False)
    )
    handle = await stage.start()
    await stage.env.sleep(timedelta(minutes=8))
    await stage.charger.connect()
    view = await stage.verdict_of(handle)
    assert view.status is RunStatus.COMPLETED, view.failure
    assert stage.charger.received["reset"] == 1


async def test_a_refusal_is_told_at_once(set_stage: StageMaker) -> None:
    stage = await set_stage(Behaviour(reboot_for=_NEEDED, reset_reply=op.Reply.REJECTED))
    handle = await stage.start()
    view = await stage.verdict_of(handle)
    assert view.failure is not None
    assert view.failure.code == FailureCode.REBOOT_REFUSED
    ended = await handle.describe()
    assert ended.close_time is not None
    assert ended.close_time - ended.start_time < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("boots", "code", "tries"),
    [(True, FailureCode.BOOT_LOOP, 7), (False, FailureCode.CONNECTION_UNSTABLE, 6)],
)
async def test_one_that_restarts_at_each_try_has_no_bad_link(
    set_stage: StageMaker, monkeypatch: pytest.MonkeyPatch, boots: bool, code: str, tries: int
) -> None:
    """Its first boot is not told in time, so that its sixth comes with the seventh try."""
    stage = await set_stage()
    tried = 0

    async def restarts(_request: op.ApplyConfiguration) -> op.ConfigurationOutcome:
        nonlocal tried
        tried += 1
        stage.charger.behaviour.boot_is_told = boots and tried > 1
        await stage.charger.connect()
        raise ChargePointGoneError("The socket closed.")

    monkeypatch.setattr(stage.charger, "apply_configuration", restarts)
    view = await stage.verdict()
    assert view.failure is not None
    assert view.failure.code == code
    assert tried == tries
