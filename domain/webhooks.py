"""What a webhook is told, and how it is signed: Standard Webhooks (standardwebhooks.com)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from domain.billing.held import HeldDocument
from domain.checks import CheckRecord, Failure, RunView
from domain.contests import Contest
from domain.states import InvitationStatus, ProjectStatus, RunStatus, ServiceVisitStatus

OLD_SECRET_VALID: Final = timedelta(days=1)
"""How long calls are also signed with the secret before the newest."""


class WebhookEvent(StrEnum):
    """What a webhook can be told."""

    COMMISSIONING_COMPLETED = "commissioning.completed"
    COMMISSIONING_FAILED = "commissioning.failed"
    COMMISSIONING_CANCELLED = "commissioning.cancelled"
    INVITATION_ACCEPTED = "invitation.accepted"
    INVITATION_DECLINED = "invitation.declined"
    INVITATION_EXPIRED = "invitation.expired"
    PROJECT_HANDED_OVER = "project.handed_over"
    SERVICE_VISIT_OPENED = "service_visit.opened"
    SERVICE_VISIT_ACCEPTED = "service_visit.accepted"
    SERVICE_VISIT_CLOSED = "service_visit.closed"
    RECORD_HELD = "record.held"
    CHARGE_POINT_CONTESTED = "charge_point.contested"
    WEBHOOK_TEST = "webhook.test"


CHOOSABLE: Final = tuple(event for event in WebhookEvent if event is not WebhookEvent.WEBHOOK_TEST)
"""What a webhook can be made for; a test is sent on demand."""

EVENT_OF_VERDICT: Final = {
    RunStatus.COMPLETED: WebhookEvent.COMMISSIONING_COMPLETED,
    RunStatus.FAILED: WebhookEvent.COMMISSIONING_FAILED,
    RunStatus.CANCELLED: WebhookEvent.COMMISSIONING_CANCELLED,
}

EVENT_OF_INVITATION: Final = {
    InvitationStatus.ACCEPTED: WebhookEvent.INVITATION_ACCEPTED,
    InvitationStatus.DECLINED: WebhookEvent.INVITATION_DECLINED,
    InvitationStatus.EXPIRED: WebhookEvent.INVITATION_EXPIRED,
}
"""How an invitation ends without the installer's doing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A call to be made now. ``secret_versions`` sign it, the newest first."""

    webhook_id: str
    url: str
    event_id: str
    body: str
    secret_versions: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookAnswer:
    """What a webhook answered: a status, and the beginning of its text."""

    status_code: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryAttempt:
    """One call and what came of it: an answer, or an error in words."""

    at: datetime
    duration: timedelta
    answer: WebhookAnswer | None = None
    error: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the webhook took it: any 2xx."""
        return self.answer is not None and self.answer.status_code // 100 == 2  # noqa: PLR2004

    @property
    def gone(self) -> bool:
        """Whether the webhook wants no more: 410."""
        return self.answer is not None and self.answer.status_code == 410  # noqa: PLR2004


def body_of(event: WebhookEvent, data: Mapping[str, Any], *, at: datetime) -> str:
    """Compose the body of a call: JSON with ``type``, ``timestamp`` and ``data``."""
    document = {"type": event, "timestamp": moment(at), "data": data}
    return json.dumps(document, separators=(",", ":"))  # ASCII: a charge point may send anything


def signature(secret: str, *, event_id: str, timestamp: int, body: str) -> str:
    """Sign a call with a ``whsec_…`` secret: ``v1,`` and the HMAC-SHA-256 in Base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.digest(key, f"{event_id}.{timestamp}.{body}".encode(), hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def verdict_data(view: RunView, *, project_id: str) -> dict[str, Any]:
    """Tell a run's verdict: its status as the API answers it, and the project."""
    return {
        "project_id": project_id,
        "commissioning_id": view.commissioning_id,
        "charge_point_id": view.charge_point_id,
        "status": view.status,
        "checks": [_check(check) for check in view.checks],
        "started_at": moment(view.started_at),
        "completed_at": None if view.completed_at is None else moment(view.completed_at),
        "waiting_for": None,
        "waiting": None,
        "cleaning_up": view.cleaning_up,
        "failure": None
        if view.failure is None
        else _failure(view.failure) | {"claim": _claim(view.failure)},
        "alarms": list(view.alarms),
    }


def handed_over_data(project_id: str, *, at: datetime) -> dict[str, Any]:
    """Tell a handover, as the API answers it."""
    return {
        "project_id": project_id,
        "status": ProjectStatus.HANDED_OVER,
        "completed_at": moment(at),
    }


def visit_data(
    project_id: str,
    *,
    service_visit_id: str,
    status: ServiceVisitStatus,
    email: str,
    ends_at: datetime,
    unfinished: bool = False,
    reason: str | None = None,
) -> dict[str, Any]:
    """Tell of a service visit: how it stands, and of whom it is."""
    return {
        "project_id": project_id,
        "service_visit_id": service_visit_id,
        "status": status,
        "email": email,
        "ends_at": moment(ends_at),
        "unfinished": unfinished,
        "reason": reason,
    }


def held_data(project_id: str, held_id: str, document: HeldDocument) -> dict[str, Any]:
    """Tell that the price of a session waits for the owner's word."""
    return {
        "project_id": project_id,
        "held_record_id": held_id,
        "charge_point_id": document.cdr_location.charge_point_id,
        "session_id": document.session_id,
        "cause": document.cause,
        "reason": document.reason,
        "wanted": list(document.wanted),
        "bound": {
            "energy_kwh": f"{document.bound.energy_kwh:f}",
            "minutes": f"{document.bound.minutes:f}",
        },
    }


def contested_data(project_id: str, charge_point_id: str, contest: Contest) -> dict[str, Any]:
    """Tell that several links speak as a charge point, and that somebody has to decide."""
    return {
        "project_id": project_id,
        "charge_point_id": charge_point_id,
        "since": moment(contest.since),
        "likely_cause": contest.cause,
        "links": [
            {"link": link.generation, "remote_address": link.remote_address}
            for link in contest.links
        ],
    }


def invitation_data(
    project_id: str, *, invitation_id: str, email: str, reason: str | None
) -> dict[str, Any]:
    """Tell that an invitation ended; ``reason`` is the owner's for declining it."""
    told = {"project_id": project_id, "invitation_id": invitation_id, "email": email}
    return told if reason is None else told | {"reason": reason}


def moment(at: datetime) -> str:
    """RFC 3339 in UTC, to the second, as everywhere in the API."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _check(check: CheckRecord) -> dict[str, Any]:
    shown = {
        "name": check.name,
        "result": check.result,
        **({} if check.failure is None else _failure(check.failure)),
        "skip_reason": check.skip_reason,
        "needs_review": True if check.needs_review else None,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _claim(failure: Failure) -> dict[str, Any] | None:
    claim = failure.claim
    if claim is None:
        return None
    return {"method": claim.method, "path": claim.path, "body": claim.body}


def _failure(failure: Failure) -> dict[str, Any]:
    return {"code": failure.code, "cause": failure.cause, "action": failure.action}
