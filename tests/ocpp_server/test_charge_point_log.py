"""Lines about one charge point have a budget; the others keep theirs."""

import ast
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

import ocpp_server
from domain.states import LogLevel
from ocpp_server import session
from ocpp_server.charge_point_log import LINES, ChargePointLog
from tests.ocpp_server.bed import Bed
from tests.support.eventually import eventually


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _of(lines: list[Any], charge_point: str) -> list[Any]:
    return [line for line in lines if line["charge_point_id"] == charge_point]


def test_one_that_is_loud_gets_ten_lines_a_minute_and_a_sum() -> None:
    clock = Clock()
    with capture_logs() as lines:
        log = ChargePointLog(clock=clock)
        for _ in range(500):
            log.tell("charge_point_connected", "cp_loud", remote_address="192.0.2.1")
        log.tell("charge_point_connected", "cp_calm", remote_address="192.0.2.2")
        assert len(_of(lines, "cp_loud")) == LINES
        assert len(_of(lines, "cp_calm")) == 1
        clock.now += 60
        log.sum_up()  # nobody has to say anything for it
        assert [line["event"] for line in lines[LINES + 1 :]] == ["charge_point_lines_left_out"]
        assert lines[-1]["left_out"] == 500 - LINES
        log.tell("charge_point_connected", "cp_loud")
        assert lines[-1]["event"] == "charge_point_connected"
    assert {line["log_level"] for line in lines} == {"info"}


def test_each_level_has_a_budget_so_that_an_alarm_is_not_hidden() -> None:
    clock = Clock()
    with capture_logs() as lines:
        log = ChargePointLog(clock=clock)
        for _ in range(LINES + 1):
            log.tell("charge_point_connected", "cp_1")
        log.tell("charge_point_flapping", "cp_1", level=LogLevel.WARNING)
        assert (lines[-1]["event"], lines[-1]["log_level"]) == ("charge_point_flapping", "warning")
        for _ in range(LINES):
            log.tell("stop_without_effect", "cp_1", level=LogLevel.WARNING)
        clock.now += 60
        log.sum_up()
    sums = [(line["log_level"], line["left_out"]) for line in lines if "left_out" in line]
    assert sums == [("info", 1), ("warning", 1)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_that_it_comes_boots_and_goes_is_told(bed: Bed) -> None:
    with capture_logs() as lines:
        async with bed.wire() as wire:
            await wire.boot()

        def told() -> list[Any]:
            about = [line for line in lines if line.get("charge_point_id") == bed.charge_point_id]
            assert [(line["event"], line["log_level"]) for line in about] == [
                ("charge_point_connected", "info"),
                ("charge_point_booted", "info"),
                ("charge_point_disconnected", "info"),
            ]
            return about

        came, booted, went = await eventually(told)
    assert came["remote_address"] == went["remote_address"] == "127.0.0.1"
    assert (booted["vendor"], booted["firmware_version"]) == ("ABB", "1.8.21")
    assert went["code"] == 1000


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_it_does_wrong_is_told_within_its_budget(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    with capture_logs() as lines:
        async with bed.wire() as wire:
            for number in range(2 * LINES):
                stop = {
                    "transactionId": number,
                    "meterStop": 1,
                    "timestamp": "2026-01-02T03:04:05Z",
                }
                assert (await wire.call("StopTransaction", stop))[0] == 3
            monkeypatch.setattr(session, "dispatch", fail)
            for _ in range(2 * LINES):
                assert (await wire.call("Heartbeat", {}))[2] == "InternalError"
    told = Counter((line["event"], line["log_level"]) for line in lines)
    assert told["stop_without_effect", "warning"] == LINES
    assert told["handler_failed", "error"] == LINES
    assert all(line["exc_info"] for line in lines if line["event"] == "handler_failed")


def test_every_line_about_one_charge_point_goes_through_its_budget() -> None:
    about_one = {"charge_point_id", "of", "workflow", "workflow_id"}
    wrong = [
        f"{file.name}:{node.lineno}"
        for file in Path(ocpp_server.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).startswith("_log.")
        and about_one & {keyword.arg for keyword in node.keywords}
    ]
    assert not wrong
