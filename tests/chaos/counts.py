"""What must not happen, counted: each list names the offenders, and all must be empty."""

from collections import Counter
from collections.abc import Mapping, Sequence

from domain.names import stray_transaction_workflow_id
from domain.operations import OperationName
from domain.states import RunStatus
from tests.chaos.evidence import Evidence
from tests.chaos.fleet import Charger

Broken = dict[str, list[str]]


def broken_promises(
    evidence: Evidence, chargers: Sequence[Charger], acknowledged: Mapping[str, str]
) -> Broken:
    """Count all of it."""
    return {
        "acknowledged runs without a verdict": _without_verdict(evidence, acknowledged),
        "runs with two verdicts": _two_verdicts(evidence),
        "RemoteStart more often than intended": _starts(evidence, chargers),
        "Reset more often than intended": _resets(evidence, chargers),
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
    """Frames that arrived, by the id tag that each run has for itself, over rows of intents."""
    heard = {c.charge_point_id: c.virtual.id_tags for c in chargers}
    found = []
    for run in evidence.runs:
        intended = sum(
            command.intent.startswith(f"{run.id}:start:") for command in evidence.commands
        )
        arrived = heard[run.charge_point_id][run.id_tag] if run.id_tag else 0
        if arrived > intended:
            found.append(f"{run.id}: {arrived} of {intended}")
    return found


def _resets(evidence: Evidence, chargers: Sequence[Charger]) -> list[str]:
    intended = Counter(
        command.charge_point_id
        for command in evidence.commands
        if command.operation == OperationName.RESET
    )
    return [
        f"{c.charge_point_id}: {c.virtual.resets} of {intended[c.charge_point_id]}"
        for c in chargers
        if c.virtual.resets > intended[c.charge_point_id]
    ]


def _running(evidence: Evidence, chargers: Sequence[Charger]) -> list[str]:
    """Rows that are open, and vehicles that truly charge, but for those that have an alarm."""
    running = {row.id for row in evidence.transactions if row.stopped_at is None}
    unknown = []
    for charger in chargers:
        for transaction in charger.virtual.transactions:
            if transaction.transaction_id is None:
                unknown.append(f"{charger.charge_point_id}: never told")
            else:
                running.add(transaction.transaction_id)
    alarmed = {id_ for id_ in running if stray_transaction_workflow_id(id_) in evidence.strays}
    return [*map(str, sorted(running - alarmed)), *unknown]


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
        (row.charge_point_id, row.connector_id, row.started_at) for row in evidence.transactions
    )
    return [" ".join(map(str, key)) for key, times in keys.items() if times > 1]


def verdicts(evidence: Evidence) -> Counter[str]:
    """How the runs ended; of the failed ones, why."""
    found: Counter[str] = Counter()
    for run in evidence.runs:
        if run.status == RunStatus.FAILED:
            found[f"failed: {run.view['failure']['code']}"] += 1
        else:
            found[run.status] += 1
    return found
