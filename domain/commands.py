"""What a site owner can have a charge point do, outside of any commissioning."""

from dataclasses import dataclass
from enum import StrEnum

from domain.operations import Reply, ResetKind


class CommandName(StrEnum):
    """What is to be done."""

    AVAILABILITY = "availability"
    UNLOCK = "unlock"
    RESET = "reset"
    START = "start"
    STOP = "stop"


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """Input of CommandWorkflow; what a command needs is there. ``command_id`` is its intent."""

    command_id: str
    charge_point_id: str
    name: CommandName
    connector_id: int = 0
    operative: bool = True
    kind: ResetKind = ResetKind.SOFT
    id_tag: str = ""
    transaction_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandResult:
    """How the charge point took it; ``reply`` None: it was not sent, and ``detail`` says why."""

    reply: Reply | None
    detail: str | None = None
