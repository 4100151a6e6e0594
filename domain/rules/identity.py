"""Is it the charge point that was registered?"""

from domain.checks import Failure
from domain.commissioning import Registered
from domain.facts import BootFact
from domain.failures import FailureCode, failure


def judge_identity(registered: Registered, boot: BootFact) -> Failure | None:
    """Compare vendor, model and serial, trimmed and case-insensitively.

    The registered model may carry the vendor in front ("ABB Terra AC W22" of vendor "ABB"); an
    empty vendor in a boot is a known schema break and is not held against the charge point. A
    serial counts in either field of the BootNotification.
    """
    if boot.vendor.strip() and not _same(registered.vendor, boot.vendor):
        return failure(
            FailureCode.VENDOR_MISMATCH, reported=boot.vendor, registered=registered.vendor
        )
    if not _same_model(registered, boot.model):
        return failure(FailureCode.MODEL_MISMATCH, reported=boot.model, registered=registered.model)
    fields = (boot.charge_point_serial, boot.charge_box_serial)
    serials = [serial for serial in fields if serial and serial.strip()]
    if not any(same_serial(registered.serial_number, serial) for serial in serials):
        return failure(
            FailureCode.SERIAL_MISMATCH,
            reported=" / ".join(dict.fromkeys(serials)) or "nothing",
            registered=registered.serial_number,
        )
    return None


def same_serial(one: str, other: str) -> bool:
    """Tell whether two spellings are one serial number."""
    return _same(one, other)


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def _same(one: str, other: str) -> bool:
    return _fold(one) == _fold(other)


def _same_model(registered: Registered, reported: str) -> bool:
    vendor = _fold(registered.vendor)
    return (
        _fold(registered.model).removeprefix(vendor).strip()
        == _fold(reported).removeprefix(vendor).strip()
    )
