"""What a version of OCPP is, to all that is not it: one object for each connection.

Whoever adds a version writes a package beside ``v16`` that makes an :class:`OcppProtocol`, and
names it in :mod:`ocpp_server.protocols`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from domain import operations as op
from domain.habits import ConfigurationReading
from domain.offline import LocalListUpdated
from domain.power import operations as power
from ocpp_server.dispatch import Payload, Routes
from ocpp_server.frames import ErrorCode, Frame
from ocpp_server.restarts import AwaitedRestarts
from ocpp_server.schemas import Schema
from storage.local_lists import WantedList

if TYPE_CHECKING:
    from ocpp_server.session import Session

Order = (
    op.Trigger
    | op.ChangeAvailability
    | op.UnlockConnector
    | op.StartTestTransaction
    | op.StopTestTransaction
    | op.UpdateFirmware
    | op.Reset
    | op.CollectLogs
)
"""What a charge point is told to do, and answers by how it took it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A message of the charge point that follows a command."""

    action: str
    is_it: Callable[[Payload], bool] | None = None
    """Looks at the payload, as it was read; None: any is it. Of one that comes in parts, this may
    gather them, and the last is it."""


@dataclass(slots=True)
class Reading:
    """How a configuration is read."""

    widest: ConfigurationReading
    """The widest question that is answered well, as far as is known; whoever reads narrows it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What became of the parameters, and what was read of the configuration on the way."""

    outcome: op.ConfigurationOutcome
    reported: op.Configuration = field(default_factory=lambda: op.Configuration(keys=()))


class Operations(Protocol):
    """Translates operations into messages.

    All raise ChargePointGoneError when the socket closes; what is read of a configuration raises
    BadAnswerError when it is not answered, or not well.
    """

    def follows(self, trigger: op.Trigger) -> Expected:
        """Say in which message that comes which was asked for."""

    async def tell(self, session: "Session", order: Order) -> op.Outcome:
        """Tell it, once."""

    async def read_configuration(
        self, session: "Session", request: op.ReadConfiguration
    ) -> op.Configuration:
        """Read these keys, or all of them."""

    async def apply_configuration(
        self,
        session: "Session",
        request: op.ApplyConfiguration,
        restarts: AwaitedRestarts,
        reading: Reading,
    ) -> Applied:
        """Bring the parameters to their values, as far as the charge point lets it."""


class PowerLimits(Protocol):
    """Translates limits of power. All raise ChargePointGoneError when the socket closes."""

    async def limit_station(
        self, session: "Session", request: power.LimitStation
    ) -> power.StationLimited:
        """Limit the charge point, then read back what it makes of it."""

    async def limit_transaction(
        self, session: "Session", limit: power.ConnectorLimit
    ) -> op.Outcome:
        """Limit one transaction."""

    async def lift_limits(self, session: "Session", request: power.LiftLimits) -> op.Outcome:
        """Clear what was set; what is not there counts as cleared."""


class OfflineLists(Protocol):
    """Translates lists of id tags. All raise ChargePointGoneError when the socket closes."""

    async def update_local_list(
        self,
        session: "Session",
        wanted: WantedList,
        reading: Reading,
        keys: dict[str, str | None],
    ) -> LocalListUpdated:
        """Set the keys that it needs, and send what differs; ``keys`` gets those that are known."""

    async def clear_local_list(self, session: "Session", *, version: int) -> bool:
        """Empty the list, which has that version; tells whether the charge point said so."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OcppProtocol:
    """One version. Schemas of requests, with their lenient readers, stand in the routes."""

    version: str
    """As rows and the API name it."""
    subprotocol: str
    name: str
    """As it is to be chosen in the settings of a charge point."""
    routes: Routes
    answer_schema: Callable[[str], Schema]
    """The schema of the answer to an action."""
    frame_types: Mapping[int, Callable[[list[Any]], Frame]]
    """How frames are read that not every version has, by their message types; none may raise."""
    error_codes: Mapping[ErrorCode, str]
    replies: Mapping[str, op.Reply]
    """What the words mean by which a charge point says how it took a command."""
    repeated: frozenset[str]
    """Actions that one who waits says for weeks: the same again is a count in a log."""
    question: tuple[str, Payload]
    """What any charge point answers, were it with an error."""
    operations: Operations
    limits: PowerLimits
    lists: OfflineLists


Protocols = Mapping[str, OcppProtocol]
"""Those that a node speaks by their subprotocols; the first that a charge point offers is taken."""
