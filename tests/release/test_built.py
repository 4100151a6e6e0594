"""What is built: the list of what is in it, and two builds that are one."""

from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

from tests.release import sbom
from tests.release.gate import Checkout, FailedError
from tests.release.small import VERSION
from tests.release.wheels import builds_are_alike

LOCK = f"""\
orjson==3.13.0 ; python_version >= '3.11' \\
    --hash=sha256:{"a" * 64} \\
    --hash=sha256:{"b" * 64}
    # via dynamo-commissioning (pyproject.toml)
rich==15.0.0 \\
    --hash=sha256:{"c" * 64}
"""


def test_what_is_in_it_is_what_the_lock_names() -> None:
    hashes = {"orjson": ("a" * 64, "b" * 64), "rich": ("c" * 64,)}
    components = [
        {
            "name": name,
            "version": version,
            "externalReferences": [{"hashes": [{"content": one} for one in hashes[name]]}],
        }
        for name, version in (("orjson", "3.13.0"), ("rich", "15.0.0"))
    ]
    document = {"metadata": {"component": {"version": VERSION}}, "components": components}
    assert sbom.differences(document, LOCK, VERSION) == []
    assert sbom.differences(document, "", VERSION)[0] == "the lock names no package"
    assert sbom.differences(document, LOCK, "0.2.0") == ["it is of version 0.1.0"]
    for before, after, name in (("3.13.0", "3.14.0", "orjson"), ("c" * 64, "d" * 64, "rich")):
        other = sbom.differences(document, LOCK.replace(before, after), VERSION)
        assert other == [f"{name} is another than that of the lock"]
    less, more = LOCK.partition("rich==")[0], f"{LOCK}typer==0.29.0\n"
    assert sbom.differences(document, less, VERSION) == ["rich is not in the lock"]
    assert sbom.differences(document, more, VERSION) == ["typer is not in it", "typer has no hash"]


def test_a_lock_that_cannot_be_read_makes_no_document(checkout: Checkout) -> None:
    with pytest.raises(FailedError, match="cyclonedx-py failed"):
        sbom.materials_are_listed(checkout)


def _archive(**members: str) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        folder.mkdir(parents=True)
        path = folder / "engine.whl"
        with ZipFile(path, "w") as archive:
            for name, text in members.items():
                archive.writestr(ZipInfo(name), text)
        return path

    return build


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (_archive(a="1", b="3"), "b"),
        (_archive(a="1"), "b"),
        (_archive(b="2", a="1"), "the order"),
    ],
)
def test_two_builds_are_the_same(
    checkout: Checkout, other: Callable[[Path], Path], said: str
) -> None:
    one = _archive(a="1", b="2")
    assert builds_are_alike(checkout, one, one)
    assert (checkout.dist / "engine.whl").exists()
    with pytest.raises(FailedError, match=f"differ in {said}"):
        builds_are_alike(checkout, one, other)
