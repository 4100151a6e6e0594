"""A configuration is read however the charge point can be brought to say it, and that is kept."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from domain import operations as op
from domain.habits import ConfigurationReading
from domain.operations import TriggerKind
from domain.ports import ChargePointGoneError
from domain.states import ParameterState
from ocpp_server.frame_splitter import LARGE_MESSAGE
from storage.learnt_configuration import read_habits
from tests.ocpp_server.bed import Bed, Wire

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
KEYS = {"HeartbeatInterval": "60", "MeterValueSampleInterval": "30", "NumberOfConnectors": "2"}
Answer = Callable[[str, list[str]], str | None]


def good(message_id: str, names: list[str], **more: Any) -> str:
    found = [
        {"key": name, "readonly": False, "value": KEYS[name]} for name in names if name in KEYS
    ]
    unknown = [name for name in names if name not in KEYS]
    return json.dumps([3, message_id, {"configurationKey": found, "unknownKey": unknown} | more])


@asynccontextmanager
async def charge_point(bed: Bed, answer: Answer, asked: list[list[str]]) -> AsyncIterator[Wire]:
    """Answer each GetConfiguration by ``answer``; None drops the link."""
    async with bed.wire() as wire:
        await wire.sync()

        async def serve() -> None:
            async for text in wire.socket:
                _, message_id, action, payload = json.loads(text)
                assert action == "GetConfiguration"
                names = payload.get("key") or []
                asked.append(names)
                reply = answer(message_id, names)
                if reply is None:
                    await wire.socket.close()
                else:
                    await wire.socket.send(reply)

        serving = asyncio.create_task(serve())
        try:
            yield wire
        finally:
            serving.cancel()


async def apply(bed: Bed) -> op.ConfigurationOutcome:
    return await bed.gateway.apply_configuration(
        op.ApplyConfiguration(
            charge_point_id=bed.charge_point_id,
            parameters=tuple(
                op.DesiredParameter(key=key, value=KEYS.get(key, "1"), assertion=True)
                for key in ("HeartbeatInterval", "MeterValueSampleInterval", "Unheard")
            ),
        )
    )


def states(outcome: op.ConfigurationOutcome) -> list[ParameterState]:
    return [parameter.state for parameter in outcome.parameters]


READ = [ParameterState.APPLIED, ParameterState.APPLIED, ParameterState.NOT_SUPPORTED]


async def reading(bed: Bed) -> ConfigurationReading:
    async with bed.database.read() as connection:
        return (await read_habits(connection, bed.charge_point_id)).reading


async def test_who_drops_the_link_at_all_keys_is_asked_for_some(bed: Bed) -> None:
    asked: list[list[str]] = []

    def answer(message_id: str, names: list[str]) -> str | None:
        return good(message_id, names) if names else None

    async with charge_point(bed, answer, asked):
        with pytest.raises(ChargePointGoneError):
            await apply(bed)
    async with charge_point(bed, answer, asked):
        outcome = await apply(bed)
    assert states(outcome) == READ
    assert outcome.number_of_connectors == 2
    assert asked.count([]) == 1
    assert await reading(bed) is ConfigurationReading.PAGES


async def test_an_answer_that_is_cut_off_costs_its_key_alone(bed: Bed) -> None:
    asked: list[list[str]] = []

    def answer(message_id: str, names: list[str]) -> str:
        if "Unheard" in names or not names:
            return f'[3,"{message_id}",{{"configurationKey":['
        return good(message_id, names)

    async with charge_point(bed, answer, asked):
        outcome = await apply(bed)
        unread = outcome.parameters[2]
        assert states(outcome)[:2] == READ[:2]
        assert unread.state is ParameterState.UNCONFIRMED
        assert unread.detail is not None
        assert "GetConfiguration was answered, but it is no JSON" in unread.detail
        assert not outcome.unanswered
        assert await reading(bed) is ConfigurationReading.KEYS
        asked.clear()
        await apply(bed)
    assert all(len(names) == 1 for names in asked)


async def test_a_configuration_of_90_kilobytes_is_read(bed: Bed) -> None:
    asked: list[list[str]] = []
    more = [{"key": f"Vendor{n}", "readonly": True, "value": "x" * 450} for n in range(200)]

    def answer(message_id: str, _names: list[str]) -> str:
        found = [{"key": key, "readonly": False, "value": value} for key, value in KEYS.items()]
        return json.dumps([3, message_id, {"configurationKey": found + more}])

    async with charge_point(bed, answer, asked):
        outcome = await apply(bed)
    assert outcome.keys_reported == len(KEYS) + len(more)
    assert await reading(bed) is ConfigurationReading.ALL


async def test_one_that_is_too_large_is_named_as_that_and_asked_for_in_pages(bed: Bed) -> None:
    asked: list[list[str]] = []

    def answer(message_id: str, names: list[str]) -> str:
        return good(message_id, names, **({} if names else {"x": "x" * LARGE_MESSAGE}))

    async with charge_point(bed, answer, asked):
        with pytest.raises(ChargePointGoneError):
            await apply(bed)
    async with charge_point(bed, answer, asked):
        assert states(await apply(bed)) == READ
    assert asked.count([]) == 1


async def test_a_large_frame_that_answers_no_question_closes_the_link(bed: Bed) -> None:
    async with bed.wire() as wire:
        await wire.socket.send(json.dumps([2, "1", "DataTransfer", {"vendorId": "x" * 70_000}]))
        await wire.socket.wait_closed()
        assert wire.socket.close_code == 1009


async def test_the_flags_of_keys_are_read_however_they_are_written(bed: Bed) -> None:
    asked: list[list[str]] = []
    keys = [
        {"key": "HeartbeatInterval", "readonly": 0, "value": 60},
        {"key": "MeterValueSampleInterval", "readonly": "false", "value": "30"},
        {"key": "NumberOfConnectors", "value": 2},
        {"readonly": True},
    ]

    def answer(message_id: str, names: list[str]) -> str:
        found = {"configurationKey": keys} if not names else {"unknownKey": names}
        return json.dumps([3, message_id, found])

    async with charge_point(bed, answer, asked):
        outcome = await apply(bed)
    assert states(outcome) == READ
    assert outcome.number_of_connectors == 2


@pytest.mark.parametrize("said", ["1850027108" * 600, "-1", "two", ""])
async def test_a_number_of_connectors_is_no_number_at_any_length(bed: Bed, said: str) -> None:
    def answer(message_id: str, _names: list[str]) -> str:
        found = [{"key": "NumberOfConnectors", "readonly": True, "value": said}]
        return json.dumps([3, message_id, {"configurationKey": found}])

    async with charge_point(bed, answer, []):
        assert (await apply(bed)).number_of_connectors is None


async def test_a_trigger_that_kills_the_link_is_not_sent_again(bed: Bed) -> None:
    asked: list[str] = []
    boot = op.Trigger(charge_point_id=bed.charge_point_id, message=TriggerKind.BOOT)

    async def drop(wire: Wire) -> None:
        async for text in wire.socket:
            asked.append(json.loads(text)[3]["requestedMessage"])
            await wire.socket.close()

    async with bed.wire() as wire:
        await wire.sync()
        dropping = asyncio.create_task(drop(wire))
        with pytest.raises(ChargePointGoneError):
            await bed.gateway.trigger(boot)
        await dropping
    async with bed.wire() as wire:
        await wire.sync()
        outcome = await bed.gateway.trigger(boot)
    assert outcome.reply is op.Reply.NOT_SUPPORTED
    assert asked == ["BootNotification"]


@pytest.mark.parametrize(
    ("code", "later_run", "is_avoided"),
    [(1000, "com_1", True), (1001, "com_1", False), (1000, "com_2", False)],
)
async def test_a_trigger_that_is_taken_and_ends_the_link_is_not_sent_again(
    bed: Bed, code: int, later_run: str, *, is_avoided: bool
) -> None:
    """It answers, and restarts in place of sending the message; 1001: this node leaves.

    Before another run it is somebody who restarts it, as the verdict has advised.
    """
    asked: list[str] = []
    gateway = bed.gateway
    boot = op.Trigger(
        charge_point_id=bed.charge_point_id,
        commissioning_id="com_1",
        message=TriggerKind.BOOT,
    )

    async def accept(wire: Wire) -> None:
        async for text in wire.socket:
            frame = json.loads(text)
            asked.append(frame[3]["requestedMessage"])
            await wire.socket.send(json.dumps([3, frame[1], {"status": "Accepted"}]))

    async with bed.wire() as wire:
        await wire.sync()
        taking = asyncio.create_task(accept(wire))
        assert (await gateway.trigger(boot)).reply is op.Reply.ACCEPTED
        if code != 1000:
            session = bed.node.registry.require(bed.charge_point_id)
            await session.socket.close(code)
        else:
            await wire.socket.close()
        await taking
    async with bed.wire() as wire:
        await wire.sync()
        taking = asyncio.create_task(accept(wire))
        outcome = await gateway.trigger(replace(boot, commissioning_id=later_run))
        taking.cancel()
    expected = op.Reply.NOT_SUPPORTED if is_avoided else op.Reply.ACCEPTED
    assert outcome.reply is expected
    assert len(asked) == (1 if is_avoided else 2)


async def test_a_trigger_that_was_followed_is_sent_again(bed: Bed) -> None:
    gateway = bed.gateway
    heartbeat = op.Trigger(charge_point_id=bed.charge_point_id, message=TriggerKind.HEARTBEAT)

    async def follow(wire: Wire) -> None:
        async for text in wire.socket:
            frame = json.loads(text)
            if frame[0] == 2:
                await wire.socket.send(json.dumps([3, frame[1], {"status": "Accepted"}]))
                await wire.socket.send(json.dumps([2, "beat", "Heartbeat", {}]))
            else:
                await wire.socket.close()

    for _ in range(2):
        async with bed.wire() as wire:
            await wire.sync()
            following = asyncio.create_task(follow(wire))
            assert (await gateway.trigger(heartbeat)).reply is op.Reply.ACCEPTED
            await following


@pytest.mark.parametrize("said", ["2.0", " 2 ", "02", "2e0"])
async def test_a_whole_number_is_read_however_it_is_written(bed: Bed, said: str) -> None:
    def answer(message_id: str, _names: list[str]) -> str:
        found = [{"key": "NumberOfConnectors", "readonly": True, "value": said}]
        return json.dumps([3, message_id, {"configurationKey": found}])

    async with charge_point(bed, answer, []):
        assert (await apply(bed)).number_of_connectors == 2


@pytest.mark.parametrize("written", [str.upper, " {} ".format])
async def test_an_answer_whose_message_id_is_written_otherwise_is_taken(
    bed: Bed, written: Callable[[str], str]
) -> None:
    def answer(message_id: str, _names: list[str]) -> str:
        found = [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}]
        return json.dumps([3, written(message_id), {"configurationKey": found}])

    async with charge_point(bed, answer, []):
        assert (await apply(bed)).number_of_connectors == 2


async def test_an_answer_with_another_message_id_is_told(bed: Bed) -> None:
    def answer(_message_id: str, _names: list[str]) -> str:
        return json.dumps([3, "1", {"configurationKey": []}])

    async with charge_point(bed, answer, []):
        outcome = await apply(bed)
    assert "was never asked came, with the message id '1'" in (outcome.detail or "")
