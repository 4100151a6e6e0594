"""The lines of the SDK's core, in our logs."""

import logging
import re
import time
from functools import cache

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

_CORE_REPEATS_AFTER = 60.0


class _CoreLines(logging.Filter):
    """Gives the fields of the SDK's core as fields, and leaves out what it repeats each try."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the first of each kind of line in a minute."""
        entry = record.__dict__.pop("temporal_log", None)
        now = time.monotonic()
        kind = re.sub(r"\d+", "", record.getMessage())[:80]
        if now - self._told.get(kind, -_CORE_REPEATS_AFTER) < _CORE_REPEATS_AFTER:
            return False
        self._told[kind] = now
        if entry is not None:
            record.core = {key: str(value) for key, value in entry.fields.items()}
        return True


@cache
def core_runtime() -> Runtime:
    """Make the SDK's core log by our logs; by itself it writes coloured text to the console."""
    logger = logging.getLogger("temporalio.core")
    logger.addFilter(_CoreLines())
    forwarding = LogForwardingConfig(
        logger=logger, prepend_target_on_message=False, append_log_fields_to_message=False
    )
    core = LoggingConfig(
        filter=TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarding
    )
    return Runtime(telemetry=TelemetryConfig(logging=core))
