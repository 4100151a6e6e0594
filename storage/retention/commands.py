"""Commands that were sent long ago: nobody asks for one of a run that has ended, after a year.

Those of a charge point whose run goes on, or whose configuration waits for a restart, stay: the
step that gave the command may be done again, and must find it.
"""

from datetime import datetime

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.states import ParameterState
from storage.dialects import among
from storage.models.configuration import Parameter, SentCommand
from storage.models.runs import CommissioningRun
from storage.retention.step import ROWS, Step
from storage.rows import Rows


async def let_commands_go(connection: AsyncConnection, position: str, *, before: datetime) -> Step:
    """Let go of those that were sent earlier; no position is needed, for what goes is gone."""
    run, parameter = CommissioningRun.__table__.c, Parameter.__table__.c
    in_use = or_(
        exists()
        .where(run.charge_point_id == col(SentCommand.charge_point_id))
        .where(run.completed_at.is_(None)),
        exists()
        .where(parameter.charge_point_id == col(SentCommand.charge_point_id))
        .where(parameter.state == ParameterState.PENDING_REBOOT),
    )
    intents = await Rows(connection).values(
        select(col(SentCommand.intent))
        .where(col(SentCommand.sent_at) < before, ~in_use)
        .order_by(col(SentCommand.sent_at))
        .limit(ROWS)
    )
    if intents:
        await connection.execute(
            delete(SentCommand).where(among(connection, col(SentCommand.intent), intents))
        )
    return Step(position=position, gone=len(intents), is_last=len(intents) < ROWS)
