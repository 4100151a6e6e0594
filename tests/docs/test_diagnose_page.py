"""What "Diagnose a failed run" says of failures and of retries, against the rules."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from domain.catalogue import FirmwareRule
from domain.connection_attempts import REFUSAL_COUNTS_FOR
from domain.failures import FailureCode, failure
from domain.rules.retry import Situation, still_holds
from domain.states import CheckName
from tests.domain.test_retry import AFTER, ALL, BOOT, NOW, _connector, _previous

PAGE = (Path(__file__).parents[2] / "docs/how-to/diagnose-a-failed-run.md").read_text()
REGISTERED = NOW.registered
CASES: dict[str, list[Situation]] = {
    "Whatever it was": [NOW],
    "A restart, another firmware, another device, another vendor, model or serial number "
    "registered": [
        replace(NOW, boot=replace(BOOT, at=AFTER)),
        replace(NOW, boot=replace(BOOT, firmware_version="1.9")),
        replace(NOW, boot=replace(BOOT, charge_point_serial="T")),
        replace(NOW, registered=replace(REGISTERED, vendor="Alfen")),
        replace(NOW, registered=replace(REGISTERED, model="Terra DC")),
        replace(NOW, registered=replace(REGISTERED, serial_number="T")),
    ],
    "A configuration value was chosen, or this run had to write one": [
        replace(NOW, configured_at=AFTER),
        replace(NOW, reconfigured=True),
    ],
    "The catalogue judges the firmware otherwise: blocked, a newer minimum": [
        replace(NOW, firmware=FirmwareRule(blocked=("1.8",))),
        replace(NOW, firmware=FirmwareRule(minimum="1.9")),
    ],
    "A connector reported a status": [replace(NOW, connectors=[_connector(AFTER)])],
    "More connectors are registered than it has looked at": [
        replace(NOW, registered=replace(REGISTERED, connectors=2))
    ],
}


def rows() -> dict[str, set[CheckName]]:
    """The table: what has happened, and what is done again."""
    table = PAGE.partition("| What has happened since |")[2].partition("\n\n")[0]
    found = re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    everything = {CheckName.OCPP_HANDSHAKE, *ALL}
    return {
        happened: everything
        if again == "Everything"
        else {CheckName(name) for name in re.findall(r"`(\w+)`", again)}
        for happened, again in found[1:]  # below the line of the head
    }


def test_every_row_of_the_table_of_retries() -> None:
    table = rows()
    assert table.keys() == CASES.keys()
    always = table["Whatever it was"]
    for happened, again in table.items():
        for now in CASES[happened]:
            kept = {check.name for check in still_holds(_previous(), now)}
            assert {CheckName.OCPP_HANDSHAKE, *ALL} - kept == again | always, happened


def test_the_failed_check_that_is_shown() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    shown = json.loads(block)
    error = shown["cause"].partition("reports a fault: ")[2].removesuffix(".")
    told = failure(FailureCode(shown["code"]), place="Connector 1", error=error)
    assert (shown["cause"], shown["action"]) == (told.cause, told.action)


def test_how_long_a_refusal_counts() -> None:
    assert timedelta(hours=1) == REFUSAL_COUNTS_FOR
    assert "unless that is more than an hour older than the wait" in PAGE
