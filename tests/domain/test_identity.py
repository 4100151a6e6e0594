"""Is it the charge point that was registered?"""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.commissioning import Registered
from domain.facts import BootFact
from domain.failures import FailureCode
from domain.rules.identity import NamePlate, judge_identity, not_read
from domain.states import RegistrationStatus


def registered(
    *, vendor: str = "ABB", model: str = "ABB Terra AC W22", serial: str = "CP-SN-1"
) -> Registered:
    return Registered(
        charge_point_id="cp_1",
        project_id="prj_1",
        vendor=vendor,
        model=model,
        serial_number=serial,
        ocpp_version="1.6",
    )


def boot(
    *,
    vendor: str = "ABB",
    model: str = "ABB Terra AC W22",
    serial: str | None = "CP-SN-1",
    box_serial: str | None = None,
) -> BootFact:
    return BootFact(
        boot_id="evt_1",
        at=datetime(2026, 5, 1, tzinfo=UTC),
        vendor=vendor,
        model=model,
        charge_point_serial=serial,
        charge_box_serial=box_serial,
        firmware_version=None,
        registration=RegistrationStatus.PENDING,
    )


@pytest.mark.parametrize(
    "said",
    [
        boot(),
        boot(vendor=" abb "),
        boot(vendor="ABB", model="TERRA  ac w22"),
        boot(model="Terra AC W22"),
        boot(vendor=""),
        boot(vendor="   "),
        boot(serial=" cp-sn-1 "),
        boot(serial=None, box_serial="CP-SN-1"),
        boot(serial="of the meter", box_serial="CP-SN-1"),
        boot(serial="CP-SN-1", box_serial="of the box"),
    ],
    ids=str,
)
def test_it_is_the_one(said: BootFact) -> None:
    assert judge_identity(registered(), said) is None


@pytest.mark.parametrize(
    ("said", "code", "cause"),
    [
        (
            boot(vendor="ABB Ltd"),
            FailureCode.VENDOR_MISMATCH,
            "The charge point says its vendor is 'ABB Ltd'; 'ABB' was registered.",
        ),
        (
            boot(vendor="Kempower", model="S-Series Satellite"),
            FailureCode.VENDOR_MISMATCH,
            (
                "The charge point says its vendor is 'Kempower'; 'ABB' was registered. Its model "
                "is 'S-Series Satellite', not 'ABB Terra AC W22': correct that, too."
            ),
        ),
        (
            boot(model="Terra AC W11"),
            FailureCode.MODEL_MISMATCH,
            "The charge point says its model is 'Terra AC W11'; 'ABB Terra AC W22' was registered.",
        ),
        (
            boot(serial="CP-SN-2"),
            FailureCode.SERIAL_MISMATCH,
            "The charge point says its serial number is 'CP-SN-2'; 'CP-SN-1' was registered.",
        ),
        (
            boot(serial="A", box_serial="B"),
            FailureCode.SERIAL_MISMATCH,
            "The charge point says its serial number is 'A / B'; 'CP-SN-1' was registered.",
        ),
        (
            boot(serial="A", box_serial="A"),
            FailureCode.SERIAL_MISMATCH,
            "The charge point says its serial number is 'A'; 'CP-SN-1' was registered.",
        ),
        (
            boot(serial="0000", box_serial="BOX-7"),
            FailureCode.SERIAL_MISMATCH,
            "The charge point says its serial number is 'BOX-7'; 'CP-SN-1' was registered.",
        ),
    ],
)
def test_it_is_another(said: BootFact, code: FailureCode, cause: str) -> None:
    problem = judge_identity(registered(), said)
    assert problem is not None
    assert (problem.code, problem.cause) == (code, cause)


@pytest.mark.parametrize(
    "filled_in",
    [
        *(
            None,
            "",
            "  ",
            "\0",
            "-",
            "0",
            "0000000000",
            "00:00:00",
            "n/a",
            "N.A.",
            "Unknown",
            "null",
        ),
        *("None", "not set", "Default", "Serial Number", "To be filled by O.E.M.", "FFFFFFFF"),
        *("xxxx-xxxx", "undefined"),
    ],
)
def test_a_serial_that_says_nothing_is_declared_and_not_read(filled_in: str | None) -> None:
    said = boot(serial=filled_in, box_serial=filled_in)
    assert judge_identity(registered(), said) is None
    (note,) = not_read(registered(), said).values()
    assert note.endswith("'CP-SN-1' was declared at its registration, not read from it.")


@pytest.mark.parametrize(
    "serial", ["F", "1111", "1234567890", "007", "SN-0", "ABCABC", "unknown 7"]
)
def test_what_may_be_a_serial_number_is_one(serial: str) -> None:
    said = boot(serial=serial)
    assert not_read(registered(), said) == {}
    problem = judge_identity(registered(), said)
    assert problem is not None
    assert problem.code == FailureCode.SERIAL_MISMATCH


def test_each_part_of_the_name_plate_may_be_left_out() -> None:
    said = boot(vendor="", model="unknown", serial=None)
    assert judge_identity(registered(), said) is None
    assert dict(not_read(registered(), said)) == {
        NamePlate.VENDOR: "The charge point reports no vendor: 'ABB' was declared at its "
        "registration, not read from it.",
        NamePlate.MODEL: "The charge point reports 'unknown' as its model, which tells no charge "
        "point from another: 'ABB Terra AC W22' was declared at its registration, not read from "
        "it.",
        NamePlate.SERIAL_NUMBER: "The charge point reports no serial number: 'CP-SN-1' was "
        "declared at its registration, not read from it.",
    }


def test_a_vendor_that_is_called_so_is_read() -> None:
    plate = registered(vendor="Default", model="Null")
    assert not_read(plate, boot(vendor="default", model="NULL")) == {}


_TEXT = st.text(max_size=40)


@given(vendor=_TEXT, model=_TEXT, serial=st.none() | _TEXT, box_serial=st.none() | _TEXT)
def test_no_boot_is_too_strange(
    vendor: str, model: str, serial: str | None, box_serial: str | None
) -> None:
    said = boot(vendor=vendor, model=model, serial=serial, box_serial=box_serial)
    problem = judge_identity(registered(), said)
    assert problem is None or problem.cause


@given(vendor=_TEXT.filter(str.strip), model=_TEXT, serial=_TEXT.filter(str.strip))
def test_what_was_registered_word_for_word_is_the_one(vendor: str, model: str, serial: str) -> None:
    plate = registered(vendor=vendor, model=model, serial=serial)
    assert judge_identity(plate, boot(vendor=vendor, model=model, serial=serial)) is None
