"""The signing key, and rendering under it."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from pydantic import SecretStr

from documents.keys import PublicKey, SigningKey
from documents.signature import sign
from domain.certificates import Issue, Report
from domain.errors import EngineError

Given = ParamSpec("Given")
Made = TypeVar("Made")


class CertificateKeyMissingError(EngineError):
    """The engine has no key to sign certificates with."""

    status = 501
    title = "No key for certificates"


class Issuing:
    """Holds the signing key, and renders one certificate at a time: that costs a processor."""

    def __init__(self, seed: SecretStr | None) -> None:
        self._key = None if seed is None else SigningKey.from_hex(seed.get_secret_value())
        self._turn = asyncio.Semaphore(1)

    @property
    def public_key(self) -> PublicKey | None:
        """The public half of the key that signs now; None where there is none."""
        return None if self._key is None else self._key.public

    async def render(self, report: Report, issue: Issue, thumbnails: dict[str, bytes]) -> bytes:
        """Render and sign."""
        return await self.beside(self._render, report, issue, thumbnails)

    async def beside(
        self, work: Callable[Given, Made], *given: Given.args, **names: Given.kwargs
    ) -> Made:
        """Do work beside the event loop that takes a processor and memory, one at a time."""
        async with self._turn:
            return await asyncio.to_thread(work, *given, **names)

    def key(self) -> SigningKey:
        """The key that signs now.

        Raises:
            CertificateKeyMissingError: ``certificate_key_missing``.

        """
        if self._key is None:
            raise CertificateKeyMissingError(
                "certificate_key_missing",
                "This engine has no key to sign certificates with. Ask whoever runs it to set "
                "DYNAMO_CERTIFICATE_KEY.",
            )
        return self._key

    def _render(self, report: Report, issue: Issue, thumbnails: dict[str, bytes]) -> bytes:
        # The PDF library takes a second to import: with the first certificate, not with the API.
        from documents.certificate.render import render_pdf

        return sign(render_pdf(report, issue, thumbnails), self.key())
