"""Keys of certificates are read as they are published, and nothing else is."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from documents.keys import KeyFileError, read_keys, seed_from_hex
from documents.signer import Signer
from tests.documents.trailer import TrailerKey

KEY = Signer.from_seed(seed_from_hex("8f" * 31 + "01"))
OLD = TrailerKey("8f" * 31 + "01")


def test_keys_are_read_as_they_are_published() -> None:
    published = json.dumps({"keys": [KEY.public.jwk(), OLD.public.jwk()]})
    both = [KEY.public, OLD.public]
    assert read_keys(published) == both
    assert read_keys(KEY.public.pem() + OLD.public.pem()) == both
    for key in both:
        assert read_keys(json.dumps(key.jwk())) == read_keys(key.hex) == [key]


def test_a_key_of_another_kind_is_passed_over() -> None:
    newer = {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}
    assert read_keys(json.dumps({"keys": [newer, KEY.public.jwk()]})) == [KEY.public]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"keys": []}',
        '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]}',
        '{"keys": [{"kty": "EC", "crv": "P-256", "x": "AAAA"}]}',
        json.dumps(KEY.public.jwk() | {"y": KEY.public.jwk()["x"]}),  # on no curve
        '{"keys": 3}',
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        generate_private_key(SECP384R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        "ab",
        "{" * 100_000,
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(KeyFileError):
        read_keys(text)
