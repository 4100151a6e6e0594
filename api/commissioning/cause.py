"""Why nothing connects while a run waits for its charge point."""

from dataclasses import replace

from domain.checks import RunView
from domain.states import WaitingFor
from storage.attempts import last_refusal
from storage.engine import Database


async def with_newest_cause(database: Database, view: RunView) -> RunView:
    """Name the newest refusal since the run began.

    A refused connection is no event of the run, which knows only of those before its wait.
    """
    waiting = view.waiting
    if waiting is None or waiting.waiting_for is not WaitingFor.CONNECTION:
        return view
    async with database.read() as connection:
        refusal = await last_refusal(connection, view.charge_point_id, since=view.started_at)
    if refusal is None:
        return view
    return replace(view, waiting=replace(waiting, likely_cause=refusal.reason))
