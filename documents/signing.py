"""Signs a PDF as readers show it: PAdES baseline B-B (ETSI EN 319 142-1), over the whole file.

The library takes half a second to import: import this where something is signed.
"""

import logging
from io import BytesIO
from typing import Any, Final

from asn1crypto.keys import PrivateKeyInfo
from asn1crypto.x509 import Certificate
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from documents.signer import Signer

_FIELD: Final = "Signature"
_METADATA: Final = PdfSignatureMetadata(
    field_name=_FIELD,
    md_algorithm="sha256",
    subfilter=SigSeedSubFilter.PADES,
    # A reader that finds anything appended says so, too.
    certify=True,
    docmdp_permissions=MDPPerm.NO_CHANGES,
)
logging.getLogger("pyhanko").setLevel(logging.WARNING)


def sign(pdf: bytes, signer: Signer) -> bytes:
    """Sign a PDF with its last bytes; not to be called where an event loop runs."""
    issuers = [Certificate.load(one) for one in signer.chain[1:]]
    store = SimpleCertificateStore.from_certs(issuers)  # type: ignore[no-untyped-call]
    signs = SimpleSigner(
        signing_cert=Certificate.load(signer.chain[0]),
        signing_key=PrivateKeyInfo.load(signer.private_der()),
        cert_registry=store,
    )
    signed = _Signer(_METADATA, signs, new_field_spec=SigFieldSpec(_FIELD)).sign_pdf(
        _Writer(BytesIO(pdf))
    )
    return bytes(signed.getbuffer())


class _Writer(IncrementalPdfFileWriter):
    """Leaves the metadata as they are: they tell the moment that the document is of."""

    def _update_meta(self) -> None: ...


class _Signer(PdfSigner):
    """Declares no extension: P-256 is one of PDF 2.0, and PDF/A-2 stands on 1.7."""

    def register_extensions(self, *_: Any, **__: Any) -> None: ...
