"""What values usually are, as ``catalogue/plausible.toml`` says."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass as checked_dataclass

from domain.billing.currencies import is_currency
from domain.billing.tariff import Dimension
from domain.plausibility import Current, Plausibility, Quantity, Range, Slip, Usual
from storage.catalogue import CatalogueError, read_document

FILE: Final = "plausible.toml"
_STRICT: Final = ConfigDict(extra="forbid")
_Positive = Annotated[Decimal, Field(gt=0)]


@checked_dataclass(frozen=True, kw_only=True, config=_STRICT)
class _Range(Range):
    least: _Positive
    most: _Positive

    @model_validator(mode="after")
    def _from_less_to_more(self) -> "_Range":
        if self.least >= self.most:
            raise ValueError("least must be less than most")
        return self


@checked_dataclass(frozen=True, kw_only=True, config=_STRICT)
class _Slip(Slip):
    factor: _Positive


@checked_dataclass(frozen=True, kw_only=True, config=_STRICT)
class _Usual:
    name: str
    unit: str
    least: _Positive | None = None
    most: _Positive | None = None
    ac: _Range | None = None
    dc: _Range | None = None
    slips: tuple[_Slip, ...] = ()
    zero: bool = False

    @model_validator(mode="after")
    def _of_both_or_of_each(self) -> "_Usual":
        both = self.least is not None and self.most is not None
        each = self.ac is not None and self.dc is not None
        some = (self.least, self.most, self.ac, self.dc)
        if both == each or sum(one is not None for one in some) > 2:  # noqa: PLR2004 - of either two
            raise ValueError("give least and most, or a range for ac and one for dc")
        if both:
            _Range(least=self.least, most=self.most)  # type: ignore[arg-type] # looked at above
        return self

    def usual(self, *, is_price: bool) -> Usual:
        if self.ac is not None and self.dc is not None:
            ranges: Mapping[Current, Range] = {Current.AC: self.ac, Current.DC: self.dc}
        else:
            assert self.least is not None  # noqa: S101 - checked above
            assert self.most is not None  # noqa: S101
            ranges = dict.fromkeys(Current, Range(least=self.least, most=self.most))
        return Usual(
            name=self.name,
            unit=self.unit,
            ranges=ranges,
            slips=self.slips
            + ((Slip(unit="in the hundredth part", factor=Decimal("0.01")),) if is_price else ()),
            zero=self.zero or is_price,
        )


@checked_dataclass(frozen=True, kw_only=True, config=_STRICT)
class _File:
    quantities: Mapping[Quantity, _Usual]
    prices: Mapping[Dimension, _Usual]
    currencies: Mapping[str, _Positive]

    @model_validator(mode="after")
    def _complete(self) -> "_File":
        missing = [*(set(Quantity) - set(self.quantities)), *(set(Dimension) - set(self.prices))]
        if missing:
            raise ValueError(f"there is no range for {', '.join(sorted(missing))}")
        unknown = sorted(code for code in self.currencies if not is_currency(code))
        if unknown:
            raise ValueError(f"no currency in use: {', '.join(unknown)}")
        return self


@cache
def load_plausibility(directory: Path | None = None) -> Plausibility:
    """Read what is usual from the file of that directory, else from the one that is installed.

    Raises:
        CatalogueError: the file cannot be used, and why.

    """
    own = None if directory is None else directory / FILE
    try:
        if own is not None and own.is_file():
            name, text = str(own), own.read_text("utf-8")
        else:
            name, text = FILE, files("catalogue").joinpath(FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{own}: {error}") from error
    content = read_document(name, text, _File, parse_float=Decimal)
    return Plausibility(
        quantities={what: one.usual(is_price=False) for what, one in content.quantities.items()},
        prices={what: one.usual(is_price=True) for what, one in content.prices.items()},
        rates=dict(content.currencies),
    )
