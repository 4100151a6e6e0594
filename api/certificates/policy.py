"""What a page of a certificate may do, told to the browser."""

import base64
import hashlib
from importlib.resources import files
from typing import Final

from documents.certificate.markup import STYLE

COMPARE: Final = files(__package__).joinpath("compare.js").read_text(encoding="utf-8")
"""Script of the online copy."""


def _source(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_source(COMPARE)}; style-src {_source(STYLE)}; "
        "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Robots-Tag": "noindex, nofollow",
}
