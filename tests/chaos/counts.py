"""What must not happen, counted: each list names the offenders, and all must be empty."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from domain.id_tag import is_of_run
from domain.names import orphaned_transaction_workflow_id
from domain.operations import OperationName
from domain.states import RunStatus
from tests.chaos.evidence import Evidence
from tests.chaos.fleet import Charger

Broken = dict[str, list[str]]

_RESET = ("Reset", OperationName.RESET)
_UPDATE = ("UpdateFirmware", OperationName.UPDATE_FIRMWARE)
_INTENDED_AT_MOST = {"start": 8, "reset": 2, "firmware": 1}
"""For one run: a start is asked for again when it was lost or refused, a reset when it was lost."""


def broken_promises(
    evidence: Evidence, chargers: Sequence[Charger], acknowledged: Mapping[str, str]
) -> Broken:
    """Count all of it."""
    return {
        "acknowledged runs without a verdict": _without_verdict(evidence, acknowledged),
        "runs with two verdicts": _two_verdicts(evidence),
        "RemoteStart more often than intended": _starts(evidence, chargers),
        "Reset more often than intended": _repeated(evidence, chargers, _RESET),
        "UpdateFirmware more often than intended": _repeated(evidence, chargers, _UPDATE),
        "runs that intend without end": _without_end(evidence),
        "transactions left running without an alarm": _running(evidence, chargers),
        "rows without a workflow": _rows_alone(evidence),
        "workflows without a row": _workflows_alone(evidence),
        "charge points owned by an ended run": _owned_by_the_dead(evidence),
        "duplicate transactions": _duplicates(evidence),
    }


def _without_verdict(evidence: Evidence, acknowledged: Mapping[str, str]) -> list[str]:
    decided = {run.id for run in evidence.runs if run.view is not None}
    return sorted(acknowledged.keys() - decided)


def _two_verdicts(evidence: Evidence) -> list[str]:
    closed = Counter(w.commissioning_id for w in evidence.workflows if not w.running)
    said = Counter(evidence.verdict_entries)
    return sorted(str(run) for run, times in (closed | said).items() if times > 1)


def _starts(evidence: Evidence, chargers: Sequence[Charger]) -> list[str]:
    """By the id tag that each run has for itself."""
    heard = {c.charge_point_id: c.virtual.commands for c in chargers}
    found = []
    for run in evidence.runs:
        intended = [
            command.sent_at
            for command in evidence.commands
            if command.intent.startswith(f"{run.id}:start:")
        ]
        arrived = [
            frame.at
            for frame in heard[run.charge_point_id]
            if frame.action == "RemoteStartTransaction"
            and is_of_run(frame.id_tag or "", open_run_tag=run.id_tag)
        ]
        found += _too_many(run.id, arrived, intended)
    return found


def _repeated(
    evidence: Evidence, chargers: Sequence[Charger], effect: tuple[str, OperationName]
) -> list[str]:
    """By charge point: these messages do not say whose they are."""
    action, operation = effect
    found = []
    for charger in chargers:
        identity = charger.charge_point_id
        intended = [
            command.sent_at
            for command in evidence.commands
            if (command.charge_point_id, command.operation) == (identity, operation)
        ]
        arrived = [frame.at for frame in charger.virtual.commands if frame.action == action]
        found += _too_many(identity, arrived, intended)
    return found


def _too_many(whose: str, arrived: Sequence[datetime], intended: Sequence[datetime]) -> list[str]:
    """Give each frame an intent of its own that is older; those that find none are too many.

    So a frame that was sent twice is seen, though another one never arrived.
    """
    waiting = sorted(intended)
    for at in sorted(arrived):
        if not waiting or waiting.pop(0) > at:
            return [f"{whose}: {len(arrived)} of {len(intended)}, one too many at {at:%H:%M:%S}"]
    return []


def _without_end(evidence: Evidence) -> list[str]:
    """An effect that is repeated with ever new intents is a loop, however well each is counted."""
    intents: Counter[tuple[str, str]] = Counter()
    for command in evidence.commands:
        run, _, rest = command.intent.partition(":")
        intents[run, rest.partition(":")[0]] += 1
    return [
        f"{run}: {times} of {kind}"
        for (run, kind), times in intents.items()
        if times > _INTENDED_AT_MOST.get(kind, times)
    ]


def _running(evidence: Evidence, chargers: Sequence[Charger]) -> list[str]:
    """Rows that are open, and vehicles that truly charge, but for those that have an alarm."""
    running = {
        (row.charge_point_id, row.ocpp_id)
        for row in evidence.transactions
        if row.stopped_at is None
    }
    unknown = []
    for charger in chargers:
        for transaction in charger.virtual.transactions:
            if transaction.transaction_id is None:
                unknown.append(f"{charger.charge_point_id}: never told")
            else:
                running.add((charger.charge_point_id, str(transaction.transaction_id)))
    alarmed = {
        one for one in running if orphaned_transaction_workflow_id(*one) in evidence.orphaned
    }
    return [*(f"{of}: {name}" for of, name in sorted(running - alarmed)), *unknown]


def _rows_alone(evidence: Evidence) -> list[str]:
    """Open rows whose workflow does not run, and verdicts that no workflow gave."""
    known = {w.commissioning_id for w in evidence.workflows}
    running = {w.commissioning_id for w in evidence.workflows if w.running}
    decided = {run.id for run in evidence.runs if run.view is not None}
    return sorted((evidence.open_runs - running) | (decided - known))


def _workflows_alone(evidence: Evidence) -> list[str]:
    """Workflows without any row, and running ones whose row is not open."""
    rows = {run.id for run in evidence.runs}
    return sorted(
        str(w.commissioning_id)
        for w in evidence.workflows
        if w.commissioning_id not in rows
        or (w.running and w.commissioning_id not in evidence.open_runs)
    )


def _owned_by_the_dead(evidence: Evidence) -> list[str]:
    """Charge points that still have an owner, though no run of theirs is open."""
    busy = {run.charge_point_id for run in evidence.runs if run.id in evidence.open_runs}
    return sorted(set(evidence.owned) - busy)


def _duplicates(evidence: Evidence) -> list[str]:
    """Rows of one and the same start: a charge point starts one connector once at a moment."""
    keys = Counter(
        (row.charge_point_id, row.evse_id, row.started_at) for row in evidence.transactions
    )
    return [" ".join(map(str, key)) for key, times in keys.items() if times > 1]


def unexcused(evidence: Evidence, chargers: Sequence[Charger]) -> Broken:
    """Failures of charge points that are well, and what was learnt where none completed.

    Faults of links and kills of processes excuse none.
    """
    excuses = {c.charge_point_id: c.excuses for c in chargers}
    completed = any(run.status == RunStatus.COMPLETED for run in evidence.runs)
    return {
        "runs that failed at a charge point that is well": sorted(
            f"{run.id}: {run.view.failure.code}"
            for run in evidence.runs
            if run.status == RunStatus.FAILED
            and run.view.failure.code not in excuses[run.charge_point_id]
        ),
        "experiments in which no run completed": [] if completed else ["this one"],
    }


def verdicts(evidence: Evidence) -> Counter[str]:
    """How the runs ended; of the failed ones, why."""
    found: Counter[str] = Counter()
    for run in evidence.runs:
        if run.status == RunStatus.FAILED:
            found[f"failed: {run.view.failure.code}"] += 1
        else:
            found[run.status] += 1
    return found
