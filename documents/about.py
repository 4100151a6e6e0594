"""What a document of ours says about itself, read back without a PDF library."""

import re
from typing import Final

_INFO: Final = re.compile(
    rb"/Subject (?P<subject>\([^\n]*\)|<[0-9a-f]*>)\n/Title (?P<title>\([^\n]*\)|<[0-9a-f]*>)\n>>"
)


def about(pdf: bytes) -> str | None:
    """Tell its title and subject; None where it is not written as ours are.

    Ask it only of a file whose signature holds.
    """
    found = _INFO.findall(pdf)
    if not found:
        return None
    subject, title = map(_text, found[-1])
    return f"{title}\n{subject}."


def _text(written: bytes) -> str:
    if written.startswith(b"<"):
        return bytes.fromhex(written[1:-1].decode()).decode("utf-16")
    return re.sub(r"\\(.)", r"\1", written[1:-1].decode("latin-1"))
