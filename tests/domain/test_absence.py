"""Which verdicts say that something did not come, and that each is made after a last look."""

import ast
from collections.abc import Sequence
from pathlib import Path

from domain.failures import FailureCode
from domain.rules.instead import LOOKS

OF_WHAT_CAME = frozenset(
    {
        FailureCode.CONNECTION_REFUSED,
        FailureCode.WRONG_IDENTITY,
        FailureCode.CONNECTION_UNSTABLE,
        FailureCode.BOOT_LOOP,
        FailureCode.NEVER_AT_REST,
        FailureCode.VENDOR_MISMATCH,
        FailureCode.MODEL_MISMATCH,
        FailureCode.SERIAL_MISMATCH,
        FailureCode.SERIAL_OF_ANOTHER,
        FailureCode.CONFIGURATION_REJECTED,
        FailureCode.CONFIGURATION_UNREADABLE,  # in place of the answer, which it is asked for again
        FailureCode.REBOOT_REFUSED,
        FailureCode.CLOCK_SKEW,
        FailureCode.SLOW_LINK,
        FailureCode.FIRMWARE_OUTDATED,
        FailureCode.FIRMWARE_BLOCKED,
        FailureCode.FIRMWARE_UNKNOWN,
        FailureCode.FIRMWARE_UPDATE_REFUSED,
        FailureCode.FIRMWARE_DOWNLOAD_FAILED,
        FailureCode.FIRMWARE_INSTALL_FAILED,
        FailureCode.FIRMWARE_UPDATE_GIVEN_UP,
        FailureCode.CONNECTOR_FAULTED,
        FailureCode.CONNECTOR_STATUS_UNKNOWN,
        FailureCode.CONNECTOR_NOT_THERE,
        FailureCode.TRANSACTION_ENDED_EARLY,
        FailureCode.RESTARTED_IN_CHARGE,
        FailureCode.STARTED_BY_ITSELF,
        FailureCode.WRONG_CONNECTOR,
        FailureCode.METER_UNREADABLE,
        FailureCode.MESSAGES_UNREADABLE,
        FailureCode.NO_ENERGY,
        FailureCode.METER_STANDS_STILL,
        FailureCode.METER_FELL,
        FailureCode.METER_UNITS,
        FailureCode.METER_DISAGREES,
    }
)
"""Codes that say what came: a message, an answer, or a person's word."""

OF_THE_ENGINE = frozenset(
    {
        FailureCode.RUN_ENDED_FROM_OUTSIDE,
        FailureCode.CHARGE_POINT_BUSY,
        FailureCode.NO_POWER,
        FailureCode.ENGINE_ERROR,
    }
)
"""Codes that say nothing of the charge point."""


def test_each_code_says_what_came_or_what_did_not() -> None:
    """A new code is put where it belongs: one of absence needs a last look."""
    kinds = (LOOKS.keys(), OF_WHAT_CAME, OF_THE_ENGINE)
    assert set().union(*kinds) == set(FailureCode)
    assert sum(map(len, kinds)) == len(FailureCode)


def test_no_verdict_of_absence_is_made_without_a_last_look() -> None:
    """Only `absent` of workflows/absence.py makes one, and that one looks."""
    made = [
        (path.name, node.lineno, name)
        for path in sorted((Path(__file__).parents[2] / "workflows").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _called(node) in {"fail", "failure"}
        for name in _codes(node.args[:1])
        if FailureCode[name] in LOOKS
    ]
    assert made == []


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _codes(arguments: Sequence[ast.expr]) -> list[str]:
    return [
        node.attr
        for argument in arguments
        for node in ast.walk(argument)
        if isinstance(node, ast.Attribute)
        if isinstance(node.value, ast.Name) and node.value.id == "FailureCode"
    ]
