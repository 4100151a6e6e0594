"""Closing a service visit, by whoever may, and what its end may be."""

from dataclasses import asdict
from datetime import datetime

from api.deps import now
from api.parts import Parts
from api.power.service import look_again
from domain.errors import ConflictError, FieldError, InvalidError
from domain.handover import OpenVisit, ProjectRequest
from domain.service_visits import LONGEST, CloseVisit
from storage.request_words import keep_words
from storage.service_visits import ServiceVisit, ServiceVisits, closed_so, refuse_over


def refuse_end(ends_at: datetime, *, now: datetime) -> None:
    """Refuse an end that is over, or too far off.

    Raises:
        InvalidError: ``invalid_input``.

    """
    if now < ends_at <= now + LONGEST:
        return
    detail = (
        "must be ahead"
        if ends_at <= now
        else f"must be within {LONGEST.days} days; it can be moved on again later"
    )
    raise InvalidError(
        "invalid_input", f"`ends_at` {detail}.", (FieldError(field="ends_at", detail=detail),)
    )


async def close(
    parts: Parts, project: ProjectRequest, visit: ServiceVisit, request: CloseVisit
) -> ServiceVisit:
    """Close a visit.

    Raises:
        ConflictError: ``service_visit_blocked`` with ``blockers``; ``service_visit_over``.

    """
    if visit.closed_at is not None and closed_so(visit, request):
        return visit
    refuse_over(visit, now=now())
    due = OpenVisit(service_visit_id=visit.id, due_at=visit.opened_at)
    async with parts.database.write() as connection:
        request = await keep_words(connection, visit.project_id, request, at=now())
    closed = await parts.temporal.close_visit(project, due, request)
    if closed.closed_at is None:
        raise ConflictError(
            "service_visit_blocked",
            "The service visit cannot be closed yet. "
            + " ".join(blocker.detail for blocker in closed.blockers),
            blockers=[asdict(blocker) for blocker in closed.blockers],
        )
    async with parts.database.read() as connection:
        visits = ServiceVisits(connection)
        ended, left = await visits.get(visit.id), await visits.not_commissioned(visit.id)
    await look_again(parts, ended.project_id, *left)  # its site says until when it is serviced
    return ended
