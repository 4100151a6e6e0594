"""Mails that are due and that nobody has started."""

from typing import Any

from storage.contest_notices import untold_contests
from storage.held_notices import untold
from storage.mail_notices import due_notices
from temporal import starts
from temporal.reconciler.parts import Parts
from temporal.reconciler.sweep import Sweep


def mail_sweeps(parts: Parts) -> tuple[Sweep[Any], ...]:
    """What was gathered, contests of links, and records that are held."""
    return (
        Sweep(
            "notices",
            lambda connection, **page: due_notices(connection, now=parts.now(), **page),
            lambda notice: parts.begin(starts.gathered_mail(notice)),
            first=0,
        ),
        Sweep(
            "contests",
            untold_contests,
            lambda charge_point: parts.begin(starts.contest_notice(charge_point)),
        ),
        Sweep(
            "held",
            lambda connection, **page: untold(connection, now=parts.now(), **page),
            lambda project: parts.begin(starts.held_digest(project)),
        ),
    )
