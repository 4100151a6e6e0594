"""Exports that go on at once: each holds a page of rows for as long as it is read."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.protocol.limits import TooManyAtOnceError
from api.turns import NoTurnError, TooManyHereError, Turns
from domain.errors import UnavailableError

AT_ONCE: Final = 32
_OF_AN_ACCOUNT: Final = 1
_PATIENCE: Final = 10.0
_SOON, _LATER = 10, 60


class Exports(Turns):
    """One of an account at a time, and so many of all: fifty rows of 60 KB are 3 MB for each."""

    def __init__(self, *, at_once: int = AT_ONCE, patience: float = _PATIENCE) -> None:
        super().__init__(at_once=at_once, of_an_account=_OF_AN_ACCOUNT, patience=patience)


class ExportResponse(StreamingResponse):
    """Sends the lines of an export in the account's turn.

    Raises, before anything is sent:
        TooManyAtOnceError: ``export_goes_on``.
        UnavailableError: ``exports_busy``.

    """

    def __init__(
        self,
        lines: AsyncIterator[bytes],
        *,
        exports: Exports,
        account_id: str,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(lines, media_type=media_type, headers=headers)
        self._exports = exports
        self._account_id = account_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the turn, and send."""
        try:
            async with self._exports.of(self._account_id):
                await super().__call__(scope, receive, send)
        except TooManyHereError as error:
            raise TooManyAtOnceError(
                "export_goes_on",
                "An export of your account is being read. Take the next one when that is done.",
                policy="exports",
                quota=_OF_AN_ACCOUNT,
                retry_after=_SOON,
            ) from error
        except NoTurnError as error:
            raise UnavailableError(
                "exports_busy",
                "Too many exports are being read. Ask again in a minute.",
                retry_after=_LATER,
            ) from error
