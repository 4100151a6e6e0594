"""The signing key, and rendering under it."""

import asyncio
from pathlib import Path

from pydantic import SecretStr

from documents.keys import PublicKey, seed_from_hex
from documents.signer import Signer, read_signer
from domain.certificates import Issue, Report
from domain.errors import EngineError


class CertificateKeyMissingError(EngineError):
    """The engine has no key to sign certificates with."""

    status = 501
    title = "No key for certificates"


class Issuing:
    """Holds the signing key, and renders one certificate at a time: that costs a processor.

    The key is that of ``file``, else the one of the seed.
    """

    def __init__(self, seed: SecretStr | None, file: Path | None = None) -> None:
        if file is not None:
            self._signer: Signer | None = read_signer(file)
        elif seed is not None:
            self._signer = Signer.from_seed(seed_from_hex(seed.get_secret_value()))
        else:
            self._signer = None
        self._turn = asyncio.Semaphore(1)

    @property
    def public_key(self) -> PublicKey | None:
        """The public half of the key that signs now; None where there is none."""
        return None if self._signer is None else self._signer.public

    async def render(self, report: Report, issue: Issue, thumbnails: dict[str, bytes]) -> bytes:
        """Render and sign."""
        async with self._turn:
            return await asyncio.to_thread(self._render, report, issue, thumbnails)

    def certificate_chain(self) -> tuple[bytes, ...]:
        """The certificate of the key that signs now, then those of its issuers, as DER."""
        return () if self._signer is None else self._signer.chain

    def signer(self) -> Signer:
        """Who signs now.

        Raises:
            CertificateKeyMissingError: ``certificate_key_missing``.

        """
        if self._signer is None:
            raise CertificateKeyMissingError(
                "certificate_key_missing",
                "This engine has no key to sign certificates with. Ask whoever runs it to set "
                "DYNAMO_CERTIFICATE_KEY.",
            )
        return self._signer

    def _render(self, report: Report, issue: Issue, thumbnails: dict[str, bytes]) -> bytes:
        # The PDF library takes a second to import: with the first certificate, not with the API.
        from documents.certificate.render import render_pdf
        from documents.signing import sign

        return sign(render_pdf(report, issue, thumbnails), self.signer())
