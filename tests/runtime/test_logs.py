import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import structlog
from pydantic import SecretStr

from domain.starting import MistakeError
from runtime import logs
from runtime.process import FAILED, _until_told

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    logs.configure("api", "info")
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_is_one_event_with_its_fields(lines: Lines) -> None:
    structlog.get_logger("test").info("charge_point_connected", charge_point="cp_1", frames=3)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "charge_point_connected",
        "charge_point": "cp_1",
        "frames": 3,
        "level": "info",
        "logger": "test",
        "process": "api",
    }


@pytest.mark.parametrize("waits", [False, True])
async def test_a_mistake_is_a_line_of_the_log_where_that_has_begun(
    monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    """Before, it is one for whoever has started the process."""
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    logs.configure("api", "info")
    # The module's own would keep the way of this test for those that come after.
    monkeypatch.setattr("runtime.process._log", structlog.get_logger("process"))

    async def main() -> None:
        if waits:
            structlog.get_logger("process").warning("waiting_for_database", reason="It is away.")
        raise MistakeError("DYNAMO_SECRET_KEY: not the same.")

    assert await _until_told(main()) == FAILED
    *_, last = written.getvalue().splitlines()
    if waits:
        assert json.loads(last)["event"] == "stopped"
        assert json.loads(last)["reason"] == "DYNAMO_SECRET_KEY: not the same."
    else:
        assert written.getvalue() == "dynamo: DYNAMO_SECRET_KEY: not the same.\n"


def test_libraries_take_the_same_way(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").warning("slow: %s", "GET /", extra={"seconds": 3})
    (line,) = lines()
    assert line["seconds"] == 3
    assert (line["event"], line["level"], line["logger"]) == (
        "slow: GET /",
        "warning",
        "uvicorn.error",
    )


def test_the_level_is_kept(lines: Lines) -> None:
    structlog.get_logger("test").debug("detail")
    logging.getLogger("httpx").info("GET http://…")
    assert lines() == []


def test_text_of_a_charger_stays_in_its_value(lines: Lines) -> None:
    structlog.get_logger("test").info("boot", vendor='A"\n{"event":"forged"}\x00', bad="\ud800")
    (line,) = lines()
    assert line["vendor"] == 'A"\n{"event":"forged"}\x00'


def test_an_exception_shows_no_locals(lines: Lines) -> None:
    def connect(password: str) -> None:
        raise ValueError(f"refused after {len(password)} characters")

    hidden = str(uuid4())  # so that no line of source holds it
    try:
        connect(hidden)
    except ValueError:
        structlog.get_logger("test").exception("failed")
    (line,) = lines()
    assert "ValueError: refused after 36 characters" in line["exception"]
    assert hidden not in json.dumps(line)


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hunter2"},
        {"new_password": "hunter2"},
        {"secret_key": "hunter2"},
        {"settings": {"smtp_url": "hunter2"}},
        {"headers": {"Authorization": "hunter2"}},
        {"invitation_token": "hunter2"},
        {"items": [{"token": "hunter2"}]},
        {"header": "Basic hunter2"},
        {"header": "bearer hunter2"},
        {"error": "cannot reach postgresql+asyncpg://dynamo:hunter2@db/dynamo"},
        {"error": "cannot reach smtp://hunter2@mail"},
        {"frame": '[2,"7","ChangeConfiguration",{"key":"AuthorizationKey","value":"hunter2"}]'},
        {"frame": {"key": "AuthorizationKey", "payload": '"AuthorizationKey", "value": "hunter2"'}},
        {"settings": SecretStr("hunter2")},
    ],
)
def test_no_secret_reaches_a_log(lines: Lines, fields: dict[str, Any]) -> None:
    structlog.get_logger("test").info("event", **fields)
    assert "hunter2" not in json.dumps(lines())


def test_a_token_in_a_sentence_is_hidden(lines: Lines) -> None:
    logging.getLogger("library").error("refused %s", JWT)
    assert "c2lnbmF0dXJl" not in json.dumps(lines())


def test_what_is_no_secret_is_shown(lines: Lines) -> None:
    shown = {"id_tag": "T1", "serial_key": "s1", "token_id": "t1", "keys": ["HeartbeatInterval"]}
    structlog.get_logger("test").info("event", **shown)
    (line,) = lines()
    assert shown.items() <= line.items()


def test_what_nobody_catches_is_a_line(lines: Lines) -> None:
    def fail(where: str) -> None:
        raise ValueError(f"of {where}")

    with pytest.raises(ValueError, match="main") as caught:
        fail("the main code")
    sys.excepthook(caught.type, caught.value, caught.tb)
    thread = threading.Thread(target=fail, args=("a thread",), name="helper")
    thread.start()
    thread.join()
    seen = [(line["event"], line["level"], line.get("thread")) for line in lines()]
    assert seen == [
        ("uncaught_exception", "critical", None),
        ("uncaught_exception", "critical", "helper"),
    ]
    assert all("ValueError: of" in line["exception"] for line in lines())


def test_a_warning_is_a_line(lines: Lines) -> None:
    logging.getLogger("py.warnings").warning("%s", "old.py:3: DeprecationWarning: old")
    logging.getLogger("alembic.runtime.migration").warning("odd")
    assert [line["logger"] for line in lines()] == ["py.warnings", "alembic.runtime.migration"]


def test_a_line_that_cannot_be_written_is_one_too(lines: Lines) -> None:
    record = logging.LogRecord("library", logging.WARNING, "", 0, "%d percent", ("x",), None)
    (handler, *_) = logging.getLogger().handlers
    handler.handle(record)
    (line,) = lines()
    assert (line["event"], line["logger"]) == ("log_line_lost", "library")
