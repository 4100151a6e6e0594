"""Read a PDF back, as a viewer would."""

import re
import zlib

import pypdfium2
from PIL import Image


def texts(pdf: bytes) -> list[str]:
    """Text of each page."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_bounded().replace("\r\n", "\n") for page in document]
    finally:
        document.close()


def picture(pdf: bytes, page: int = 0, *, scale: float = 1.5) -> Image.Image:
    """Render a page."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        drawn: Image.Image = document[page].render(scale=scale).to_pil()
        return drawn
    finally:
        document.close()


def embedded_fonts(pdf: bytes) -> list[bytes]:
    """Every font file in it, unpacked."""
    streams = (
        zlib.decompress(found[1])
        for found in re.finditer(rb"/FlateDecode\b.*?>>\s*stream\n(.*?)\nendstream", pdf, re.DOTALL)
    )
    return [
        stream for stream in streams if stream[:4] in {b"\0\1\0\0", b"OTTO", b"true", b"\1\0\4\1"}
    ]


def outline(pdf: bytes) -> list[tuple[str, int]]:
    """Titles of its outline, and the pages (from 0) that they lead to."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [(mark.get_title(), mark.get_dest().get_index()) for mark in document.get_toc()]
    finally:
        document.close()
