"""Lines about one charge point have a budget; the others keep theirs."""

from typing import Any

from structlog.testing import capture_logs

from ocpp_server.charge_point_log import LINES, ChargePointLog


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
