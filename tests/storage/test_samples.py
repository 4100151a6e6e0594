"""What a meter value is stored as comes back as it was sent, and takes a fraction of its JSON."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import samples as module
from storage.samples import pack, unpack

PERIODIC: Final = {"context": "Sample.Periodic"}
USUAL: Final[list[dict[str, Any]]] = [
    {"value": "1234567", "unit": "Wh", "measurand": "Energy.Active.Import.Register"} | PERIODIC,
    {"value": "11000.0", "unit": "W", "measurand": "Power.Active.Import"} | PERIODIC,
    *(
        {"value": "16.0", "unit": "A", "measurand": "Current.Import", "phase": phase} | PERIODIC
        for phase in ("L1", "L2", "L3")
    ),
    *(
        {"value": "230.1", "unit": "V", "measurand": "Voltage", "phase": phase} | PERIODIC
        for phase in ("L1-N", "L2-N", "L3-N")
    ),
]
ODD: Final[list[list[dict[str, Any]]]] = [
    [{}],
    [{"value": "1", "unit": None}],
    [{"value": 1}],
    [{"value": 1.50}],
    [{"value": True}],
    [{"value": "1", "unit": ["V"]}],
    [{"value": "1", "unit": {"value": "1"}}],
    [{"value": "1."}],
    [{"value": "1e3"}],
    [{"value": "1,5"}],
    [{"value": "+1"}],
    [{"value": " 1"}],
    [{"value": "1\n"}],
    [{"value": "\u0661"}],
    [{"value": "1" * 21}],
    [{"value": '"value":"1"'}],
    [{"value": "1", "vendor": "x"}],
    [{"value": "1", "measurand": "value"}],
    [{"value": "1", "measurand": "V"}],
    [{"value": "0"}, {"x": {"value": "1"}}],
    [{"value": "9f8e", "format": "SignedData", "context": "Transaction.End"}],
    [{"value": "42", "format": "SignedData"}],
    [{"value": "1", "unreadable": "what"}],
    [*USUAL, {"value": "NaN"}],
]
WORDS: Final = {key: [word for word in words if word] for key, words in module._CODES.items()}
USUAL_SAMPLES: Final = st.lists(
    st.fixed_dictionaries(
        {"value": st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", fullmatch=True).map(str)},
        optional={key: st.sampled_from(words) for key, words in WORDS.items()},
    ).filter(lambda sample: sample["value"].isascii()),
    max_size=12,
)
ANY_JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
ANY_SAMPLES: Final = st.lists(
    st.dictionaries(
        st.sampled_from(["value", *WORDS, "unreadable", "x"]),
        st.sampled_from(["1", "-0.50", "Wh", "L1", "Raw", "", '"value":"1"', "|"]) | ANY_JSON,
        max_size=5,
    ),
    max_size=4,
)


def test_the_usual_takes_a_tenth_of_its_json() -> None:
    packed = pack(USUAL)
    assert unpack(packed) == USUAL
    assert len(packed) * 10 < len(json.dumps(USUAL, separators=(",", ":")))


def test_the_codes_are_those_that_rows_have() -> None:
    """A code that changes would give other words to what is stored."""
    assert pack(USUAL) == "aA&1234567jF11000.0pLx16.0y16.0z16.0sMX230.1Y230.1Z230.1"
    assert pack([{"value": "1"}, {"value": "2"}, {"value": "-3.50", "unit": "V"}]) == "1|2M-3.50"
    codes = [code for words in module._CODES.values() for code in words.values()]
    assert len(codes) == len(set(codes))
    assert not set(codes) & set("0123456789-.[|\"'\\")


@pytest.mark.parametrize("samples", ODD, ids=str)
def test_what_is_odd_is_kept_as_json(samples: list[dict[str, Any]]) -> None:
    packed = pack(samples)
    assert json.loads(packed) == samples
    assert unpack(packed) == samples


@given(USUAL_SAMPLES)
def test_every_word_of_the_standard_is_packed(samples: list[dict[str, Any]]) -> None:
    packed = pack(samples)
    assert not packed.startswith("[")
    assert unpack(packed) == samples


@given(ANY_SAMPLES)
def test_whatever_is_sent_comes_back(samples: list[dict[str, Any]]) -> None:
    back = unpack(pack(samples))
    assert back == samples
    # True == 1 == 1.0 in Python, and not in JSON.
    as_text = [json.dumps(one, sort_keys=True) for one in (back, samples)]
    assert as_text[0] == as_text[1]
