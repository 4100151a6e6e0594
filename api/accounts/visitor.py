"""Who stands at the door of an account: from which address, and whether the device is known."""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request, Response

from api.deps import ClientAddress
from api.parts import Parts
from api.security.devices import COOKIE, LIFETIME_SECONDS
from domain.proxies import source_network
from storage.models.accounts import Account

_LONGEST_NAME: Final = 200
_LONGEST_PROOF: Final = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """What a request tells of its sender; ``cookie`` and ``token`` may prove an earlier login."""

    address: str
    user_agent: str | None = None
    cookie: str = ""
    token: str = ""

    @property
    def network(self) -> str:
        """What limits per address count by."""
        return source_network(self.address)


def _visitor(request: Request, address: ClientAddress) -> Visitor:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    name = re.sub("[^ -~]", "", request.headers.get("user-agent", ""))[:_LONGEST_NAME].strip()
    return Visitor(
        address=address,
        user_agent=name or None,
        cookie=request.cookies.get(COOKIE, "")[:_LONGEST_PROOF],
        token=token.strip()[:_LONGEST_PROOF] if scheme.lower() == "bearer" else "",
    )


AVisitor = Annotated[Visitor, Depends(_visitor)]


def known_device(parts: Parts, visitor: Visitor, account: Account | None) -> str | None:
    """Name the device, if it has signed in to the account before."""
    return parts.devices.known(account, cookie=visitor.cookie, token=visitor.token)


def remember(response: Response, parts: Parts, visitor: Visitor, account: Account) -> None:
    """Have the browser keep that this device has signed in to the account."""
    response.set_cookie(
        COOKIE,
        parts.devices.remember(
            account, cookie=visitor.cookie, device=known_device(parts, visitor, account)
        ),
        max_age=LIFETIME_SECONDS,
        secure=parts.settings.public_api_url.startswith("https://"),
        httponly=True,
        samesite="strict",
    )
