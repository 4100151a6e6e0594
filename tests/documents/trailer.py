"""Signs a PDF as older engines did, with a trailer behind its end."""

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from documents.keys import PublicKey, seed_from_hex, trailer_key


class TrailerKey:
    """An Ed25519 key, by its seed in hex."""

    def __init__(self, seed: str) -> None:
        self._seed = seed_from_hex(seed)

    @property
    def public(self) -> PublicKey:
        return trailer_key(self._seed)

    def sign(self, pdf: bytes) -> bytes:
        """Append the trailer."""
        key = Ed25519PrivateKey.from_private_bytes(self._seed)
        signature = base64.b64encode(key.sign(b"dynamo-certificate-signature-1\n" + pdf))
        lines = (
            b"%DYNAMO-CERTIFICATE-SIGNATURE 1",
            b"%key " + self.public.id.encode(),
            b"%ed25519 " + signature,
            b"%%EOF",
            b"",
        )
        return pdf + b"\n".join(lines)
