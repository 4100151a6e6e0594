"""Where the database is: ``DYNAMO_DATABASE_URL``, as people and cloud providers write it.

A PostgreSQL URL may begin with ``postgresql://``, ``postgres://`` or ``postgresql+asyncpg://`` and
have libpq's parameters (https://www.postgresql.org/docs/current/libpq-connect.html). asyncpg reads
most of them itself, ``sslmode`` and its certificates too, out of a DSN.
"""

import os
import re
import ssl
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

_SQLITE: Final = "sqlite+aiosqlite:///"
_POSTGRESQL: Final = re.compile(r"postgres(?:ql)?(?:\+asyncpg)?://")
_PARTS: Final = re.compile(r"(?P<authority>[^/?#]*)(?:/(?P<database>[^?#]*))?(?:\?(?P<query>.*))?")
_HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:\[\]@/]*)(?::(?P<port>[0-9]{1,5}))?")
_HIGHEST_PORT: Final = 65535

_READ_BY_ASYNCPG: Final = {
    *("host", "port", "dbname", "user", "password", "passfile", "service", "options"),
    *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs"),
    *("krbsrvname", "gsslib", "application_name"),
}
_SPELLED_OTHERWISE: Final = {"database": "dbname", "ssl": "sslmode"}
# Of libpq's own socket and library: without them the connection is no less safe.
_WITHOUT_EFFECT: Final = {
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "gssencmode", "sslcompression", "sslsni", "client_encoding"),
    "fallback_application_name",
}
_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_CONNECT_SECONDS: Final = 10.0


class AddressError(ValueError):
    """The URL cannot be used; the text says what to change, and holds no part of the password."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A SQLite file, or a PostgreSQL database with all that asyncpg needs to get there."""

    said: str
    """For people: ``host:port/database``, or the path of the file."""
    engine_url: str
    """What SQLAlchemy makes its engine of."""
    dsn: str | None = None
    connect_seconds: float = _CONNECT_SECONDS
    system_certificates: bool = False
    files: tuple[tuple[str, str], ...] = ()
    """Parameters that name a file, and the files."""
    names_itself: bool = False
    """Whether ``application_name`` is in the URL."""

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.dsn is None

    def connect_arguments(self) -> dict[str, Any]:
        """Return what asyncpg's ``connect`` takes."""
        arguments: dict[str, Any] = {"dsn": self.dsn, "timeout": self.connect_seconds}
        if self.system_certificates:
            arguments["ssl"] = ssl.create_default_context()
        return arguments

    def missing_files(self) -> list[str]:
        """Certificates and keys of the URL that cannot be read, each with its parameter."""
        return [f"{name}={path}" for name, path in self.files if not os.access(path, os.R_OK)]


def read_address(url: str) -> Address:
    """Read a URL.

    Raises:
        AddressError: it is no URL of a database that we know.

    """
    if url.startswith(_SQLITE):
        return Address(said=url.removeprefix(_SQLITE), engine_url=url)
    scheme = _POSTGRESQL.match(url)
    if scheme is None:
        raise AddressError(
            "it begins with postgresql:// or sqlite+aiosqlite:///, "
            "such as postgresql://user:password@host/dynamo"
        )
    parts = _PARTS.fullmatch(url, scheme.end())
    user, at, hosts = parts["authority"].rpartition("@") if parts else ("", "", "")
    if parts is None or not _are_hosts(hosts):
        raise AddressError(
            "it is no URL: special characters of the user and the password are percent-encoded "
            "(/ is %2F, @ is %40, # is %23, ? is %3F), and a port is a number up to 65535"
        )
    query = _parameters(parts["query"] or "")
    name, colon, password = user.partition(":")
    database = unquote(parts["database"] or "")
    if not (database or "dbname" in query or "service" in query):
        raise AddressError("it names no database, such as postgresql://user:password@host/dynamo")
    system = query.get("sslrootcert") == "system"
    if system:
        query["sslmode"] = "verify-full"  # as libpq has it
        del query["sslrootcert"]
    seconds = query.pop("connect_timeout", "")
    authority = f"{_quoted(name)}{colon}{_quoted(password)}{at}{hosts}"
    where = hosts or query.get("host", "the local socket")
    return Address(
        said=f"{_with_port(where)}/{database or query.get('dbname', '')}",
        engine_url="postgresql+asyncpg://",
        dsn=f"postgresql://{authority}/{quote(database)}?{urlencode(query)}".rstrip("?"),
        connect_seconds=float(seconds)
        if seconds.isdecimal() and int(seconds)
        else _CONNECT_SECONDS,
        system_certificates=system,
        files=tuple((name, query[name]) for name in _FILES if name in query),
        names_itself="application_name" in query,
    )


def _are_hosts(text: str) -> bool:
    matches = [_HOST.fullmatch(one) for one in text.split(",")]
    return all(
        one is not None and int(one["port"] or 1) in range(1, _HIGHEST_PORT + 1) for one in matches
    )


def _parameters(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for written, value in parse_qsl(query, keep_blank_values=True):
        name = _SPELLED_OTHERWISE.get(written, written)
        if name == "channel_binding" and value == "require":
            raise AddressError(
                "channel_binding=require is not supported. Leave it out, and use "
                "sslmode=verify-full, which makes sure of the server, too"
            )
        if name == "sslmode" and value not in _SSL_MODES:
            raise AddressError(f"{written} is one of {', '.join(_SSL_MODES)}")
        if name in _READ_BY_ASYNCPG or name == "connect_timeout":
            if value:
                found[name] = value
        elif name not in _WITHOUT_EFFECT and name != "channel_binding":
            raise AddressError(
                f"the parameter {name[:40]!r} is not known. Known are those of libpq, such as "
                "sslmode, sslrootcert, connect_timeout, application_name and options"
            )
    return found


def _quoted(text: str) -> str:
    return quote(unquote(text), safe="")


def _with_port(hosts: str) -> str:
    """Add the port that is meant where none is written."""
    if "," in hosts or hosts.startswith("/") or re.search(r":[0-9]+$", hosts.rpartition("]")[2]):
        return hosts
    return f"{hosts}:5432" if hosts != "the local socket" else hosts
