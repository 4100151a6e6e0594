"""The catalogue: what ``catalogue/*.toml`` says of a vendor + model."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from domain.catalogue import CatalogueEntry, FirmwareRule, Parameter, Template
from domain.plausibility import Current
from domain.wording import in_one_line

T = TypeVar("T")
_ANY = "*"
_OTHER = "plausible.toml"  # storage/plausibility.py reads it
_SCHEMES = {"http", "https", "ftp", "ftps", "sftp"}


class CatalogueError(Exception):
    """A file of the catalogue cannot be used; the process cannot start."""


def read_document(name: str, text: str, kind: type[T], **options: Any) -> T:
    """Read TOML as a checked dataclass.

    Raises:
        CatalogueError: it is not so, and why.

    """
    try:
        return TypeAdapter(kind).validate_python(tomllib.loads(text, **options))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{name}: {error}") from error
    except ValidationError as error:
        raise CatalogueError(f"{name}: {in_one_line(error)}") from error


def read_file(path: Path) -> str:
    """Read the text of a file.

    Raises:
        CatalogueError: it cannot be read.

    """
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path} cannot be read: {error}") from error


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
    current: Current | None = None
    connector_kw: Annotated[float, Field(gt=0, le=1000)] | None = None


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
    """Every entry, read once; of several that match the first counts, of none the generic one."""

    def __init__(self, documents: Mapping[str, str], *, firmware_url: str = "") -> None:
        """Read documents by the names of their files.

        Raises:
            CatalogueError: one cannot be used, and why.

        """
        read = [_known(name, text, firmware_url) for name, text in documents.items()]
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
def load_catalogue(directory: Path | None = None, *, firmware_url: str = "") -> Catalogue:
    """Read the catalogue that is installed with the engine, after the files of a directory.

    Raises:
        CatalogueError: the directory or one of its files cannot be used.

    """
    installed = files("catalogue")
    names = sorted(
        item.name
        for item in installed.iterdir()
        if item.name.endswith(".toml") and item.name != _OTHER
    )
    documents = {} if directory is None else _read_directory(directory)
    documents |= {name: installed.joinpath(name).read_text(encoding="utf-8") for name in names}
    return Catalogue(documents, firmware_url=firmware_url)


def _read_directory(directory: Path) -> dict[str, str]:
    if not directory.is_dir():
        raise CatalogueError(f"{directory} is no directory")
    return {
        str(path): read_file(path)
        for path in sorted(directory.glob("*.toml"))
        if path.name != _OTHER
    }


def _known(name: str, text: str, firmware_url: str) -> _Known:
    content = read_document(name, text, _File)
    known = _Known(
        vendors=tuple(map(_plain, content.vendors)),
        models=tuple(map(_plain, content.models)),
        entry=CatalogueEntry(
            template=Template(
                template_version=content.template_version,
                vendor=content.vendor,
                model=content.model,
                parameters=content.parameters,
            ),
            firmware=content.firmware,
            current=content.current,
            connector_kw=content.connector_kw,
        ),
    )
    rule = known.entry.firmware
    if rule is None or rule.image is None:
        return known
    location = rule.image.location
    if not urlsplit(location).scheme:
        location = f"{firmware_url.rstrip('/')}/{location.lstrip('/')}"
    if urlsplit(location).scheme not in _SCHEMES:
        raise CatalogueError(
            f"{name}: the firmware image {rule.image.location!r} is no URL; "
            "write one, or set DYNAMO_FIRMWARE_URL to the base of such names"
        )
    image = replace(rule.image, location=location)
    return replace(known, entry=replace(known.entry, firmware=replace(rule, image=image)))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
