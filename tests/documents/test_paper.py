"""The paper takes any text, and gives the same bytes for the same content."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.fonts import Typeface, drawable
from documents.paper import Imprint, Paper
from documents.text import PAGES, clean, clean_lines
from tests.documents.reading import embedded_fonts, picture, texts

IMPRINT = Imprint(
    title="Statement",
    subject="May 2026",
    foot="Riverside Business Park",
    below=("Ask facilities@riversidebp.com",),
    at=datetime(2026, 5, 1, 10, 15, tzinfo=UTC),
)


def _document(*lines: str) -> bytes:
    paper = Paper(IMPRINT, repr(lines))
    paper.add_page()
    paper.ink(9)
    for line in lines:
        paper.line_of(line)
    return bytes(paper.output())


def test_text_comes_back_as_it_was_written() -> None:
    words = "Grün Ωhm Привет Ελλάδα สวัสดี ✓ 230 V ± 10 %"
    (page,) = texts(_document(words))
    assert words in page
    assert "Page 1 of 1" in page
    assert "Riverside Business Park" in page


def test_fonts_are_embedded_as_what_they_are(tmp_path: Path) -> None:
    paper = Paper(IMPRINT, said := "Hello Ω ▶ ✓ 🖶")
    paper.add_page()
    for family, bold in ((Typeface.TEXT, False), (Typeface.TEXT, True), (Typeface.MONO, False)):
        paper.ink(9, bold=bold, family=family)
        paper.line_of(said)
    pdf = bytes(paper.output())
    fonts = embedded_fonts(pdf)
    assert len(fonts) == 4
    assert {font[:4] for font in fonts} == {b"\0\1\0\0"}  # TrueType, which the PDF says they are
    assert texts(pdf)[0].count(said) == 3
    drawer = which("pdftoppm")
    if drawer is not None:
        (tmp_path / "document.pdf").write_bytes(pdf)
        command = [drawer, "-png", str(tmp_path / "document.pdf"), str(tmp_path / "page")]
        drawn = subprocess.run(command, capture_output=True, check=True, text=True)
        assert not drawn.stderr


@pytest.mark.parametrize("words", ["שלום", "محطة", "नमस्ते"])
def test_letters_are_joined_and_run_as_their_script_does(words: str) -> None:
    pdf = _document(words)
    assert words in texts(pdf)[0]
    assert pdf == _document(words)
    # Unshaped, each letter has a glyph of its own, in the order of writing.
    with patch.object(Paper, "set_text_shaping"):
        assert picture(_document(words)).tobytes() != picture(pdf).tobytes()


def test_the_same_content_is_the_same_bytes() -> None:
    assert _document("one", "two") == _document("one", "two")
    assert _document("one") != _document("two")


def test_what_cannot_be_drawn_is_written_as_its_code_point() -> None:
    assert clean("深 a\u202eb\x00c שלום") == "\\u{6df1} a\\u{202e}b\\u{0}c שלום"
    assert clean("two\r\nlines\tand a tab") == "two  lines and a tab"
    assert clean_lines("two\r\nlines") == "two\nlines"


def test_long_text_is_cut_where_it_was_asked() -> None:
    assert clean("x" * 10_000_000, at_most=20) == "x" * 19 + "…"
    assert clean_lines("x\n" * 10_000, at_most=20).endswith("…")


def test_nobody_writes_the_number_of_pages_but_us() -> None:
    (page,) = texts(_document(f"vendor {PAGES}"))
    assert "vendor <pages>" in page


@given(st.text(max_size=200))
def test_cleaned_text_can_be_drawn(text: str) -> None:
    for character in clean(text):
        assert ord(character) in drawable()


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=400), st.floats(min_value=5, max_value=180))
def test_any_text_makes_a_document_and_fits(text: str, width: float) -> None:
    paper = Paper(IMPRINT, repr(text))
    paper.add_page()
    paper.ink(8)
    assert paper.get_string_width(paper.fitted(clean(text), width)) <= width
    paper.line_of(text)
    assert bytes(paper.output()).startswith(b"%PDF-")
