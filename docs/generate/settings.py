"""The table of settings."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from docs.generate.table import code, table
from runtime.settings import Settings


def settings() -> str:
    """Every field of :class:`Settings`: its variable, default and description."""
    return table(("Variable", "Default", "Meaning"), _rows())


def _rows() -> Iterator[tuple[str, str, str]]:
    prefix = Settings.model_config.get("env_prefix", "")
    for name, field in Settings.model_fields.items():
        description = (field.description or "").rstrip(".")
        yield code(f"{prefix}{name}".upper()), code(_text(field.default)), f"{description}."


def _text(default: object) -> str:
    match default:
        case None | "":
            return ""
        case tuple():
            return ", ".join(default)
        case timedelta():
            return _duration(default)
        case Path() | str() | int():
            return str(default)
        case _:
            raise TypeError(f"how is {default!r} to be shown?")


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    for size, form in ((86_400, "P{}D"), (3_600, "PT{}H"), (60, "PT{}M")):
        if seconds % size == 0:
            return form.format(seconds // size)
    return f"PT{seconds}S"
