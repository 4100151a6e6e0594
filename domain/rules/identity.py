"""Is it the charge point that was registered?"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from domain.checks import Failure
from domain.commissioning import Registered
from domain.facts import BootFact
from domain.failures import FailureCode, failure

_PLACEHOLDERS: Final = frozenset(
    {
        "default",
        "empty",
        "na",
        "nil",
        "none",
        "notapplicable",
        "notavailable",
        "notset",
        "null",
        "serial",
        "serialnumber",
        "sn",
        "tbd",
        "tobefilledbyoem",
        "undefined",
        "unknown",
    }
)
"""What firmware says where it has nothing to say, without spaces and signs."""
_ERASED: Final = frozenset("fx")
_LEAST_ERASED: Final = 4


class NamePlate(StrEnum):
    """What a charge point is told by; a boot may leave each of them out."""

    VENDOR = "vendor"
    MODEL = "model"
    SERIAL_NUMBER = "serial_number"


_WORDS: Final = {
    NamePlate.VENDOR: "vendor",
    NamePlate.MODEL: "model",
    NamePlate.SERIAL_NUMBER: "serial number",
}


def judge_identity(registered: Registered, boot: BootFact) -> Failure | None:
    """Compare vendor, model and serial, trimmed and case-insensitively.

    The registered model may carry the vendor in front ("ABB Terra AC W22" of vendor "ABB"). A
    serial counts in either field of the boot. What the boot does not say is not held
    against the charge point, which its endpoint identifies; see :func:`not_read`.
    """
    unsaid = not_read(registered, boot)
    other_model = NamePlate.MODEL not in unsaid and not _same_model(registered, boot.model)
    if NamePlate.VENDOR not in unsaid and not _same(registered.vendor, boot.vendor):
        return failure(
            FailureCode.VENDOR_MISMATCH,
            reported=boot.vendor,
            registered=registered.vendor,
            also=f" Its model is {boot.model!r}, not {registered.model!r}: correct that, too."
            if other_model
            else "",
        )
    if other_model:
        return failure(FailureCode.MODEL_MISMATCH, reported=boot.model, registered=registered.model)
    serials = said_serials(boot.charge_point_serial, boot.charge_box_serial)
    if serials and not any(same_serial(registered.serial_number, serial) for serial in serials):
        return failure(
            FailureCode.SERIAL_MISMATCH,
            reported=" / ".join(dict.fromkeys(serials)),
            registered=registered.serial_number,
        )
    return None


def not_read(registered: Registered, boot: BootFact) -> Mapping[NamePlate, str]:
    """Say of what the boot leaves out that it is declared, and not read; empty when all was read.

    Firmware fills in what it does not know ("0000000000", "unknown"): that tells no charge point
    from another, and counts as left out. A vendor or model that was registered so is what it is.
    """
    unsaid: dict[NamePlate, str] = {}
    if says_nothing(boot.vendor) and not _same(registered.vendor, boot.vendor):
        unsaid[NamePlate.VENDOR] = _declared(NamePlate.VENDOR, registered.vendor, boot.vendor)
    if says_nothing(boot.model) and not _same_model(registered, boot.model):
        unsaid[NamePlate.MODEL] = _declared(NamePlate.MODEL, registered.model, boot.model)
    fields = (boot.charge_point_serial, boot.charge_box_serial)
    if not said_serials(*fields):
        filled_in = next((text for text in fields if text and text.strip()), None)
        unsaid[NamePlate.SERIAL_NUMBER] = _declared(
            NamePlate.SERIAL_NUMBER, registered.serial_number, filled_in
        )
    return unsaid


def said_serials(*fields: str | None) -> list[str]:
    """Those of the fields of a boot that do say a serial number."""
    return [text for text in fields if text is not None and not says_nothing(text)]


def says_nothing(text: str | None) -> bool:
    """Tell whether firmware has filled a field in only because it is there."""
    bare = "".join(filter(str.isalnum, text or "")).casefold()
    if not bare.strip("0") or bare in _PLACEHOLDERS:
        return True
    return len(bare) >= _LEAST_ERASED and len(set(bare)) == 1 and bare[0] in _ERASED


def same_serial(one: str, other: str) -> bool:
    """Tell whether two spellings are one serial number."""
    return _same(one, other)


def same_vendor(one: str, other: str) -> bool:
    """Tell whether two spellings are one vendor."""
    return _same(one, other)


def same_model(vendor: str, one: str, other: str) -> bool:
    """Tell whether two spellings are one model; either may carry the vendor in front."""
    before = _fold(vendor)
    return _fold(one).removeprefix(before).strip() == _fold(other).removeprefix(before).strip()


def _declared(what: NamePlate, registered: str, reported: str | None) -> str:
    word = _WORDS[what]
    says = (
        f"reports {reported.strip()!r} as its {word}, which tells no charge point from another"
        if reported and reported.strip()
        else f"reports no {word}"
    )
    return (
        f"The charge point {says}: {registered!r} was declared at its registration, not read from "
        "it."
    )


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def _same(one: str, other: str) -> bool:
    return _fold(one) == _fold(other)


def _same_model(registered: Registered, reported: str) -> bool:
    return same_model(registered.vendor, registered.model, reported)
