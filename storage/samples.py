"""Sampled values of a meter in few characters: what is common by code, what is odd as JSON.

Half a kilobyte of JSON says ``Energy.Active.Import.Register`` again and again. Words of the
standard (OCPP 1.6 §7.43 SampledValue) become one character each, and only where they differ from
those of the sample before; numbers stay the text that they were sent as. So nothing is lost: what
is unpacked equals what was packed, but for the order of the keys. Whatever is not quite so (a
signed value, a word or a key of a vendor's own, a number that is no text) is kept as JSON, the
whole list of it.

Rows are read by these codes for ever: a code is never given to another word.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import Dialect, Text, TypeDecorator

Sample = dict[str, Any]

_CODES: Final[dict[str, dict[str | None, str]]] = {
    "measurand": {
        None: "!",
        "Energy.Active.Import.Register": "a",
        "Energy.Active.Export.Register": "b",
        "Energy.Reactive.Import.Register": "c",
        "Energy.Reactive.Export.Register": "d",
        "Energy.Active.Import.Interval": "f",
        "Energy.Active.Export.Interval": "g",
        "Energy.Reactive.Import.Interval": "h",
        "Energy.Reactive.Export.Interval": "i",
        "Power.Active.Import": "j",
        "Power.Active.Export": "k",
        "Power.Offered": "l",
        "Power.Reactive.Import": "m",
        "Power.Reactive.Export": "n",
        "Power.Factor": "o",
        "Current.Import": "p",
        "Current.Export": "q",
        "Current.Offered": "r",
        "Voltage": "s",
        "Frequency": "t",
        "Temperature": "u",
        "SoC": "v",
        "RPM": "w",
    },
    "unit": {
        None: "#",
        "Wh": "A",
        "kWh": "B",
        "varh": "C",
        "kvarh": "D",
        "W": "F",
        "kW": "G",
        "VA": "H",
        "kVA": "I",
        "var": "J",
        "kvar": "K",
        "A": "L",
        "V": "M",
        "Celsius": "N",
        "Celcius": "O",
        "Fahrenheit": "P",
        "K": "Q",
        "Percent": "R",
    },
    "phase": {
        None: "$",
        "L1": "x",
        "L2": "y",
        "L3": "z",
        "N": "S",
        "L1-N": "X",
        "L2-N": "Y",
        "L3-N": "Z",
        "L1-L2": "T",
        "L2-L3": "U",
        "L3-L1": "V",
    },
    "context": {
        None: "%",
        "Sample.Periodic": "&",
        "Sample.Clock": "(",
        "Transaction.Begin": ")",
        "Transaction.End": "*",
        "Trigger": ",",
        "Interruption.Begin": "/",
        "Interruption.End": ":",
        "Other": ";",
    },
    "location": {
        None: "<",
        "Outlet": "=",
        "Inlet": ">",
        "Body": "?",
        "Cable": "@",
        "EV": "]",
    },
    "format": {None: "^", "Raw": "_"},
}
_BY_CODE: Final = {
    code: (key, word) for key, words in _CODES.items() for word, code in words.items()
}
_KEYS: Final = frozenset({"value", *_CODES})
_VALUE: Final = re.compile(rb'"value":"(-?[0-9]{1,20}(?:\.[0-9]{1,20})?)"')
_NUMBER: Final = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)")
_JSON: Final = "["
_AGAIN: Final = "|"
"""Between two numbers that all else is the same of."""
_SHAPES: Final = 2_048
"""Remembered: a charge point sends the same words for years, and hundreds of others do too."""
_LONGEST: Final = 4_096
_SIGNED: Final = b"SignedData"  # no two are alike


def pack(samples: Sequence[Sample]) -> str:
    """Write the samples of one instant, in no more than their JSON takes."""
    as_json = orjson.dumps(samples)
    if len(as_json) > _LONGEST or _SIGNED in as_json:
        return as_json.decode()
    parts = _VALUE.split(as_json)
    form = _form(tuple(parts[::2]))
    return (as_json if form is None else form % tuple(parts[1::2])).decode()


def unpack(written: str) -> list[Sample]:
    """Read them; the keys of each are in one order."""
    if written.startswith(_JSON):
        samples: list[Sample] = orjson.loads(written)
        return samples
    parts = _NUMBER.split(written)
    words = _words(tuple(parts[:-1:2]))
    return [{"value": value} | of_it for value, of_it in zip(parts[1::2], words, strict=True)]


@lru_cache(_SHAPES)
def _form(shape: tuple[bytes, ...]) -> bytes | None:
    """Give the codes, with a place for each number; None: some of it has no code.

    ``shape`` is the JSON between the numbers.
    """
    samples = orjson.loads(b'"value":"0"'.join(shape))
    if len(samples) != len(shape) - 1:
        return None
    found: list[str] = []
    before: Sample = {}
    for sample in samples:
        if not sample.keys() <= _KEYS or not all(type(word) is str for word in sample.values()):
            return None
        code = ""
        for key, words in _CODES.items():
            word = sample.get(key)
            if word == before.get(key):
                continue
            if word not in words:
                return None
            code += words[word]
        found.append(code or (_AGAIN if found else ""))
        before = sample
    return "".join(f"{code.replace('%', '%%')}%b" for code in found).encode()


@lru_cache(_SHAPES)
def _words(codes: tuple[str, ...]) -> tuple[Sample, ...]:
    found: list[Sample] = []
    now: dict[str, str | None] = {}
    for code in codes:
        now |= dict(_BY_CODE[one] for one in code if one != _AGAIN)
        found.append({key: word for key, word in now.items() if word is not None})
    return tuple(found)


class Samples(TypeDecorator[list[Sample]]):
    """A column of them: lists in (or what :func:`pack` has made of one), lists out."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: list[Sample] | str | None, _: Dialect) -> str | None:
        """Pack."""
        return value if value is None or isinstance(value, str) else pack(value)

    def process_result_value(self, value: str | None, _: Dialect) -> list[Sample] | None:
        """Unpack."""
        return None if value is None else unpack(value)
