"""The metadata of our PDFs (XMP, ISO 16684-1): written, and read back."""

import re
from datetime import UTC, datetime
from html import escape, unescape
from typing import Final

_XMP: Final = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
    xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
    xmp:CreatorTool="Dynamo" xmp:CreateDate="{at}" xmp:ModifyDate="{at}"
    pdfaid:part="{part}" pdfaid:conformance="{conformance}">
   <dc:format>application/pdf</dc:format>
   <dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
   <dc:creator><rdf:Seq><rdf:li>Dynamo</rdf:li></rdf:Seq></dc:creator>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
   <dc:description><rdf:Alt>
    <rdf:li xml:lang="x-default">{subject}</rdf:li>
   </rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>"""
_SAID: Final = re.compile(
    rb'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">(?P<title>[^<\n]*)</rdf:li></rdf:Alt>'
    rb"</dc:title>\s*<dc:description><rdf:Alt>\s*"
    rb'<rdf:li xml:lang="x-default">(?P<subject>[^<\n]*)</rdf:li>'
)
_INFO: Final = re.compile(
    rb"/Subject (?P<subject>\([^\n]*\)|<[0-9a-f]*>)\n/Title (?P<title>\([^\n]*\)|<[0-9a-f]*>)\n>>"
)
"""The form that an older engine wrote."""


def xmp_metadata(
    *, title: str, subject: str, at: datetime, language: str, part: int, conformance: str
) -> str:
    """Write the metadata of a PDF/A; they do not depend on the moment of the writing."""
    return _XMP.format(
        title=escape(title),
        subject=escape(subject),
        language=language,
        at=at.astimezone(UTC).isoformat(timespec="seconds"),
        part=part,
        conformance=conformance,
    )


def read_metadata(pdf: bytes) -> str | None:
    """Read title and subject of a PDF with a valid signature; None if it is not of our form."""
    said = _SAID.findall(pdf)
    if said:
        title, subject = (unescape(one.decode()) for one in said[-1])
        return f"{title}\n{subject}."
    found = _INFO.findall(pdf)
    if not found:
        return None
    subject, title = map(_text, found[-1])
    return f"{title}\n{subject}."


def _text(written: bytes) -> str:
    if written.startswith(b"<"):
        return bytes.fromhex(written[1:-1].decode()).decode("utf-16")
    return re.sub(r"\\(.)", r"\1", written[1:-1].decode("latin-1"))
