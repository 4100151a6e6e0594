import re
from importlib.resources import files
from pathlib import Path

import pytest

from domain.catalogue import ParameterType, ParameterValue
from domain.choices import Choices
from storage import plausibility
from storage.catalogue import CatalogueError, load_catalogue

CATALOGUE = load_catalogue()
GENERIC = CATALOGUE.resolve("Nobody", "Nothing")


def test_every_file_is_an_entry() -> None:
    written = [
        item
        for item in files("catalogue").iterdir()
        if item.name.endswith(".toml") and item.name != plausibility.FILE
    ]
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
        assert Choices(entry.template, {}).check(defaults).errors == (), entry.template.model
        assert len({key for key, _ in defaults}) == len(defaults)


OWN = """
vendor = "ABB"
model = "Terra AC W22"
vendors = ["ABB*"]
models = ["Terra AC W22*"]
template_version = "9.0.0"
parameters = []

[firmware]
minimum = "1.8.0"
image = {{ version = "1.8.32", location = "{location}" }}
"""


def own(folder: Path, location: str) -> Path:
    (folder / "abb.toml").write_text(OWN.format(location=location))
    return folder


def test_a_file_of_ones_own_goes_before_the_installed_one(tmp_path: Path) -> None:
    catalogue = load_catalogue(own(tmp_path, "ftp://firmware.example/terra-1.8.32.bin"))
    entry = catalogue.resolve("ABB", "ABB Terra AC W22")
    assert entry.template.template_version == "9.0.0"
    assert entry.firmware is not None
    assert entry.firmware.image is not None
    assert entry.firmware.image.location == "ftp://firmware.example/terra-1.8.32.bin"
    assert catalogue.resolve("Kempower", "S-Series Satellite") != GENERIC


def test_an_image_below_the_base(tmp_path: Path) -> None:
    catalogue = load_catalogue(own(tmp_path, "a/b.bin"), firmware_url="https://firmware.example/x/")
    rule = catalogue.resolve("ABB", "Terra AC W22").firmware
    assert rule is not None
    assert rule.image is not None
    assert rule.image.location == "https://firmware.example/x/a/b.bin"


def test_an_image_without_a_base_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="DYNAMO_FIRMWARE_URL"):
        load_catalogue(own(tmp_path, "a/b.bin"))


@pytest.mark.parametrize("text", ["vendor = ", "vendor = 'ABB'", OWN.format(location="file:///x")])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.toml").write_text(text)
    with pytest.raises(CatalogueError, match=r"broken\.toml"):
        load_catalogue(tmp_path)
