"""The file of usual values is read and checked like the others of the catalogue."""

from importlib.resources import files
from pathlib import Path

import pytest

from domain.billing.tariff import Dimension
from domain.plausibility import Quantity
from storage.catalogue import CatalogueError, load_catalogue
from storage.plausibility import FILE, load_plausibility

TEXT = files("catalogue").joinpath(FILE).read_text(encoding="utf-8")


def test_every_quantity_and_every_price_has_its_range() -> None:
    usual = load_plausibility()
    assert set(usual.quantities) == set(Quantity)
    assert set(usual.prices) == set(Dimension)
    assert usual.rates["EUR"] == 1
    assert len(usual.rates) > 20


def test_each_known_model_says_what_it_gives() -> None:
    assert {entry.current for entry in load_catalogue().entries} == {"ac", "dc"}


def test_a_file_of_ones_own_goes_before_it(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(TEXT.replace("most = 2500", "most = 40000"))
    assert load_plausibility(tmp_path).ask("f", Quantity.SUPPLY_POWER, 15_000) == []
    catalogue = load_catalogue(tmp_path)  # it is no model
    assert catalogue.resolve("ABB", "Terra AC W22") != catalogue.resolve("Nobody", "Nothing")


def test_a_directory_without_one_leaves_the_installed(tmp_path: Path) -> None:
    assert load_plausibility(tmp_path) == load_plausibility()


@pytest.mark.parametrize(
    ("found", "put", "said"),
    [
        ("least = 1.3", "least = 2600", "least must be less than most"),
        ("least = 1.3", "least = -1", "more than 0"),
        ("least = 1.3\n", "", "give least and most"),
        ("least = 1.3", "least = 1.3\nac = { least = 1, most = 2 }", "give least and most"),
        ("GBP = 0.86", "XXX = 0.86", "no currency in use: XXX"),
        ("GBP = 0.86", "GBP = 0", "more than 0"),
        ("[quantities.vat]", "[quantities.tax]", "quantities"),
        ("[prices.FLAT]", "[prices.FLATS]", "prices"),
        ('unit = "kW"', 'unit = "kW"\ncolour = "red"', "colour"),
        ("[quantities", "[[quantities", "plausible.toml"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    tmp_path: Path, found: str, put: str, said: str
) -> None:
    assert found in TEXT
    (tmp_path / FILE).write_text(TEXT.replace(found, put, 1))
    with pytest.raises(CatalogueError, match=r"plausible\.toml") as refused:
        load_plausibility(tmp_path)
    assert said in str(refused.value)


def test_a_range_that_is_missing_is_named(tmp_path: Path) -> None:
    begin, end = TEXT.index("[quantities.vat]"), TEXT.index("# Prices in EUR")
    (tmp_path / FILE).write_text(TEXT[:begin] + TEXT[end:])
    with pytest.raises(CatalogueError, match="there is no range for vat"):
        load_plausibility(tmp_path)
