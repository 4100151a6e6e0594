"""The API's own documentation, without a CDN: the assets come from an installed package."""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any, Final

from fastapi import Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from api.openapi.document import DocumentedAPI

TITLE: Final = "Dynamo commissioning engine"
DESCRIPTION: Final = """\
Commission EV charge points and hand them over to their site owner, step by step as the guide \
shows it: sign up, create a project, register charge points, configure them, start commissioning, \
poll its status, invite the site owner, complete the handover.

Log in, then press **Authorize** and give the `token`. Every error is a problem document \
(RFC 9457) with a stable `code`.
"""
TAGS: Final[list[dict[str, Any]]] = [
    {"name": "Installer account", "description": "Sign-up, login, passwords, sessions."},
    {"name": "Projects", "description": "Sites that group charge points."},
    {"name": "Charge points", "description": "Registration and what they report."},
    {"name": "Configuration", "description": "Template, chosen values, connection test."},
    {"name": "Commissioning", "description": "The four checks, their record and log."},
    {"name": "Handover", "description": "Invitation of the site owner, and the handover."},
    {
        "name": "Service visits",
        "description": "Work on a site after its handover, for a time, by invitation of its owner.",
    },
    {"name": "Collaborators", "description": "Colleagues who work on a project, by invitation."},
    {"name": "Webhooks", "description": "Events sent to a URL of yours, signed."},
    {"name": "Certificates", "description": "Signed reports, what they declare, their keys."},
    {"name": "Power", "description": "The limit of a site, and how it is shared."},
    {"name": "Site owner", "description": "Accepting an invitation, and the projects claimed."},
    {"name": "Running a site", "description": "What an owner has charge points do."},
    {"name": "Billing", "description": "Tariffs, charge detail records, monthly statements."},
    {"name": "Health", "description": "For load balancers and `dynamo up`."},
]
_ASSETS: Final = "/docs/assets"
_DOCUMENT: Final = "/openapi.json"


class _Scripts(HTMLParser):
    """Collects the scripts that stand in a page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self._is_inline = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_inline = tag == "script" and not dict(attrs).get("src")
        if self._is_inline:
            self.inline.append("")

    def handle_data(self, data: str) -> None:
        if self._is_inline:  # one script comes in pieces
            self.inline[-1] += data

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - as the library calls it
        self._is_inline = False


def install_docs(app: DocumentedAPI) -> None:
    """Serve ``/openapi.json``, ``/docs`` and its assets."""
    folder = files("fastapi_offline") / "static"
    app.mount(_ASSETS, StaticFiles(directory=str(folder)), name="docs-assets")

    @app.get(_DOCUMENT, include_in_schema=False)
    async def document(request: Request) -> Response:
        return Response(app.written_for(request.url.netloc), media_type="application/json")

    page = get_swagger_ui_html(
        openapi_url=_DOCUMENT,
        title=TITLE,
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon.png",
    )
    page.headers["Content-Security-Policy"] = policy_of(bytes(page.body).decode())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return page


def policy_of(page: str) -> str:
    """Allow what the page is made of: its assets, its own script, and calls of this API."""
    scripts = _Scripts()
    scripts.feed(page)
    scripts.close()
    (script,) = scripts.inline
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
