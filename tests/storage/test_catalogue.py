import re
from importlib.resources import files

import pytest

from domain.catalogue import ParameterType, ParameterValue
from domain.parameters import overrides_errors
from storage.catalogue import load_catalogue

CATALOGUE = load_catalogue()
GENERIC = CATALOGUE.resolve("Nobody", "Nothing")


def test_every_file_is_an_entry() -> None:
    written = [item for item in files("catalogue").iterdir() if item.name.endswith(".toml")]
    assert len(written) == len(CATALOGUE.entries) + 1  # and the generic one
    assert len(written) >= 6


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("ABB", "ABB Terra AC W22"),
        ("ABB", "Terra AC W22"),
        ("abb", "TERRA AC W22"),
        (" ABB ", "terra  ac   w22"),
        ("ABB E-mobility B.V.", "Terra AC W22-T-0"),
    ],
)
def test_the_guides_model_however_it_is_written(vendor: str, model: str) -> None:
    template = CATALOGUE.resolve(vendor, model).template
    assert template.template_version == "2.1.0"
    assert [(p.key, p.default, p.type, p.assertion) for p in template.parameters] == [
        ("HeartbeatInterval", 60, ParameterType.INTEGER, False),
        ("MeterValueSampleInterval", 30, ParameterType.INTEGER, False),
        ("MaxChargingProfilesInstalled", 10, ParameterType.INTEGER, True),
        ("AuthorizationCacheEnabled", True, ParameterType.BOOLEAN, False),
    ]


@pytest.mark.parametrize(
    ("vendor", "model"),
    [("ABB", "Terra 54"), ("Other", "Terra AC W22"), ("", ""), ("*", "*"), ("[", "[")],
)
def test_an_unknown_model_gets_the_generic_template(vendor: str, model: str) -> None:
    assert CATALOGUE.resolve(vendor, model) is GENERIC
    assert GENERIC.known is False
    assert GENERIC.firmware is None


@pytest.mark.parametrize(
    ("vendor", "model", "said", "version"),
    [
        ("ABB", "Terra AC W22", "TAC3Z9119006710273::V1.8.21", "1.8.21"),
        ("ABB", "Terra AC W22", "1.8.21", "1.8.21"),
        ("Alfen BV", "Eve Single Pro-line", "4.15.7-4054", "4.15.7"),
        ("Kempower", "S-Series Satellite", "2.4.3.0", "2.4.3.0"),
    ],
)
def test_versions_as_chargers_say_them(vendor: str, model: str, said: str, version: str) -> None:
    rule = CATALOGUE.resolve(vendor, model).firmware
    assert rule is not None
    found = re.search(rule.extract, said)
    assert found is not None
    assert found.group(1) == version


def test_defaults_are_within_their_own_bounds() -> None:
    for entry in (*CATALOGUE.entries, GENERIC):
        defaults: list[tuple[str, ParameterValue]] = [
            (parameter.key, parameter.default) for parameter in entry.template.parameters
        ]
        assert overrides_errors(entry.template, defaults) == (), entry.template.model
        assert len({key for key, _ in defaults}) == len(defaults)
