"""What a refused connection says of a run that waits for its charge point."""

from dataclasses import replace

from domain.checks import Waiting
from domain.connection_attempts import WAIT_FOR_IT, ClaimCall, claim_call, how_to_let_in
from domain.facts import RefusedAttempt
from domain.states import WaitingFor


def claim_of(
    refusal: RefusedAttempt | None, *, project_id: str, charge_point_id: str
) -> ClaimCall | None:
    """Make the call that lets it in, where it tries a name that can be claimed."""
    if refusal is None or refusal.misnamed is None:
        return None
    return claim_call(
        project_id=project_id,
        charge_point_id=charge_point_id,
        identity=refusal.misnamed.identity,
    )


def explained(
    waiting: Waiting | None,
    refusal: RefusedAttempt | None,
    *,
    project_id: str,
    charge_point_id: str,
) -> Waiting | None:
    """Name the newest refusal that counts as the likely cause of a wait for a connection.

    What the run named when the wait began may have been repaired since.
    """
    if waiting is None or waiting.waiting_for is not WaitingFor.CONNECTION:
        return waiting
    return replace(
        waiting,
        prompt=_prompt(refusal, waiting),
        likely_cause=refusal.cause if refusal else None,
        claim=claim_of(refusal, project_id=project_id, charge_point_id=charge_point_id),
    )


def _prompt(refusal: RefusedAttempt | None, waiting: Waiting) -> str:
    """Say what to do where the likely cause does not."""
    if refusal is not None and refusal.misnamed is not None:
        return how_to_let_in(refusal.misnamed)
    if refusal is not None and refusal.claimed is not None:
        return WAIT_FOR_IT
    return waiting.prompt  # to switch it on, perhaps
