"""When a passed run says nothing any more of the charge point that is there."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.catalogue import FirmwareRule
from domain.checks import RunView, Step
from domain.facts import BootFact
from domain.rules.staleness import ChosenValue, PresentState, why_stale
from domain.states import CheckResult
from tests.domain.test_retry import AFTER, AT, BEFORE, BOOT, _previous


def _configured(key: str, desired: str) -> Step:
    return Step(
        name=f"configuration.{key}",
        result=CheckResult.PASSED,
        at=AT,
        detail=f"{key} is {desired}; {desired} is desired.",
        evidence={"state": "applied", "desired": desired},
    )


def _passed() -> RunView:
    view = replace(_previous(), completed_at=AT)
    handshake, *others = view.checks
    steps = (_configured("HeartbeatInterval", "30"), _configured("A", "1"), _configured("B", "1"))
    return replace(view, checks=(replace(handshake, steps=steps), *others))


VIEW = _passed()
PRESENT = PresentState(
    vendor="ABB",
    model="Terra",
    serial_number="S",
    boot=BOOT,
    chosen={"HeartbeatInterval": ChosenValue(value="30", at=AFTER)},
)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (PRESENT, None),
        (replace(PRESENT, boot=None), None),
        (replace(PRESENT, serial_number=" s "), None),
        (replace(PRESENT, boot=replace(BOOT, at=AFTER, boot_id="c")), None),
        (replace(PRESENT, vendor=" abb ", model="abb  terra"), None),
        (replace(PRESENT, vendor="Alfen"), "was commissioned with the vendor ABB"),
        (replace(PRESENT, model="Eve"), "was commissioned as the model Terra"),
        (replace(PRESENT, serial_number="T"), "was commissioned with the serial number S"),
        (
            replace(PRESENT, boot=replace(BOOT, charge_point_serial="T")),
            "now says that its serial number is T, and said S in its run",
        ),
        (replace(PRESENT, firmware=FirmwareRule(extract="(.*)", minimum="1.8")), None),
        (replace(PRESENT, firmware=FirmwareRule(extract="(.*)", allowed=("1.7",))), None),
        (
            replace(PRESENT, firmware=FirmwareRule(extract="(.*)", minimum="1.9")),
            "runs firmware 1.8, which is not approved any more",
        ),
        (
            replace(PRESENT, boot=None, firmware=FirmwareRule(extract="(.*)", blocked=("1.8",))),
            "runs firmware 1.8, which is not approved any more",
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
            replace(
                PRESENT,
                chosen={
                    "B": ChosenValue(value="2", at=BEFORE),  # while the run went on
                    "A": ChosenValue(value="1", at=AFTER),  # as it was
                    "C": ChosenValue(value="1", at=AFTER),  # no key of the template then
                    "D": ChosenValue(value="1", at=BEFORE),  # and none of now
                },
            ),
            "has had B, C changed since",
        ),
        (replace(PRESENT, connectors=1), None),
        (
            replace(PRESENT, connectors=2),
            "has 2 connectors declared now, and its run looked at fewer",
        ),
    ],
)
def test_by_table(now: PresentState, why: str | None) -> None:
    assert why_stale(VIEW, now) == why


def test_a_serial_in_the_other_field_is_the_same() -> None:
    moved: BootFact = replace(
        BOOT, charge_point_serial=None, charge_box_serial="S", at=AT + timedelta(days=1)
    )
    assert why_stale(VIEW, replace(PRESENT, boot=moved)) is None


def test_one_that_said_no_serial_and_now_says_another_than_is_declared() -> None:
    handshake, *others = VIEW.checks
    silent = replace(handshake, evidence=handshake.evidence | {"charge_point_serial": "0000"})
    view = replace(VIEW, checks=(silent, *others))
    assert why_stale(view, replace(PRESENT, boot=replace(BOOT, charge_point_serial=None))) is None
    assert why_stale(view, PRESENT) is None  # it says by now what was declared
    said = replace(BOOT, charge_point_serial="T")
    assert why_stale(view, replace(PRESENT, boot=said)) == (
        "now says that its serial number is T, and said none in its run"
    )
