"""Two builds of one source make one file: who builds it can see that nothing else is in it."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

from tests.release.gate import ROOT, Checkout, FailedError, digest_of, some
from tests.support import wheel

Build = Callable[[Path], Path]


def builds_are_alike(
    checkout: Checkout, here: Build | None = None, there: Build | None = None
) -> str:
    """Build twice, as on two machines; see that not a byte differs, and leave it in ``dist``."""
    with tempfile.TemporaryDirectory() as folder:
        one = (here or _here)(Path(folder) / "one")
        other = (there or _there)(Path(folder) / "another" / "place")
        if one.name != other.name or one.read_bytes() != other.read_bytes():
            raise FailedError(some(_differences(one, other), "two builds differ in "))
        checkout.dist.mkdir(exist_ok=True)
        shutil.copy(one, checkout.dist)
        return f"two are the same: {one.name}, SHA-256 {digest_of(one)}"


def _here(folder: Path) -> Path:
    return wheel.build(folder, SOURCE_DATE_EPOCH=_epoch(), TZ="UTC", PYTHONHASHSEED="1")


def _there(folder: Path) -> Path:
    """Build where files are older and closed to others, at another time of the day."""
    return wheel.build(
        folder,
        umask=0o077,
        modified=1e9,
        SOURCE_DATE_EPOCH=_epoch(),
        TZ="Asia/Tokyo",
        PYTHONHASHSEED="2",
    )


def _epoch() -> str:
    """Give the time of the commit, in seconds, which stands for that of the build."""
    git = shutil.which("git") or "git"
    seen = subprocess.run(
        [git, "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return seen.stdout.strip()


def _differences(one: Path, other: Path) -> list[str]:
    """Name the members that differ: in what they hold, or in how the archive lists them."""
    with ZipFile(one) as first, ZipFile(other) as second:
        listed = [
            {
                info.filename: (info.CRC, info.date_time, info.external_attr)
                for info in archive.infolist()
            }
            for archive in (first, second)
        ]
    names = sorted(listed[0].keys() | listed[1].keys())
    found = [name for name in names if listed[0].get(name) != listed[1].get(name)]
    return found or ["the order or the compression of their members"]
