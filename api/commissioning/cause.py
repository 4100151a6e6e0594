"""What likely keeps a run waiting: two links, one that does not hold, or a refused one."""

from dataclasses import replace
from datetime import UTC, datetime

from domain.checks import RunView
from domain.connection_attempts import REFUSAL_COUNTS_FOR
from domain.refusals import explained
from domain.states import WaitingFor
from storage.connection_attempts import last_refusals
from storage.connections import read_flapping
from storage.contests import read_confirmed
from storage.engine import Database


async def with_newest_cause(database: Database, view: RunView, *, project_id: str) -> RunView:
    """Name the charge point's contest, its flapping, or else the newest refusal that counts.

    None is an event of the run, which knows only of refusals before its wait.
    """
    waiting, identity = view.waiting, view.charge_point_id
    if waiting is None:
        return view
    async with database.read() as connection:
        contest = (await read_confirmed(connection, [identity])).get(identity)
        if contest is not None:
            return replace(view, waiting=replace(waiting, likely_cause=contest.cause))
        flapping = await read_flapping(connection, identity, now=datetime.now(UTC))
        if flapping is not None:
            return replace(view, waiting=replace(waiting, likely_cause=flapping.cause))
        if waiting.waiting_for is not WaitingFor.CONNECTION:
            return view
        counts_from = waiting.since - REFUSAL_COUNTS_FOR
        refusals = await last_refusals(connection, {identity: counts_from}, guess=True)
    known = explained(
        waiting, refusals.get(identity), project_id=project_id, charge_point_id=identity
    )
    return replace(view, waiting=known)
