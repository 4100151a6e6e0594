"""The catalogue: what ``catalogue/*.toml`` says of a vendor + model."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass as checked_dataclass

from domain.catalogue import CatalogueEntry, FirmwareRule, Parameter, Template

_ANY = "*"


@checked_dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class _File:
    """One file. ``vendors`` and ``models`` are patterns (``*``, ``?``), compared case-folded."""

    vendor: str
    model: str
    vendors: tuple[str, ...]
    models: tuple[str, ...]
    template_version: str
    parameters: tuple[Parameter, ...]
    firmware: FirmwareRule | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    vendors: tuple[str, ...]
    models: tuple[str, ...]
    entry: CatalogueEntry

    def matches(self, vendor: str, model: str) -> bool:
        if not any(fnmatchcase(vendor, pattern) for pattern in self.vendors):
            return False
        # Installers write the vendor into the model ("ABB Terra AC W22"); chargers do not.
        return any(
            fnmatchcase(model, pattern) or fnmatchcase(model, f"{name} {pattern}")
            for pattern in self.models
            for name in self.vendors
        )


class Catalogue:
    """Every entry, read once; an unknown model gets the generic one."""

    def __init__(self, documents: Sequence[str]) -> None:
        read = [_read(tomllib.loads(document)) for document in documents]
        self._generic = next(known.entry for known in read if known.vendors == (_ANY,))
        self._known = [known for known in read if known.vendors != (_ANY,)]

    @property
    def entries(self) -> Sequence[CatalogueEntry]:
        """Entries of known models."""
        return [known.entry for known in self._known]

    def resolve(self, vendor: str, model: str) -> CatalogueEntry:
        """Find what is known of a model, whatever the case, the spacing and a vendor in front."""
        vendor, model = _plain(vendor), _plain(model)
        for known in self._known:
            if known.matches(vendor, model):
                return known.entry
        return self._generic


@cache
def load_catalogue() -> Catalogue:
    """Read the catalogue that is installed with the engine."""
    folder = files("catalogue")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".toml"))
    return Catalogue([folder.joinpath(name).read_text(encoding="utf-8") for name in names])


def _read(document: dict[str, Any]) -> _Known:
    content = TypeAdapter(_File).validate_python(document)
    template = Template(
        template_version=content.template_version,
        vendor=content.vendor,
        model=content.model,
        parameters=content.parameters,
    )
    vendors = tuple(_plain(vendor) for vendor in content.vendors)
    return _Known(
        vendors=vendors,
        models=tuple(_plain(model) for model in content.models),
        entry=CatalogueEntry(
            template=template, firmware=content.firmware, known=vendors != (_ANY,)
        ),
    )


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
