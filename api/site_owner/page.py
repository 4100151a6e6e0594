"""The page behind the link of an invitation mail: a form that accepts by POST.

Opening a link changes nothing, since mail scanners open links too. The page is the same for every
token and looks nothing up; its script sends the token and the password to the API.
"""

import base64
import hashlib
from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_FOLDER: Final = files(__package__)
_SCRIPT: Final = _FOLDER.joinpath("accept.js").read_text(encoding="utf-8")
_STYLE: Final = _FOLDER.joinpath("accept.css").read_text(encoding="utf-8")
_PAGE: Final = (
    _FOLDER.joinpath("accept.html")
    .read_text(encoding="utf-8")
    .replace("/*style*/", _STYLE)
    .replace("/*script*/", _SCRIPT)
)


def _source(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_source(_SCRIPT)}; style-src {_source(_STYLE)}; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the address holds the token
}


@router.get("/invitations/{token}")
async def invitation_page(token: str) -> HTMLResponse:
    """Show the form; ``token`` is read by its script."""
    del token
    return HTMLResponse(_PAGE, headers=_HEADERS)
