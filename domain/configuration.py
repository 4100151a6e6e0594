"""Contracts of the configuration and the connection-test workflow."""

from dataclasses import dataclass

from domain.operations import ParameterOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationRequest:
    """Input of ConfigurationWorkflow: push the stored values of a connected charge point now.

    ``restart``: the charge point may be restarted, once, for values that count after a restart.
    """

    charge_point_id: str
    restart: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PushNow:
    """Update of ConfigurationWorkflow: somebody waits for what becomes of the values."""

    restart: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationResult:
    """Outcome of a push. ``reason`` says why nothing was pushed (charge point away or busy)."""

    pushed: bool
    parameters: tuple[ParameterOutcome, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionTestRequest:
    """Input of ConnectionTestWorkflow."""

    charge_point_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionTest:
    """Result of ConnectionTestWorkflow. ``reason`` says in words why it is not connected.

    ``identity`` is the name that it tries, where nobody has that and it can be claimed.
    """

    connected: bool
    latency_ms: float | None = None
    ocpp_version_negotiated: str | None = None
    reason: str | None = None
    identity: str | None = None
