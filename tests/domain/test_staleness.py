"""When a passed run says nothing any more of the charge point that is there."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.facts import BootFact
from domain.rules.staleness import Present, why_stale
from tests.domain.test_retry import AFTER, AT, BOOT, _previous

VIEW = replace(_previous(), completed_at=AT)
PRESENT = Present(serial_number="S", boot=BOOT, chosen_at={"HeartbeatInterval": AT})


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (PRESENT, None),
        (replace(PRESENT, boot=None), None),
        (replace(PRESENT, serial_number=" s "), None),
        (replace(PRESENT, boot=replace(BOOT, at=AFTER, boot_id="c")), None),
        (replace(PRESENT, serial_number="T"), "was commissioned with the serial number S"),
        (
            replace(PRESENT, boot=replace(BOOT, charge_point_serial="T")),
            "now says that its serial number is T, and said S in its run",
        ),
        (
            replace(PRESENT, boot=replace(BOOT, firmware_version="1.9")),
            "now runs firmware 1.9, and was commissioned with 1.8",
        ),
        (
            replace(PRESENT, boot=replace(BOOT, firmware_version=None)),
            "now runs firmware of no version, and was commissioned with 1.8",
        ),
        (
            replace(PRESENT, chosen_at={"B": AFTER, "A": AFTER, "C": AT}),
            "has had A, B changed since",
        ),
    ],
)
def test_by_table(now: Present, why: str | None) -> None:
    assert why_stale(VIEW, now) == why


def test_a_serial_in_the_other_field_is_the_same() -> None:
    moved: BootFact = replace(
        BOOT, charge_point_serial=None, charge_box_serial="S", at=AT + timedelta(days=1)
    )
    assert why_stale(VIEW, replace(PRESENT, boot=moved)) is None
