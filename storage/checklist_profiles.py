"""Profiles of checklists, as ``catalogue/checklists/*.toml`` has them."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

from pydantic import ConfigDict, Field, StrictBool, StringConstraints
from pydantic import model_validator as checked
from pydantic.dataclasses import dataclass as checked_dataclass

from domain.checklists import ChecklistItem, ChecklistProfile
from domain.wording import Matching
from storage.catalogue import CatalogueError, read_document, read_file

FOLDER: Final = "checklists"
_STRICT: Final = ConfigDict(extra="forbid")
_MOST_ITEMS: Final = 100
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
_Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


_ItemId = Annotated[
    str, Matching(r"\A[a-z0-9_]{1,40}\Z", "must be 1 to 40 of the characters a to z, 0 to 9 and _")
]
_ProfileId = Annotated[
    str,
    StringConstraints(max_length=60),
    Matching(
        r"\A[a-z0-9]+(-[a-z0-9]+)*-[0-9]+\Z",
        "must be words of a to z and 0 to 9 with - between them, the last its version",
    ),
]
_Source = Annotated[
    str, Matching(r"\Ahttps?://\S{4,500}\Z", "must be a public address (https://…)")
]
_Country = Annotated[str, Matching(r"\A[A-Z]{2}\Z", "must be two capital letters (ISO 3166-1)")]


@checked_dataclass(frozen=True, kw_only=True, config=_STRICT)
class _Item:
    id: _ItemId
    text: _Text
    required: StrictBool = False
    source: _Source | None = None


@checked_dataclass(frozen=True, kw_only=True, config=_STRICT)
class _File:
    id: _ProfileId
    title: _Title
    items: Annotated[list[_Item], Field(min_length=1, max_length=_MOST_ITEMS)]
    country: _Country | None = None
    authority: _Title | None = None

    @checked(mode="after")
    def _whole(self) -> "_File":
        ids = [item.id for item in self.items]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"there are two items {', '.join(twice)}")
        without = [item.id for item in self.items if item.source is None]
        if without and (self.country or self.authority):
            raise ValueError(
                "each item of a country's or an authority's checklist needs a public source: "
                f"{', '.join(without)} has none"
            )
        return self

    def profile(self) -> ChecklistProfile:
        return ChecklistProfile(
            id=self.id,
            title=self.title,
            country=self.country,
            authority=self.authority,
            items=tuple(ChecklistItem(**asdict(item)) for item in self.items),
        )


@cache
def load_checklists(directory: Path | None = None) -> Mapping[str, ChecklistProfile]:
    """Read those that are installed and those of a directory, by their ids.

    One of the directory replaces an installed one of the same id.

    Raises:
        CatalogueError: A file cannot be used, or two have the same id.

    """
    installed = files("catalogue").joinpath(FOLDER)
    names = sorted(item.name for item in installed.iterdir() if item.name.endswith(".toml"))
    found = _by_id((name, installed.joinpath(name).read_text(encoding="utf-8")) for name in names)
    if directory is not None:
        own = sorted((directory / FOLDER).glob("*.toml"))
        found |= _by_id((str(path), read_file(path)) for path in own)
    return found


def _by_id(documents: Iterator[tuple[str, str]]) -> dict[str, ChecklistProfile]:
    found: dict[str, ChecklistProfile] = {}
    for name, text in documents:
        profile = read_document(name, text, _File).profile()
        if profile.id in found:
            raise CatalogueError(f"{name}: another file has the checklist {profile.id}, too")
        found[profile.id] = profile
    return found
