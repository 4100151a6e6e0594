"""Mails that are due and that nobody has started."""

from typing import Any

from storage.contest_notices import untold_contests
from storage.held_notices import untold
from storage.mail_notices import due_notices
from temporal import starts
from temporal.reconciler.parts import ReconcilerParts
from temporal.reconciler.step import ReconcileStep


def mail_steps(parts: ReconcilerParts) -> tuple[ReconcileStep[Any], ...]:
    """Make the steps of gathered news, of contests of links, and of records that are held."""
    return (
        ReconcileStep(
            "notices",
            lambda connection, **page: due_notices(connection, now=parts.now(), **page),
            lambda notice: parts.begin(starts.gathered_mail(notice)),
            first=0,
        ),
        ReconcileStep(
            "contests",
            untold_contests,
            lambda charge_point: parts.begin(starts.contest_notice(charge_point)),
        ),
        ReconcileStep(
            "held",
            lambda connection, **page: untold(connection, now=parts.now(), **page),
            lambda project: parts.begin(starts.held_digest(project)),
        ),
    )
