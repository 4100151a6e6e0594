"""Who owns a charge point, and what an owner has to know and may ask for."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.facts import ConnectionFact, RefusedAttempt, Snapshot
from domain.operations import DesiredParameter


@dataclass(frozen=True, kw_only=True, slots=True)
class Whereabouts:
    """The present connection, if any; else when it was last seen and why it was last refused."""

    connection: ConnectionFact | None
    last_seen_at: datetime | None = None
    last_refusal: RefusedAttempt | None = None
    withdrawn: bool = False
    """Out of its project; it will not come back by itself."""
    contested: str | None = None
    """What to do about it, where several links speak as the charge point."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Restart:
    """The one restart that chosen values may bring about because they count only after one.

    The intent is that of these values as they were chosen: a value that is chosen anew, were it
    the same, makes another. ``told_at`` is when the charge point was told to restart for it.
    """

    intent: str
    keys: tuple[str, ...]
    told_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The workflow that owns a charge point.

    Every run of a charge point has the same ``workflow_id``; ``execution``, Temporal's run id,
    tells one from the next.
    """

    workflow_id: str
    execution: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Ownership of a charge point for a configuration push, and all that the push needs to know.

    ``busy_with`` names the workflow that owns it instead; ``restart`` is wanted by values that the
    charge point has taken and that do not count yet.
    """

    busy_with: str | None
    whereabouts: Whereabouts
    snapshot: Snapshot = field(default_factory=Snapshot)
    desired: tuple[DesiredParameter, ...] = ()
    restart: Restart | None = None

    @property
    def restarted_for(self) -> tuple[str, ...]:
        """Keys whose values would count by now: the charge point has restarted for them."""
        restart, boot = self.restart, self.snapshot.boot
        if restart is None or restart.told_at is None or boot is None:
            return ()
        return restart.keys if boot.at > restart.told_at else ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """Gives a charge point back after a push.

    ``note`` is kept with the values that wait for a restart; ``restart_due`` says that the restart
    waits until nobody charges.
    """

    charge_point_id: str
    note: str | None = None
    restart_due: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """Answer of giving a charge point back; ``configuration_queued``: values wait for a push."""

    configuration_queued: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RebootRequest:
    """Asks for a slot to restart a charge point; the intent is that of the restart."""

    charge_point_id: str
    intent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RebootWait:
    """How long to wait for the slot: zero for a charge point that is alone in its project."""

    wait: timedelta
