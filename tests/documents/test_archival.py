"""Certificates and statements are PDF/A with a structure: they last, and can be read out.

The PDF is read with a library that did not write it.
"""

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest
from fpdf.errors import PDFAComplianceError
from pyhanko.pdf_utils.reader import PdfFileReader

from documents.certificate.parts import heading
from documents.certificate.render import render_pdf
from documents.keys import seed_from_hex
from documents.paper import Paper
from documents.signer import Signer
from documents.signing import sign
from documents.statement import statement_pdf
from tests.documents.reports import (
    FAILED,
    FULL,
    ISSUE,
    THREE_CONNECTORS,
    WITH_CHECKLIST,
    certificate_of,
    thumbnail,
    with_picture,
)
from tests.documents.test_paper import IMPRINT
from tests.documents.test_statement import statement

SIGNED = sign(
    render_pdf(
        certificate_of(FULL, THREE_CONNECTORS, FAILED, with_picture(WITH_CHECKLIST)),
        ISSUE,
        {photo.id: thumbnail() for photo in FULL.photos},
    ),
    Signer.from_seed(seed_from_hex("8f" * 31 + "01")),
)
DOCUMENTS = {"certificate": SIGNED, "statement": statement_pdf(statement())}
PDFAID = "{http://www.aiim.org/pdfa/ns/id/}"
SHOWN = re.compile(rb"(?:^|[ \]>)])(Tj|TJ|'|Do|S|s|f|f\*|B|b|B\*|b\*)$")
TAG = re.compile(rb"^/(\w+) (?:<</MCID (\d+)>> BDC|BMC)$")


@pytest.fixture(params=DOCUMENTS)
def pdf(request: pytest.FixtureRequest) -> PdfFileReader:
    return PdfFileReader(io.BytesIO(DOCUMENTS[request.param]))


def pages(pdf: PdfFileReader) -> list[Any]:
    return [page.get_object() for page in pdf.root["/Pages"]["/Kids"]]


def test_it_says_that_it_is_pdf_a(pdf: PdfFileReader) -> None:
    stream = pdf.root["/Metadata"]
    assert "/Filter" not in stream
    (said,) = ET.fromstring(stream.data.decode().strip("\ufeff")).iter(  # noqa: S314 - our own
        "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"
    )
    assert (said.get(f"{PDFAID}part"), said.get(f"{PDFAID}conformance")) == ("2", "U")
    assert "/Info" not in pdf.trailer
    assert "/Encrypt" not in pdf.trailer
    assert pdf.input_version == (1, 7)
    assert "/Version" not in pdf.root
    assert pdf.root["/Lang"] == "en-GB"
    (intent,) = pdf.root["/OutputIntents"]
    assert intent.get_object()["/S"] == "/GTS_PDFA1"
    assert intent.get_object()["/DestOutputProfile"]["/N"] == 3


def test_every_typeface_is_embedded_and_every_letter_is_text(pdf: PdfFileReader) -> None:
    fonts = {
        name: font.get_object()
        for page in pages(pdf)
        for name, font in page["/Resources"]["/Font"].items()
    }
    assert len(fonts) >= 2
    for font in fonts.values():
        assert "/ToUnicode" in font
        (descendant,) = font["/DescendantFonts"]
        assert "/FontFile2" in descendant.get_object()["/FontDescriptor"]


def test_whatever_lies_on_a_page_is_printed_too(pdf: PdfFileReader) -> None:
    for page in pages(pdf):
        for note in page.get("/Annots", []):
            flags = int(note.get_object()["/F"])
            assert flags & 0b100  # to be printed
            assert not flags & 0b100011  # not invisible, hidden, or not to be viewed


def test_the_library_refuses_what_is_no_pdf_a() -> None:
    paper = Paper(IMPRINT, "")
    paper.add_page()
    with pytest.raises(PDFAComplianceError):
        paper.set_font("Helvetica")
    with pytest.raises(PDFAComplianceError):
        paper.embed_file(bytes=b"1", basename="readings.csv")
    paper.output()  # and closes its fonts


def tagged(page: Any) -> Iterator[tuple[str, int | None, bool]]:
    """What a page marks, in order: the tag, the number where it has one, and if it shows anything.

    Raises:
        AssertionError: Something is shown, or marked, where it may not.

    """
    within: tuple[str, int | None] | None = None
    shows = False
    for line in page["/Contents"].data.split(b"\n"):
        begins = TAG.match(line)
        if begins:
            assert within is None, line
            within = begins[1].decode(), None if begins[2] is None else int(begins[2])
            shows = False
        elif line == b"EMC":
            assert within is not None
            yield (*within, shows)
            within = None
        elif SHOWN.search(line):
            assert within is not None, line
            shows = True
    assert within is None


def test_everything_shown_is_in_the_structure_or_an_artifact(pdf: PdfFileReader) -> None:
    assert pdf.root["/MarkInfo"]["/Marked"]
    root = pdf.root["/StructTreeRoot"]
    by_page = root["/ParentTree"]["/Nums"]
    parents = {int(by_page[at]): by_page[at + 1].get_object() for at in range(0, len(by_page), 2)}
    for page in pages(pdf):
        marks = [(tag, number) for tag, number, _shows in tagged(page) if number is not None]
        assert [number for _tag, number in marks] == list(range(len(marks)))
        elements = [one.get_object() for one in parents[int(page["/StructParents"])]]
        assert [str(one["/S"])[1:] for one in elements] == [tag for tag, _number in marks]
        for one in elements:
            assert one["/S"] != "/Figure" or one["/Alt"]


def test_what_goes_on_to_another_page_is_marked_on_both() -> None:
    paper = Paper(IMPRINT, "")
    paper.add_page()
    paper.set_y(paper.h - paper.b_margin - 3)  # too low for another line
    paper.ink(9)
    heading(paper, "Charge points")
    for _ in range(100):
        paper.line_of("CP-SN-00483921")
    pdf = PdfFileReader(io.BytesIO(bytes(paper.output())))
    kinds = [[tag for tag, number, _ in tagged(page) if number is not None] for page in pages(pdf)]
    assert [set(one) for one in kinds] == [{"H2"}, {"H2", "P"}, {"P"}]


def test_what_heads_a_certificate_is_a_heading() -> None:
    pdf = PdfFileReader(io.BytesIO(SIGNED))
    kinds = [tag for page in pages(pdf) for tag, _number, _shows in tagged(page)]
    assert kinds.count("H1") == 5  # the cover and each charge point
    assert kinds.count("H2") > 12
    assert kinds.count("Figure") > 10  # codes, marks, plots and photos
