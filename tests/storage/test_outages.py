"""An outage is told once, with its trace; not with each try."""

from structlog.testing import capture_logs

from storage.outages import Outage


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_reason_is_told_once_and_the_first_with_its_trace() -> None:
    clock = Clock()
    with capture_logs() as lines:
        outage = Outage("database_away", clock=clock)
        for _ in range(200):
            outage.failed(ConnectionRefusedError("refused"))
            outage.failed(TimeoutError())
            clock.now += 1
        assert [line["error"] for line in lines] == [
            "ConnectionRefusedError('refused')",
            "TimeoutError()",
        ]
        assert isinstance(lines[0]["exc_info"], ConnectionRefusedError)
        assert lines[1]["exc_info"] is None
        outage.over()
        outage.over()
    assert [line["event"] for line in lines[2:]] == ["database_away_over"]
    assert lines[2]["failures"] == 400
    assert lines[2]["after_seconds"] == 200


def test_the_next_outage_is_told_again() -> None:
    clock = Clock()
    with capture_logs() as lines:
        outage = Outage("database_away", clock=clock)
        outage.failed(ConnectionRefusedError("refused"))
        outage.over()
        outage.failed(ConnectionRefusedError("refused"))
        clock.now += 61  # nobody told that it was back
        outage.failed(ConnectionRefusedError("refused"))
    assert [line["event"] for line in lines].count("database_away") == 3
