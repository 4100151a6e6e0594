"""Every setting of the engine, read from environment variables with the prefix ``DYNAMO_``.

Temporal's own connection (``TEMPORAL_ADDRESS``, ``TEMPORAL_NAMESPACE``, TLS, API key) is read by
the SDK's client configuration, not here.
"""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of every process. Times are ISO 8601 durations or seconds."""

    model_config = SettingsConfigDict(env_prefix="DYNAMO_", frozen=True, extra="ignore")

    data_dir: Path = Field(default=Path(".dynamo"), description="Where `dynamo up` keeps its files")
    database_url: str = Field(
        default="",
        description="SQLAlchemy URL (sqlite+aiosqlite:///…, postgresql+asyncpg://…); "
        "empty: a SQLite file in the data directory",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="Signs tokens and hashes keys, 32 characters or more; on the embedded default "
        "one is made once and kept in the data directory",
    )
    api_host: str = Field(default="127.0.0.1", description="Address the API listens on")
    api_port: int = Field(
        default=8000, ge=0, le=65535, description="Port of the API; 0: a free one"
    )
    ocpp_host: str = Field(default="127.0.0.1", description="Address the OCPP server listens on")
    ocpp_port: int = Field(
        default=9000, ge=0, le=65535, description="Port of the OCPP server; 0: a free one"
    )
    public_api_url: str = Field(
        default="http://127.0.0.1:8000", description="Base of the links in mails"
    )
    public_ocpp_url: str = Field(
        default="ws://127.0.0.1:9000", description="Base of the `ocpp_endpoint` given to chargers"
    )
    token_lifetime: timedelta = Field(
        default=timedelta(hours=24), description="How long a bearer token is valid"
    )
    invitation_lifetime: timedelta = Field(
        default=timedelta(days=7), description="How long an invitation can be accepted"
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="smtp://user:password@host:port or smtps://…; "
        "empty: mails become .eml files in the data directory",
    )
    mail_from: str = Field(
        default="Dynamo <no-reply@dynamo.invalid>", description="Sender of the mails"
    )
    boot_retry_interval: int = Field(
        default=10, ge=1, description="Seconds a charge point waits after a Pending boot reply"
    )
    heartbeat_interval: int = Field(
        default=60, ge=5, description="Seconds between heartbeats, told in an Accepted boot reply"
    )
    call_timeout: timedelta = Field(
        default=timedelta(seconds=20), description="How long a charge point may take to answer"
    )
    log_level: str = Field(default="info", description="debug, info, warning or error")

    @property
    def resolved_database_url(self) -> str:
        """The database URL, or the SQLite file of the data directory."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.resolve()}/engine.sqlite3"
