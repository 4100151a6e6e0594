"""Checklists are data: what cannot be used is refused with the file and the reason."""

from importlib.resources import files
from pathlib import Path

import pytest

from storage.catalogue import CatalogueError
from storage.checklists import FOLDER, load_checklists

ITEM = '[[items]]\nid = "one"\ntext = "It is there."\n'
SOURCED = ITEM + 'source = "https://example.org/rule"\n'
WHOLE = 'id = "mine-1"\ntitle = "Mine"\n'


def given(folder: Path, text: str, name: str = "mine.toml") -> Path:
    (folder / FOLDER).mkdir(exist_ok=True)
    (folder / FOLDER / name).write_text(text)
    return folder


def test_every_installed_one_can_be_used() -> None:
    written = [one.name for one in files("catalogue").joinpath(FOLDER).iterdir()]
    assert sorted(written) == sorted(f"{identity}.toml" for identity in load_checklists())
    generic = load_checklists()["generic-1"]
    assert (generic.country, generic.authority) == (None, None)
    assert {item.source for item in generic.items} == {None}
    assert 0 < sum(item.required for item in generic.items) < len(generic.items)


def test_those_of_a_directory_come_beside_and_before(tmp_path: Path) -> None:
    given(tmp_path, WHOLE + ITEM)
    given(tmp_path, 'id = "generic-1"\ntitle = "Ours"\n' + ITEM, "generic.toml")
    given(
        tmp_path, 'id = "gb-1"\ntitle = "X"\ncountry = "GB"\nauthority = "A"\n' + SOURCED, "gb.toml"
    )
    found = load_checklists(tmp_path)
    assert set(found) == {"generic-1", "mine-1", "gb-1"}
    assert found["generic-1"].title == "Ours"
    assert found["gb-1"].items[0].source == "https://example.org/rule"
    assert set(load_checklists(tmp_path / "none")) == {"generic-1"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id = ", "mine.toml: "),
        (WHOLE, "items: is required"),
        (WHOLE + "items = []", "items: "),
        ('title = "Mine"\n' + ITEM, "id: is required"),
        ('id = "mine"\ntitle = "Mine"\n' + ITEM, "the last its version"),
        ('id = "Mine-1"\ntitle = "Mine"\n' + ITEM, "words of a to z"),
        (WHOLE + "colour = 1\n" + ITEM, "colour: is not a field here"),
        (WHOLE + ITEM + 'answer = "yes"\n', "items.0.answer: is not a field here"),
        (WHOLE + ITEM + 'required = "yes"\n', "items.0.required: must be true or false"),
        (WHOLE + ITEM + 'source = "IEC 60364"\n', "items.0.source: must be a public address"),
        (WHOLE + '[[items]]\nid = "a b"\ntext = "x"\n', "items.0.id: must be 1 to 40"),
        (WHOLE + '[[items]]\nid = "a"\ntext = ""\n', "items.0.text: "),
        (WHOLE + ITEM + ITEM, "there are two items one"),
        (WHOLE + 'country = "UK "\n' + SOURCED, "country: must be two capital letters"),
        (WHOLE + 'country = "GB"\n' + ITEM, "one has none"),
        (WHOLE + 'authority = "HSE"\n' + ITEM, "needs a public source"),
    ],
)
def test_what_cannot_be_used_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError) as caught:
        load_checklists(given(tmp_path, text))
    assert "mine.toml: " in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_of_the_same_id_are_refused(tmp_path: Path) -> None:
    given(tmp_path, WHOLE + ITEM)
    given(tmp_path, WHOLE + ITEM, "other.toml")
    with pytest.raises(CatalogueError, match="another file has the checklist mine-1, too"):
        load_checklists(tmp_path)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    given(tmp_path, "")
    (tmp_path / FOLDER / "mine.toml").write_bytes(b"\xff")
    with pytest.raises(CatalogueError, match=r"mine\.toml cannot be read"):
        load_checklists(tmp_path)
