"""Charge points on OCPP stacks of others, from the handshake to sessions under a site's limit."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from domain.states import LogLevel
from storage.log import Log, LogEntry, LogFilter
from tests.faults.stage import SPEED, Stage
from tests.peers.peer import Peer, Stack, powered
from tests.peers.person import Installer, Owner, fine
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

OUTLETS = (1, 2)
SITE_AMPS = 20
TO_BE_SEEN = {LogLevel.WARNING, LogLevel.ERROR}
NOTED = [
    "firmware_version: The catalogue has no firmware rule for this model.",
    "connector_available: Connector 2 was Unavailable and was made available.",
]
PLATE = {"vendor": "Peer", "model": "Two Outlets", "serial": "PEER-0001", "firmware": "1.0.0"}


OUTDATED = PLATE | {"vendor": "ABB", "model": "Terra AC W22", "firmware": "1.6.5"}


@asynccontextmanager
async def on_site(
    stage: Stage, stack: Stack, tmp_path: Path, plate: Mapping[str, str] = PLATE
) -> AsyncIterator[Installer]:
    """A site with a limit, and a charge point that is registered and switched on."""
    project = stage.project.id
    limit = {"max_amps_per_phase": SITE_AMPS, "phases": 3}
    fine(await stage.front.call("PUT", f"/api/v1/installer/projects/{project}/power", limit))
    identity = await stage.front.charge_point(
        project, vendor=plate["vendor"], model=plate["model"], serial_number=plate["serial"]
    )
    async with powered(
        stack,
        tmp_path / "stderr.log",
        endpoint=stage.ocpp_url,
        identity=identity,
        speed=SPEED,
        **plate,
    ) as peer:
        installer = Installer(stage=stage, charge_point_id=identity, peer=peer)
        await installer.is_connected()
        yield installer


@pytest.mark.parametrize("stack", Stack)
async def test_it_is_commissioned_and_obeys_the_limit_of_its_site(
    stage: Stage, stack: Stack, tmp_path: Path
) -> None:
    async with on_site(stage, stack, tmp_path) as installer:
        peer = installer.peer
        await customize(installer)
        record = await installer.commission()
        judge_record(record, peer)
        owner = await installer.hand_over()
        await owner.open_doors()
        await charge_under_the_limit(owner, peer)
        judge_messages(await log_of(installer), peer)


@pytest.mark.parametrize("stack", Stack)
async def test_its_firmware_is_updated(stage: Stage, stack: Stack, tmp_path: Path) -> None:
    async with on_site(stage, stack, tmp_path, OUTDATED) as installer:
        record = await installer.commission(update_firmware=True, test_connectors="first")
        assert record["status"] == "completed", record
        (check,) = [one for one in record["checks"] if one["name"] == "firmware_version"]
        assert check["evidence"]["reported"] == "1.8.32"
        assert len(installer.peer.told("asked", action="UpdateFirmware")) == 1
        assert installer.peer.complaints == []


async def customize(installer: Installer) -> None:
    """Choose two values; the charge point takes the second with its next restart."""
    values = {"HeartbeatInterval": 30, "MeterValueSampleInterval": 15}
    parameters = [{"key": key, "value": value} for key, value in values.items()]
    path = f"/charge-points/{installer.charge_point_id}/config/customize"
    customized = fine(await installer.front.post(path, {"parameters": parameters}))
    assert customized["pending_reboot"] is True, customized


def judge_record(record: Any, peer: Peer) -> None:
    """All passed; it was restarted once, and each outlet charged."""
    assert record["status"] == "completed", record
    assert {one["name"]: one["result"] for one in record["checks"]} == dict.fromkeys(
        ("ocpp_handshake", "firmware_version", "connector_available", "test_transaction"), "passed"
    )
    written = {"key": "MeterValueSampleInterval", "value": "15"}
    assert len(peer.told("asked", action="ChangeConfiguration", payload=written)) == 1
    assert len(peer.told("asked", action="Reset")) == 1
    assert peer.told("boot", status="Accepted")
    (charge,) = [one for one in record["checks"] if one["name"] == "test_transaction"]
    tested = {one["connector_id"]: one["result"] for one in charge["connectors"]}
    assert tested == dict.fromkeys(OUTLETS, "passed")
    for told in ("started", "stopped"):
        assert [one["connector"] for one in peer.told(told)] == list(OUTLETS)


async def charge_under_the_limit(owner: Owner, peer: Peer) -> None:
    """A vehicle at each outlet: each has a share, and the site its limit."""
    before = len(peer.events)
    for connector in OUTLETS:
        peer.plug_in(connector)
        peer.present_card(f"CARD{connector}", connector)

    async def shared() -> None:
        load = await owner.get("load")
        allotted = {one["connector_id"]: one["allotted_amps"] for one in load["sessions"]}
        assert {connector: peer.amps(connector) for connector in OUTLETS} == allotted, load
        assert all(allotted.values())
        assert sum(allotted.values()) == SITE_AMPS

    await eventually(shared)
    first, second = OUTLETS
    peer.unplug(second)

    def has_all_of_it() -> None:
        assert peer.amps(first) == SITE_AMPS, peer.events[-10:]

    await eventually(has_all_of_it)
    assert most_drawn(peer, before) <= SITE_AMPS
    peer.unplug(first)

    async def nobody_charges() -> None:
        assert (await owner.get("load"))["sessions"] == []

    await eventually(nobody_charges)


def most_drawn(peer: Peer, since: int) -> float:
    """The most that both outlets drew together."""
    drawn: dict[int, float] = {}
    sums = []
    for event in peer.events[since:]:
        if event["event"] == "amps":
            drawn[event["connector"]] = event["amps"]
            sums.append(sum(drawn.values()))
    return max(sums)


def judge_messages(log: list[LogEntry], peer: Peer) -> None:
    """Neither side found anything wrong with what the other said, or with the standard's words."""
    assert peer.complaints == []
    frames = [entry for entry in log if entry.kind == "frame"]
    assert [entry.text for entry in frames if entry.text.startswith("[4,")] == []
    assert [entry.text for entry in log if entry.level in TO_BE_SEEN] == NOTED


async def log_of(installer: Installer) -> list[LogEntry]:
    async with installer.stage.database.read() as connection:
        return list(
            await Log(connection).page(
                installer.charge_point_id, LogFilter(), after=None, limit=10_000
            )
        )
