"""URLs of databases as people and cloud providers write them, and TLS against a real server."""

import datetime as dt
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import make_url, text

from domain.starting import MistakeError
from storage.address import AddressError, read_address
from storage.arrival import reach
from storage.engine import Database
from tests.support.postgres import WITH_PASSWORD
from tests.support.tls_relay import Relay, tls_relay

PASSWORD = "p@ss/w%rd#?"
QUOTED = "p%40ss%2Fw%25rd%23%3F"


@pytest.mark.parametrize(
    ("url", "said", "dsn"),
    [
        ("postgres://u:p@db/d", "db:5432/d", "postgresql://u:p@db/d"),
        ("postgresql://u:p@db:6432/d", "db:6432/d", "postgresql://u:p@db:6432/d"),
        (
            "postgresql+asyncpg://u@db/d?ssl=require",
            "db:5432/d",
            "postgresql://u@db/d?sslmode=require",
        ),
        (
            "postgres://u:p@ep-1.neon.example/d?sslmode=require&channel_binding=prefer",
            "ep-1.neon.example:5432/d",
            "postgresql://u:p@ep-1.neon.example/d?sslmode=require",
        ),
        (
            "postgresql://u:p@a:1,b:2/d?target_session_attrs=read-write&keepalives_idle=30",
            "a:1,b:2/d",
            "postgresql://u:p@a:1,b:2/d?target_session_attrs=read-write",
        ),
        (
            "postgresql:///d?host=/cloudsql/p:r:i&user=u",
            "/cloudsql/p:r:i/d",
            "postgresql:///d?host=%2Fcloudsql%2Fp%3Ar%3Ai&user=u",
        ),
        ("postgresql://u:p@[::1]:5433/d", "[::1]:5433/d", "postgresql://u:p@[::1]:5433/d"),
        ("postgresql://u:a@b@db/d", "db:5432/d", "postgresql://u:a%40b@db/d"),
        (
            "postgresql://u:p@db/d?connect_timeout=3&options=-c%20search_path%3Ds",
            "db:5432/d",
            "postgresql://u:p@db/d?options=-c+search_path%3Ds",
        ),
    ],
)
def test_it_is_read_as_it_is_meant(url: str, said: str, dsn: str) -> None:
    address = read_address(url)
    assert (address.said, address.dsn) == (said, dsn)
    assert address.connect_seconds == (3 if "connect_timeout" in url else 10)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://u:secret@db/d", "it begins with postgresql://"),
        ("postgresql://u:sec/ret@db/d", "percent-encoded"),
        ("postgresql://u:sec#ret@db/d", "percent-encoded"),
        ("postgresql://u:secret@db:99999/d", "up to 65535"),
        ("postgresql://u:secret@db/", "names no database"),
        ("postgresql://u:secret@db/d?sslmode=yes", "sslmode is one of"),
        ("postgresql://u:secret@db/d?channel_binding=require", "sslmode=verify-full"),
        ("postgresql://u:secret@db/d?schema=public", "'schema' is not known"),
    ],
)
def test_what_cannot_be_is_said_without_the_password(url: str, sentence: str) -> None:
    with pytest.raises(AddressError) as caught:
        read_address(url)
    assert sentence in str(caught.value)
    assert "ret" not in str(caught.value).replace("percent", "")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "database")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
async def relay(postgresql_server_url: str, certificate: Path) -> AsyncIterator[Relay]:
    port = make_url(postgresql_server_url).port
    assert port is not None
    async with tls_relay(port, certificate) as running:
        yield running


async def name_at(url: str) -> str:
    """Connect, and return the name by which the server knows us."""
    database = Database(url, application_name="dynamo-test")
    try:
        await reach(database)
        async with database.read() as connection:
            return str(await connection.scalar(text("SHOW application_name")))
    finally:
        await database.close()


@pytest.mark.parametrize(
    "query",
    [
        "sslmode=require",
        "ssl=require",
        "sslmode=verify-ca&sslrootcert={certificate}",
        "sslmode=verify-full&sslrootcert={certificate}",
        "sslmode=require&keepalives=1&connect_timeout=5",
    ],
)
async def test_sslmode_encrypts(query: str, relay: Relay, certificate: Path) -> None:
    url = f"postgres://postgres@127.0.0.1:{relay.port}/postgres?"
    assert await name_at(url + query.format(certificate=certificate)) == "dynamo-test"
    assert (relay.encrypted, relay.plain) == (1, 0)


async def test_without_tls_where_it_is_not_wanted(relay: Relay) -> None:
    url = f"postgresql://postgres@127.0.0.1:{relay.port}/postgres"
    assert await name_at(f"{url}?sslmode=disable&application_name=mine") == "mine"
    assert (relay.encrypted, relay.plain) == (0, 1)


async def test_a_server_that_nobody_vouches_for_is_refused(relay: Relay) -> None:
    url = f"postgres://postgres@127.0.0.1:{relay.port}/postgres"
    with pytest.raises(MistakeError, match=r"sslmode do not fit: .*certificate verify failed"):
        await name_at(f"{url}?sslmode=verify-full&sslrootcert=system")


async def test_a_password_with_special_characters(postgresql_server_url: str) -> None:
    database = Database(postgresql_server_url)
    async with database.write() as connection:
        await connection.execute(text(f"DROP ROLE IF EXISTS {WITH_PASSWORD}"))
        await connection.execute(text(f"CREATE ROLE {WITH_PASSWORD} LOGIN PASSWORD '{PASSWORD}'"))
    await database.close()
    url = postgresql_server_url.replace("postgres@", f"{WITH_PASSWORD}:{{}}@")
    assert await name_at(url.format(QUOTED)) == "dynamo-test"
    with pytest.raises(MistakeError, match="refuses the user or the password") as caught:
        await name_at(url.format("something-else"))
    assert "something-else" not in str(caught.value)
