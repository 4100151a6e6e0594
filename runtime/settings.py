"""Every setting of the engine, read from environment variables with the prefix ``DYNAMO_``.

Temporal's own connection (``TEMPORAL_ADDRESS``, ``TEMPORAL_NAMESPACE``, TLS, API key) is read by
the SDK's client configuration, not here.
"""

import hmac
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.billing.calendar import is_time_zone
from domain.proxies import Network, read_networks
from domain.retention import Ages
from storage.address import read_address

_SECRET_CHARACTERS = 32
_ORIGIN = r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?"
_SEED, _SEED_VARIETY = r"[0-9a-fA-F]{64}", 8  # fewer different digits: typed by hand


def _seconds(value: object) -> object:
    """Read a plain number as seconds; pydantic itself takes ISO 8601 (``PT5S``)."""
    try:
        return timedelta(seconds=float(value)) if isinstance(value, str) else value
    except (ValueError, OverflowError):
        return value


Duration = Annotated[timedelta, BeforeValidator(_seconds)]


def _origins(value: object) -> object:
    """Read a list with commas."""
    if not isinstance(value, str):
        return value
    return tuple(one.strip().rstrip("/") for one in value.split(",") if one.strip())


def _networks(value: object) -> object:
    """Read a list with commas."""
    try:
        return read_networks(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(
            f"it is a list of IP addresses and networks, such as 10.0.0.5,192.0.2.0/24: {error}"
        ) from error


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)]


def _fingerprint(key: str) -> str:
    return hmac.digest(key.encode(), b"dynamo fingerprint of a key", "sha256").hex()[:16]


class SecretMissingError(Exception):
    """``DYNAMO_SECRET_KEY`` is missing; the process cannot start."""


class Settings(BaseSettings):
    """Settings of every process. Times are ISO 8601 durations or seconds."""

    model_config = SettingsConfigDict(
        env_prefix="DYNAMO_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # a value that is refused may hold a password
    )

    data_dir: Path = Field(default=Path(".dynamo"), description="Where `dynamo up` keeps its files")
    database_url: str = Field(
        default="",
        description="postgresql://user:password@host/dynamo, with the parameters of libpq such as "
        "sslmode, or sqlite+aiosqlite:///…; `dynamo up` alone does without it, with a SQLite file "
        "in the data directory",
    )
    database_pool_size: int = Field(
        default=5,
        ge=1,
        le=200,
        description="Connections to PostgreSQL that a process keeps; it opens as many more under "
        "load, so it needs at most twice this",
    )
    database_application_name: str = Field(
        default="",
        max_length=63,
        description="What PostgreSQL shows in pg_stat_activity; empty: dynamo and the process, "
        "such as dynamo-worker",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="Signs tokens and hashes keys, 32 characters or more; on the embedded default "
        "one is made once and kept in the data directory",
    )
    certificate_key: SecretStr | None = Field(
        default=None,
        description="Seed of the P-256 key that signs certificates, 64 hexadecimal digits, for "
        "the API alone; on the embedded default one is made once and kept in the data directory",
    )
    certificate_signer: Path | None = Field(
        default=None,
        description="PEM file with a P-256 private key, its X.509 certificate and those of its "
        "issuers, to sign certificates with instead; empty: the key of the seed, whose certificate "
        "is self-signed, so that PDF readers show an unknown signer",
    )
    api_host: str = Field(default="127.0.0.1", description="Address the API listens on")
    api_port: int = Field(
        default=8000, ge=0, le=65535, description="Port of the API; 0: a free one"
    )
    ocpp_host: str = Field(default="127.0.0.1", description="Address the OCPP server listens on")
    ocpp_port: int = Field(
        default=9000, ge=0, le=65535, description="Port of the OCPP server; 0: a free one"
    )
    worker_host: str = Field(
        default="127.0.0.1", description="Address that the worker's probe listens on"
    )
    worker_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port of the worker's `/health/live` and `/health/ready`; 0: a free one; "
        "empty: no probe",
    )
    public_api_url: str = Field(
        default="http://127.0.0.1:8000",
        description="Base of the links in mails, in QR codes of certificates, and of those that "
        "operators see",
    )
    temporal_ui_url: str = Field(
        default="", description="Base of the links from one workflow to another that operators see"
    )
    public_ocpp_url: str = Field(
        default="ws://127.0.0.1:9000", description="Base of the `ocpp_endpoint` given to chargers"
    )
    token_lifetime: Duration = Field(
        default=timedelta(hours=24), description="How long a bearer token is valid"
    )
    invitation_lifetime: Duration = Field(
        default=timedelta(days=7), description="How long an invitation can be accepted"
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="smtp://user:password@host:port or smtps://…; "
        "empty: mails become .eml files in the data directory",
    )
    email_verification: Literal["off", "required"] = Field(
        default="off",
        description="`required`: an installer who has signed up reaches nobody (mails, "
        "invitations, webhooks, streams) until a mail has shown that the address is theirs, and it "
        "needs DYNAMO_SMTP_URL; `off`: whoever can reach the API and sign up is trusted, "
        "with quotas until then",
    )
    mail_from: str = Field(
        default="Dynamo <no-reply@dynamo.invalid>", description="Sender of the mails"
    )
    mail_invitations_per_day: int = Field(
        default=30,
        ge=1,
        description="Invitations that an account sends in a day; a third of it until somebody has "
        "accepted one of its invitations",
    )
    mail_invitations_to_address: int = Field(
        default=10,
        ge=1,
        description="Invitations in a day to one address that has not accepted one of that account "
        "before: of an account of which somebody has accepted one, and of all others together, of "
        "whom each has one left beyond",
    )
    mail_notices_per_hour: int = Field(
        default=12,
        ge=1,
        description="Notices, such as verdicts, that go to one address in an hour as a mail each; "
        "more are gathered into one, fifteen minutes later",
    )
    mail_notices_per_day: int = Field(
        default=60,
        ge=1,
        description="The same in a day; more are gathered into one, four hours later",
    )
    catalogue_dir: Path | None = Field(
        default=None,
        description="Directory of catalogue files (`*.toml`) that go before the ones installed "
        "with the engine",
    )
    firmware_url: str = Field(
        default="",
        description="Base of the firmware images that the catalogue names without a scheme; "
        "charge points fetch them there",
    )
    time_zone: str = Field(
        default="UTC",
        description="IANA name of the time zone of projects that name none, such as Europe/London",
    )
    boot_retry_interval: int = Field(
        default=10, ge=1, description="Seconds a charge point waits after a Pending boot reply"
    )
    heartbeat_interval: int = Field(
        default=60, ge=5, description="Seconds between heartbeats, told in an Accepted boot reply"
    )
    call_timeout: Duration = Field(
        default=timedelta(seconds=20), description="How long a charge point may take to answer"
    )
    charge_point_daily_bytes: int = Field(
        default=10_000_000,
        ge=100_000,
        description="Bytes of the database that one charge point may have written a day (UTC) by "
        "readings, boots and entries of its log, once more in a run; beyond it less is kept",
    )
    reboot_stagger: Duration = Field(
        default=timedelta(seconds=15),
        ge=timedelta(0),
        description="Time between two restarts of charge points of one project",
    )
    keep_frames: Duration = Field(
        default=timedelta(days=90),
        ge=timedelta(days=1),
        description="How long the frames of a run stay in its log; those that its certificate may "
        "show always do",
    )
    keep_log: Duration = Field(
        default=timedelta(days=365),
        ge=timedelta(days=1),
        description="How long steps, verdicts, notes and warnings stay in the log, and commands "
        "with their answers; the run's record, with the evidence of each check, always does",
    )
    thin_meter_values_after: Duration = Field(
        default=timedelta(days=396),
        ge=timedelta(days=1),
        description="After how long, 13 months unless it is set, meter values are thinned to one "
        "in five minutes; those of sessions that a verdict or a bill rests on, and signed ones, "
        "never are",
    )
    keep_personal_data: Duration = Field(
        default=timedelta(days=1095),
        ge=timedelta(days=30),
        description="How long, three years unless it is set, a project that is over (archived, "
        "removed, or its owner's account deleted) keeps what it holds of people, and a session the "
        "id tag of its driver, at live sites too; certificates and records of what was billed stay",
    )
    keep_boots: int = Field(
        default=1000, ge=1, description="Boots of each charge point that stay, the newest"
    )
    keep_reports: int = Field(
        default=1000,
        ge=1,
        description="Statuses of firmware, diagnostics and security of each charge point that stay "
        "in its log, the newest",
    )
    allow_private_urls: bool = Field(
        default=False,
        description="Lets URLs of customers, such as webhooks, use http:// and private addresses; "
        "never where strangers have accounts",
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="Addresses and networks of the proxies in front of the API and the OCPP "
        "servers, with commas between them, such as 10.0.0.5,192.0.2.0/24: the source address that "
        "they tell in X-Forwarded-For or Forwarded (RFC 7239) is believed, and nobody else's; "
        "empty: none",
    )
    cors_origins: Origins = Field(
        default=(),
        description="Origins of web pages that may call the API from a browser, with commas "
        "between them, such as https://app.example.com; `*`: every one; empty: none",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error"
    )

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < _SECRET_CHARACTERS:
            raise ValueError(f"it needs {_SECRET_CHARACTERS} characters or more")
        return key

    @field_validator("certificate_key")
    @classmethod
    def _a_seed(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None or not key.get_secret_value():
            return None
        text = key.get_secret_value()
        if not re.fullmatch(_SEED, text) or len(set(text.lower())) < _SEED_VARIETY:
            raise ValueError(
                "it is 64 random hexadecimal digits; make them with: openssl rand -hex 32"
            )
        return SecretStr(text.lower())

    @field_validator("certificate_signer", mode="before")
    @classmethod
    def _no_signer(cls, path: object) -> object:
        return None if path == "" else path

    @field_validator("worker_port", mode="before")
    @classmethod
    def _no_probe(cls, port: object) -> object:
        return None if port == "" else port

    @field_validator("time_zone")
    @classmethod
    def _known_time_zone(cls, name: str) -> str:
        if not is_time_zone(name):
            raise ValueError("it is a name of the IANA list, such as Europe/London")
        return name

    @field_validator("database_url")
    @classmethod
    def _known_driver(cls, url: str) -> str:
        if url:
            read_address(url)
        return url

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin != "*" and not re.fullmatch(_ORIGIN, origin):
                raise ValueError(
                    "it is a list of origins, each a scheme, a host and perhaps a port, such as "
                    "https://app.example.com, or * alone"
                )
        return origins

    @field_validator("email_verification")
    @classmethod
    def _can_be_mailed(cls, asked: str, info: ValidationInfo) -> str:
        if asked == "required" and "smtp_url" in info.data and info.data["smtp_url"] is None:
            raise ValueError(
                "required needs DYNAMO_SMTP_URL, or nobody gets the mail; set it for the API too"
            )
        return asked

    @field_validator("smtp_url")
    @classmethod
    def _names_a_mail_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("it looks like smtp://user:password@host:587 or smtps://…")
        return url

    @property
    def resolved_database_url(self) -> str:
        """The database URL, or the SQLite file of the data directory."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.resolve()}/engine.sqlite3"

    @property
    def ages(self) -> Ages:
        """For how long rows are kept."""
        return Ages(
            frames=self.keep_frames,
            log=self.keep_log,
            meter_values=self.thin_meter_values_after,
            boots=self.keep_boots,
            reports=self.keep_reports,
            personal=self.keep_personal_data,
        )

    def key_fingerprints(self) -> dict[str, str]:
        """A fingerprint for each setting that holds a key: it says nothing of the key."""
        keys = {
            "DYNAMO_SECRET_KEY": self.secret_key,
            "DYNAMO_CERTIFICATE_KEY": self.certificate_key,
        }
        return {
            setting: _fingerprint(key.get_secret_value())
            for setting, key in keys.items()
            if key is not None
        }

    def required_secret(self) -> str:
        """The secret key.

        Raises:
            SecretMissingError: it is not set, and there is no default anywhere.

        """
        if self.secret_key is None:
            raise SecretMissingError(
                "DYNAMO_SECRET_KEY must be set; make one with: openssl rand -hex 32"
            )
        return self.secret_key.get_secret_value()
