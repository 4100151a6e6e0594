"""A caller without end fills no log, and hides neither others nor what failed."""

from structlog.testing import CapturingLogger

from api.middleware import LINES, RequestLog


def test_who_calls_without_end_has_a_minutes_lines_and_a_sum() -> None:
    now = 0.0
    log = CapturingLogger()
    requests = RequestLog(log=log, clock=lambda: now)
    for _ in range(LINES + 500):
        requests.tell(address="203.0.113.9", status=401, path="/api/v1/login")
    requests.tell(address="203.0.113.9", status=503, path="/health/ready")
    requests.tell(address="198.51.100.7", status=200, path="/api/v1/installer/projects")
    said = [call.kwargs for call in log.calls]
    assert len(said) == LINES + 2
    assert said[-2]["status"] == 503
    assert said[-1]["address"] == "198.51.100.7"

    now = 61.0
    requests.tell(address="203.0.113.9", status=200, path="/api/v1/installer/projects")
    last = [(call.args, call.kwargs) for call in log.calls][-2:]
    assert last[0] == (("http_requests_left_out",), {"address": "203.0.113.9", "left_out": 501})
    assert last[1][0] == ("http_request",)


def test_callers_without_number_share_lines() -> None:
    log = CapturingLogger()
    requests = RequestLog(log=log, clock=lambda: 0.0)
    for number in range(12_000):
        requests.tell(address=f"2001:db8::{number:x}", status=200)
    assert len(log.calls) == 10_000 + LINES
