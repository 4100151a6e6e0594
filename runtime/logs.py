"""Logs of every process: one JSON object a line on stderr, and never a credential in it.

Our own code logs by structlog; what libraries log by the standard library takes the same way.
"""

import logging
import re
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "***"

# Field names whose value is never shown, whatever it is.
_SECRET_FIELD = re.compile(
    r"(password|passwd|secret|authorization|credential|cookie|bearer|api_?key|private_?key"
    r"|(access|refresh|invitation|auth)_token|^token$|^jwt$|^key$|smtp_url|database_url)",
    re.IGNORECASE,
)
# What a secret looks like inside a text: userinfo of a URL, an HTTP credential, a JSON Web Token,
# and the value that OCPP sends with the key that sets a charger's password.
_SECRET_TEXTS = (
    (re.compile(r"(\w[\w+.-]*://)[^\s/@]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"\b(Basic|Bearer)\s+[\w+/=.~-]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
    (
        re.compile(
            r"(AuthorizationKey|BasicAuthPassword)(\W.{0,40}?value\W+)[^\"'\\,}\s]+", re.DOTALL
        ),
        rf"\1\2{HIDDEN}",
    ),
)


def configure(process: str, level: str) -> None:
    """Set logging up for this process; ``level`` is debug, info, warning or error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_process(process),
    ]
    rendering: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # a text: locals never reach a log
        redact,
        structlog.processors.JSONRenderer(serializer=_to_json),
    ]
    handler = _Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()], processors=rendering
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for chatty in ("httpx", "httpcore", "sqlalchemy.engine", "websockets", "asyncio", "alembic"):
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    _log_what_nobody_catches()


def has_begun() -> bool:
    """Tell whether this process has written a line of its log: the last has to be one, too."""
    return any(
        isinstance(one, _Handler) and one.has_written for one in logging.getLogger().handlers
    )


class _Handler(logging.StreamHandler[TextIO]):
    """A line that cannot be written is a line, too; the standard one prints a bare traceback."""

    has_written = False

    def emit(self, record: logging.LogRecord) -> None:
        self.has_written = True
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        kind, error, _ = sys.exc_info()
        if isinstance(error, OSError):
            return  # nobody reads the log any more
        lost = {
            "event": "log_line_lost",
            "level": "error",
            "logger": record.name,
            "error": kind.__name__ if kind else "",
        }
        with suppress(OSError, ValueError):
            self.stream.write(f"{_to_json(lost)}\n")


def _log_what_nobody_catches() -> None:
    """Have the interpreter's last words be lines of the log: of the main code, threads, objects."""
    log = structlog.get_logger("python")

    def uncaught(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("uncaught_exception", exc_info=(kind, error, trace))

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is SystemExit or args.exc_value is None:
            return
        log.critical(
            "uncaught_exception",
            thread=args.thread.name if args.thread else None,
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        )

    def unraisable(args: "sys.UnraisableHookArgs") -> None:
        error = args.exc_value
        log.error(
            "unraisable_exception",
            at=repr(args.object)[:200],
            message=args.err_msg,
            exc_info=None if error is None else (args.exc_type, error, args.exc_traceback),
        )

    sys.excepthook = uncaught
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide secrets by the name of their field, and by their look in texts."""
    return {key: _shown(key, value) for key, value in event.items()}


def redact_text(text: str) -> str:
    """Hide what looks like a secret in a text."""
    for pattern, replacement in _SECRET_TEXTS:
        text = pattern.sub(replacement, text)
    return text


def _shown(key: str, value: Any) -> Any:
    if value is not None and _SECRET_FIELD.search(key):
        return HIDDEN
    match value:
        case str():
            return redact_text(value)
        case Mapping():
            return {str(name): _shown(str(name), item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_shown("", item) for item in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return redact_text(str(value))


def _name_process(process: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        event.pop("color_message", None)  # uvicorn's, the same again for a console
        return event

    return add


def _to_json(event: Any, **_options: Any) -> str:
    # A lone surrogate, which a charger can send, is refused by orjson and must not lose the line.
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (orjson.JSONEncodeError, ValueError):
        import json

        return json.dumps(event, default=str)
