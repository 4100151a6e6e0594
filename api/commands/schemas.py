"""Shapes of what a site owner has charge points do, and of the sessions that run."""

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, Field

from api.access.schemas import IdTag
from api.fields import Request, Shown, Timestamp, example
from domain.commands import Command, CommandName, CommandResult
from domain.operations import Reply, ResetKind


class AvailabilityChange(Request):
    """Whether anybody can charge there."""

    model_config = example(available=False)

    available: bool


class ResetOrder(Request):
    """How to restart it."""

    model_config = example(kind="Soft")

    kind: ResetKind = Field(
        default=ResetKind.SOFT, description="`Soft`: its software; `Hard`: all of it"
    )
    stop_sessions: bool = Field(
        default=False, description="Restart it although somebody charges: their sessions end"
    )


class SessionStart(Request):
    """For whom to start a session."""

    model_config = example(id_tag="04A2B3C4D5E680")

    id_tag: IdTag


class SessionShown(Shown):
    """A session that runs."""

    model_config = example(
        transaction_id="7",
        charge_point_id="cp_01HX5P2QRSTUVWXYZ0",
        connector_id=1,
        id_tag="04A2B3C4D5E680",
        started_at="2026-05-01T10:20:00Z",
    )

    transaction_id: str
    charge_point_id: str
    connector_id: int
    id_tag: str
    started_at: Timestamp = Field(description="By the charge point's own clock")


class CommandOutcome(StrEnum):
    """How a charge point took a command."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SCHEDULED = "scheduled"
    NOT_SUPPORTED = "not_supported"
    ERROR = "error"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"
    NOT_CONNECTED = "not_connected"


_SENTENCES: Final = {
    Reply.ACCEPTED: "The charge point has accepted it.",
    Reply.REJECTED: "The charge point has refused it.",
    Reply.SCHEDULED: "The charge point does it as soon as nobody charges there any more.",
    Reply.NOT_SUPPORTED: "The charge point cannot do this.",
    Reply.ERROR: "The charge point has answered with an error: {}.",
    Reply.TIMEOUT: "The charge point has not answered in time; it may have obeyed all the same.",
}


class CommandShown(BaseModel):
    """What became of a command."""

    model_config = example(
        command_id="cmd_01HX9CMDABCDEFGHJK",
        charge_point_id="cp_01HX5P2QRSTUVWXYZ0",
        command="unlock",
        outcome="accepted",
        detail=_SENTENCES[Reply.ACCEPTED],
    )

    command_id: str
    charge_point_id: str
    command: CommandName
    outcome: CommandOutcome
    detail: str = Field(description="The same in a sentence")

    @classmethod
    def of(cls, command: Command, result: CommandResult) -> "CommandShown":
        """Show what became of it."""
        outcome = (
            CommandOutcome.NOT_CONNECTED
            if result.reply is None
            else CommandOutcome(result.reply.value)
        )
        said = (result.detail or "").rstrip(".")
        sentence = "" if result.reply is None else _SENTENCES.get(result.reply, "").format(said)
        return cls(
            command_id=command.command_id,
            charge_point_id=command.charge_point_id,
            command=command.name,
            outcome=outcome,
            detail=sentence or f"{said}.",
        )
