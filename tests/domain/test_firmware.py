"""Is the firmware approved? With version texts as charge points really report them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalogue import FirmwareRule
from domain.failures import FailureCode
from domain.rules.firmware import judge_firmware
from storage.catalogue import load_catalogue

TERRA = r"(?:^|V)(\d+(?:\.\d+)+)"
LAST_DOTTED = r"(\d+(?:\.\d+){2,3})$"
ALFEN = r"^(\d+\.\d+\.\d+)(?:-\d+)?$"
WALLBOX = r"^(\d+\.\d+)\."


@pytest.mark.parametrize(
    ("reported", "extract", "version"),
    [
        ("TAC3Z9119006710273::V1.8.21", TERRA, "1.8.21"),
        ("1.8.21", TERRA, "1.8.21"),
        (" 1.8.21\n", TERRA, "1.8.21"),
        ("PFA0102|V0.00.00|V1.38.00||2.4.3.0", LAST_DOTTED, "2.4.3.0"),
        ("448.3251.0Q03197", WALLBOX, "448.3251"),
        ("4.15.7-4054", ALFEN, "4.15.7"),
        ("4.15.7", ALFEN, "4.15.7"),
        ("no version at all", TERRA, None),
        ("", TERRA, None),
        (None, TERRA, None),
    ],
)
def test_the_version_inside_the_text(
    reported: str | None, extract: str, version: str | None
) -> None:
    verdict = judge_firmware(reported, FirmwareRule(extract=extract))
    assert (verdict.reported, verdict.version) == (reported, version)


@pytest.mark.parametrize(
    ("reported", "minimum", "passes"),
    [
        ("1.8.21", "1.6.6", True),
        ("1.6.6", "1.6.6", True),
        ("1.6.5", "1.6.6", False),
        ("1.10.0", "1.9.9", True),
        ("2.0", "1.9.9", True),
        ("1.8", "1.8.0", True),
        ("1.8.0.0", "1.8", True),
        ("1.8", "1.8.1", False),
        ("0.0", "0.0.0", True),
    ],
)
def test_a_minimum_by_comparable_parts(reported: str, minimum: str, *, passes: bool) -> None:
    verdict = judge_firmware(reported, FirmwareRule(minimum=minimum))
    if passes:
        assert verdict.failure is None
        assert not verdict.needs_review
        return
    assert verdict.failure is not None
    assert verdict.failure.code == FailureCode.FIRMWARE_OUTDATED
    assert verdict.failure.cause == (
        f"The firmware is '{reported}'; at least '{minimum}' is approved."
    )


_ORDER = FirmwareRule(order=("448.1", "448.3251", "501"), minimum="448.3251", extract=r"^([\d.]+)")


@pytest.mark.parametrize(
    ("reported", "code", "review"),
    [
        ("448.1", FailureCode.FIRMWARE_OUTDATED, False),
        ("448.3251", None, False),
        ("501", None, False),
        ("502", None, True),
    ],
)
def test_a_minimum_by_an_ordered_list(
    reported: str, code: FailureCode | None, *, review: bool
) -> None:
    verdict = judge_firmware(reported, _ORDER)
    assert (verdict.failure and verdict.failure.code) == code
    assert verdict.needs_review is review


def test_the_block_list_comes_first() -> None:
    rule = FirmwareRule(allowed=("1.9.9",), blocked=("1.9.9",), minimum="1.0")
    verdict = judge_firmware("1.9.9", rule)
    assert verdict.failure is not None
    assert verdict.failure.code == FailureCode.FIRMWARE_BLOCKED


def test_the_allow_list_overrules_the_minimum() -> None:
    verdict = judge_firmware("1.0.1", FirmwareRule(allowed=("1.0.1",), minimum="2.0"))
    assert verdict.failure is None
    assert not verdict.needs_review


@pytest.mark.parametrize("reported", [None, "", "nonsense", "9.9.9"])
@pytest.mark.parametrize("strict", [False, True])
def test_an_unknown_version_needs_review_or_fails(reported: str | None, *, strict: bool) -> None:
    verdict = judge_firmware(reported, FirmwareRule(extract=TERRA, allowed=("1.0",), strict=strict))
    assert verdict.needs_review is not strict
    assert (verdict.failure is not None) is strict
    told = repr(reported) if reported else "(it reports no version)"
    assert verdict.detail == f"The catalogue does not know the version ({told})."
    if verdict.failure is not None:
        assert verdict.failure.code == FailureCode.FIRMWARE_UNKNOWN
        assert f"The firmware {told} is not on" in verdict.failure.cause


@pytest.mark.parametrize("reported", [None, "", "1.2.3"])
def test_a_model_that_nobody_knows_needs_review(reported: str | None) -> None:
    verdict = judge_firmware(reported, None)
    assert verdict.failure is None
    assert verdict.needs_review


_RULES = [
    FirmwareRule(extract=extract, minimum="1.6.6", strict=strict)
    for extract in (TERRA, LAST_DOTTED, ALFEN, WALLBOX, r"^(.*)$")
    for strict in (False, True)
]


@given(reported=st.text(max_size=100), rule=st.sampled_from([None, _ORDER, *_RULES]))
def test_never_a_crash(reported: str, rule: FirmwareRule | None) -> None:
    verdict = judge_firmware(reported, rule)
    assert verdict.detail.endswith(".")
    assert not (verdict.needs_review and verdict.failure)


@given(parts=st.lists(st.integers(0, 9999), min_size=1, max_size=5))
def test_a_version_is_never_older_than_itself(parts: list[int]) -> None:
    version = ".".join(map(str, parts))
    assert judge_firmware(version, FirmwareRule(minimum=version)).failure is None


@pytest.mark.parametrize(
    ("vendor", "model", "reported"),
    [
        ("ABB", "ABB Terra AC W22", "TAC3Z9119006710273::V1.8.21"),
        ("Alfen BV", "Eve Single Pro-line", "4.15.7-4054"),
        ("Kempower", "S-Series Satellite", "PFA0102|V0.00.00|V1.38.00||2.4.3.0"),
    ],
)
def test_the_catalogue_knows_the_texts_of_its_models(
    vendor: str, model: str, reported: str
) -> None:
    entry = load_catalogue().resolve(vendor, model)
    verdict = judge_firmware(reported, entry.firmware)
    assert verdict.failure is None
    assert not verdict.needs_review
