"""Telling values: what the answers are worth, what is not asked again, what waits for a restart."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from domain import operations as op
from domain.states import ParameterState
from storage.learnt_configuration import read_reported_keys
from storage.models.facts import Boot
from tests.ocpp_server.bed import Bed, Wire
from tests.support.eventually import eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HEARTBEAT = op.DesiredParameter(key="HeartbeatInterval", value="60")
SAMPLES = op.DesiredParameter(key="MeterValueSampleInterval", value="30")
LACKED = op.DesiredParameter(key="AuthorizationCacheEnabled", value="true")


@dataclass
class Hardware:
    """A charge point that answers as it is told to; it reports what it was told at once."""

    values: dict[str, str] = field(
        default_factory=lambda: {"HeartbeatInterval": "300", "MeterValueSampleInterval": "60"}
    )
    changes: dict[str, str] = field(default_factory=dict)
    """Its answer to a change of a key where that is not Accepted; "" is none, "!…" an error."""
    takes: set[str] = field(default_factory=set)
    """Keys that take the value whatever the answer says."""
    mute: bool = False
    """GetConfiguration is answered with an error."""
    received: list[tuple[str, Any]] = field(default_factory=list)

    def answer(self, message_id: str, action: str, payload: dict[str, Any]) -> str | None:
        if action == "ChangeConfiguration":
            key, value = payload["key"], payload["value"]
            self.received.append((action, key))
            status = self.changes.get(key, "Accepted")
            if status in {"Accepted", "RebootRequired"} or key in self.takes:
                self.values[key] = value
            if status.startswith("!"):
                return f'[4,"{message_id}","{status[1:]}","",{{}}]'
            return json.dumps([3, message_id, {"status": status}]) if status else None
        if action == "Reset":
            return json.dumps([3, message_id, {"status": "Accepted"}])
        names = payload.get("key") or []
        self.received.append((action, names))
        if self.mute:
            return f'[4,"{message_id}","InternalError","restart first",{{}}]'
        found = [
            {"key": key, "readonly": False, "value": self.values[key]}
            for key in (names or self.values)
            if key in self.values
        ]
        unknown = [name for name in names if name not in self.values]
        return json.dumps([3, message_id, {"configurationKey": found, "unknownKey": unknown}])

    def changed(self) -> list[str]:
        return [key for action, key in self.received if action == "ChangeConfiguration"]


@asynccontextmanager
async def connected(bed: Bed, hardware: Hardware) -> AsyncIterator[Wire]:
    async with bed.wire() as wire:
        await wire.boot()
        bed.node.registry.require(bed.charge_point_id).call_timeout = 0.2

        async def serve() -> None:
            async for text in wire.socket:
                frame = json.loads(text)
                answer = hardware.answer(*frame[1:]) if frame[0] == 2 else None
                if answer is not None:
                    await wire.socket.send(answer)

        serving = asyncio.create_task(serve())
        try:
            yield wire
        finally:
            serving.cancel()
            await asyncio.wait([serving])


async def boot_again(bed: Bed, wire: Wire, message_id: str) -> None:
    before = sum(row.times for row in await bed.rows(Boot))
    await wire.socket.send(
        json.dumps([2, message_id, "BootNotification", {"chargePointModel": "M"}])
    )

    async def heard() -> None:
        assert sum(row.times for row in await bed.rows(Boot)) == before + 1

    await eventually(heard)


async def apply(bed: Bed, *wanted: op.DesiredParameter, **more: Any) -> op.ConfigurationOutcome:
    return await bed.gateway.apply_configuration(
        op.ApplyConfiguration(charge_point_id=bed.charge_point_id, parameters=wanted, **more)
    )


def state_of(outcome: op.ConfigurationOutcome) -> dict[str, ParameterState]:
    return {one.key: one.state for one in outcome.parameters}


async def test_a_restart_is_not_forgotten_though_the_new_value_is_reported(bed: Bed) -> None:
    hardware = Hardware(changes={SAMPLES.key: "RebootRequired"})
    async with connected(bed, hardware):
        assert state_of(await apply(bed, SAMPLES)) == {SAMPLES.key: ParameterState.PENDING_REBOOT}
        assert hardware.values[SAMPLES.key] == SAMPLES.value
        for _ in range(2):  # a customize, a start
            again = await apply(bed, HEARTBEAT, SAMPLES)
            assert state_of(again) == {
                HEARTBEAT.key: ParameterState.APPLIED,
                SAMPLES.key: ParameterState.PENDING_REBOOT,
            }
        assert hardware.changed() == [SAMPLES.key, HEARTBEAT.key]
    async with connected(bed, hardware):  # it boots
        assert state_of(await apply(bed, SAMPLES)) == {SAMPLES.key: ParameterState.APPLIED}
        assert state_of(await apply(bed, SAMPLES)) == {SAMPLES.key: ParameterState.APPLIED}


async def test_a_boot_on_the_same_link_counts_after_a_reset_alone(bed: Bed) -> None:
    hardware = Hardware(changes={SAMPLES.key: "RebootRequired"})
    pending = {SAMPLES.key: ParameterState.PENDING_REBOOT}
    async with connected(bed, hardware) as wire:
        await apply(bed, SAMPLES)
        await boot_again(bed, wire, "again")
        assert state_of(await apply(bed, SAMPLES)) == pending
        reset = op.Reset(
            charge_point_id=bed.charge_point_id, intent="reset-1", kind=op.ResetKind.SOFT
        )
        await bed.gateway.reset(reset)
        assert state_of(await apply(bed, SAMPLES)) == pending
        await boot_again(bed, wire, "anew")
        assert state_of(await apply(bed, SAMPLES)) == {SAMPLES.key: ParameterState.APPLIED}


async def test_a_value_that_is_set_back_before_the_restart_is_told(bed: Bed) -> None:
    """It reports the old one still, and would go by the new one after its restart."""
    hardware = Hardware(changes={SAMPLES.key: "RebootRequired"})
    async with connected(bed, hardware):
        await apply(bed, SAMPLES)
        hardware.values[SAMPLES.key] = "60"
        hardware.changes.clear()
        before = op.DesiredParameter(key=SAMPLES.key, value="60")
        assert state_of(await apply(bed, before)) == {SAMPLES.key: ParameterState.APPLIED}
        assert hardware.changed() == [SAMPLES.key, SAMPLES.key]
        assert state_of(await apply(bed, before)) == {SAMPLES.key: ParameterState.APPLIED}
        assert len(hardware.changed()) == 2


async def test_nothing_is_read_before_a_restart_that_follows(bed: Bed) -> None:
    hardware = Hardware(changes={SAMPLES.key: "RebootRequired"})
    async with connected(bed, hardware):
        first = await apply(bed, SAMPLES, HEARTBEAT, restart_follows=True)
        assert state_of(first) == {
            SAMPLES.key: ParameterState.PENDING_REBOOT,
            HEARTBEAT.key: ParameterState.UNCONFIRMED,
        }
        assert hardware.received[-1][0] == "ChangeConfiguration"
        assert not first.unanswered
        hardware.received.clear()
        chosen = replace(SAMPLES, chosen=True)
        again = await apply(bed, chosen, HEARTBEAT, restart_follows=True)
        assert state_of(again) == {
            SAMPLES.key: ParameterState.PENDING_REBOOT,
            HEARTBEAT.key: ParameterState.QUEUED,
        }
        assert hardware.received == []
        assert not again.unanswered
        # A restart for a mere default may be refused, and the rest is to be told all the same.
        default = await apply(bed, SAMPLES, HEARTBEAT, restart_follows=True)
        assert state_of(default)[HEARTBEAT.key] is ParameterState.APPLIED


async def test_one_that_says_nothing_till_it_restarts_is_no_riddle(bed: Bed) -> None:
    hardware = Hardware(changes={SAMPLES.key: "RebootRequired"})
    async with connected(bed, hardware):
        await apply(bed, SAMPLES)
        hardware.mute = True
        outcome = await apply(bed, SAMPLES, HEARTBEAT)
        assert outcome.detail is None
        assert state_of(outcome) == {
            SAMPLES.key: ParameterState.PENDING_REBOOT,
            HEARTBEAT.key: ParameterState.QUEUED,
        }


async def test_what_it_does_not_know_is_not_asked_again(bed: Bed) -> None:
    refused = op.DesiredParameter(key="LightIntensity", value="50")
    hardware = Hardware(changes={refused.key: "NotSupported"})
    hardware.values[refused.key] = "100"
    async with connected(bed, hardware):
        first = await apply(bed, LACKED, refused, HEARTBEAT)
        assert state_of(first) == {
            LACKED.key: ParameterState.NOT_SUPPORTED,
            refused.key: ParameterState.NOT_SUPPORTED,
            HEARTBEAT.key: ParameterState.APPLIED,
        }
        assert first.not_supported == (LACKED.key, refused.key, "NumberOfConnectors")
        assert hardware.changed() == [refused.key, HEARTBEAT.key]
        hardware.received.clear()
        again = await apply(bed, LACKED, refused, HEARTBEAT, not_supported=first.not_supported)
        assert hardware.received == [("GetConfiguration", [])]
        assert again.not_supported == first.not_supported
        assert state_of(again)[LACKED.key] is ParameterState.NOT_SUPPORTED


async def test_one_that_cannot_be_told_anything_is_told_once(bed: Bed) -> None:
    hardware = Hardware(changes={HEARTBEAT.key: "!NotImplemented"})
    async with connected(bed, hardware):
        outcome = await apply(bed, HEARTBEAT, SAMPLES)
    assert hardware.changed() == [HEARTBEAT.key]
    assert {one.state for one in outcome.parameters} == {ParameterState.NOT_SUPPORTED}
    assert {one.detail for one in outcome.parameters} == {
        "ChangeConfiguration was answered with the error NotImplemented."
    }


@pytest.mark.parametrize("said", ["OK", "Done"])
@pytest.mark.parametrize("takes", [True, False])
async def test_a_word_that_says_nothing_is_read_back(bed: Bed, said: str, *, takes: bool) -> None:
    hardware = Hardware(changes={HEARTBEAT.key: said}, takes={HEARTBEAT.key} if takes else set())
    async with connected(bed, hardware):
        (one,) = (await apply(bed, HEARTBEAT)).parameters
    assert one.state is (ParameterState.APPLIED if takes else ParameterState.REJECTED)
    assert (one.detail is None) is takes
    assert "Accepted" not in (one.detail or "")


async def test_one_that_gives_no_answer_costs_itself(bed: Bed) -> None:
    hardware = Hardware(changes={HEARTBEAT.key: ""})
    async with connected(bed, hardware):
        outcome = await apply(bed, HEARTBEAT, SAMPLES)
        assert state_of(outcome) == {
            HEARTBEAT.key: ParameterState.QUEUED,
            SAMPLES.key: ParameterState.APPLIED,
        }
        assert outcome.unanswered
        hardware.changes.clear()
        later = await apply(bed, HEARTBEAT, SAMPLES)
    assert set(state_of(later).values()) == {ParameterState.APPLIED}
    assert not later.unanswered


async def test_one_that_has_stopped_answering_is_not_told_the_rest(bed: Bed) -> None:
    keys = [op.DesiredParameter(key=f"Key{number}", value="1") for number in range(5)]
    hardware = Hardware(changes={one.key: "" for one in keys})
    hardware.values |= {one.key: "0" for one in keys}
    async with connected(bed, hardware):
        outcome = await apply(bed, *keys)
    assert len(hardware.changed()) == 2
    assert set(state_of(outcome).values()) == {ParameterState.QUEUED}
    assert outcome.unanswered


async def test_the_names_that_it_reports_are_kept_and_nothing_that_they_hold(bed: Bed) -> None:
    hardware = Hardware()
    hardware.values |= {"AcmeLedColour": "blue", "WifiPassword": "geheim"}

    async def kept() -> dict[str, bool]:
        async with bed.database.read() as connection:
            return await read_reported_keys(connection, bed.charge_point_id)

    async with connected(bed, hardware):
        await apply(bed, HEARTBEAT)
        assert set(await kept()) == set(hardware.values)
        assert "geheim" not in str(await kept())
        del hardware.values["AcmeLedColour"]
        await apply(bed, op.DesiredParameter(key="AcmeLedColour", value="red"))
        assert "AcmeLedColour" not in await kept()
