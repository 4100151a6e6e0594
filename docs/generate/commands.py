"""The pages of the commands, read off the very objects that parse them."""

from collections.abc import Iterator
from typing import Any

import typer

from cli import app
from docs.generate.table import code, table
from simulator.command import simulate


def commands() -> dict[str, list[Any]]:
    """Every command with its options; ``""`` is `dynamo` itself."""
    group: Any = typer.main.get_command(app)
    found = {"": list(group.params)} | {
        name: list(command.params) for name, command in group.commands.items()
    }
    # Its options are read by a parser of its own, so that `dynamo --help` imports no simulator.
    found["simulate"] = list(_simulate().params)
    return found


def cli() -> str:
    """One section a command: what it does, and its options."""
    group: Any = typer.main.get_command(app)
    sections = []
    for name, options in commands().items():
        command = group.commands[name] if name else group
        sections.append(f"## `{f'dynamo {name}'.strip()}`")
        sections.append(str(_simulate().help if name == "simulate" else command.help))
        if options:
            sections.append(table(("Option", "Default", "Meaning"), _rows(options)))
    return "\n\n".join(sections)


def _simulate() -> Any:
    inner = typer.Typer(add_completion=False)
    inner.command()(simulate)
    return typer.main.get_command(inner)


def _rows(options: list[Any]) -> Iterator[tuple[str, str, str]]:
    for option in options:
        if option.param_type_name == "argument":
            yield code(str(option.name).upper()), "", str(option.help)
            continue
        words = " ".join([", ".join(option.opts), option.metavar or _value(option)]).strip()
        variable = f" Environment: `{option.envvar}`." if option.envvar else ""
        default = "" if option.is_flag or option.default is None else str(option.default)
        yield code(words), code(default), f"{option.help}{variable}"


def _value(option: Any) -> str:
    return "" if option.is_flag else str(option.name).upper()
