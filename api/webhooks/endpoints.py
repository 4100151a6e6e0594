"""Endpoints of webhooks."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.deps import AppParts, DeliveryId, Installer, WebhookId, now
from api.pagination import Page, Paging
from api.parts import Parts
from api.problems import problems
from api.security.throttling import WEBHOOK_ACCOUNT
from api.verified import VERIFIED
from api.webhooks.schemas import (
    DeliveryDetail,
    DeliveryShown,
    NewWebhook,
    WebhookChange,
    WebhookShown,
    WebhookWithSecret,
)
from domain.errors import ConflictError
from domain.ids import Prefix, new_id
from domain.states import DeliveryStatus, WebhookStatus
from domain.tokens import webhook_secret
from domain.webhooks import WebhookEvent, body_of
from storage.announcements import write_deliveries
from storage.deliveries import Deliveries
from storage.models.accounts import Account
from storage.models.webhooks import Webhook
from storage.webhooks import Webhooks

router = APIRouter(prefix="/installer/webhooks", tags=["Webhooks"])

_DISABLED = "The webhook is disabled. Enable it first."


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Make a webhook",
    operation_id="createWebhook",
    dependencies=VERIFIED,
    responses=problems(
        400, 401, 403, 413, 422, 429, 503, too_many_webhooks="The account has ten webhooks."
    ),
)
async def create_webhook(
    body: NewWebhook, installer: Installer, parts: AppParts
) -> WebhookWithSecret:
    """Have events of your account's projects sent to a URL, signed with the `secret`.

    The secret is told here and never again; rotate it if it is lost. The URL has to lead to a
    public address.
    """
    await _check_url(parts, installer, body.url)
    webhook = Webhook(
        id=new_id(Prefix.WEBHOOK),
        account_id=installer.id,
        url=body.url,
        description=body.description,
        events=body.events,
        status=WebhookStatus.ENABLED,
        created_at=now(),
    )
    async with parts.database.write() as connection:
        await Webhooks(connection).create(webhook)
    return WebhookWithSecret.with_secret(webhook, _secret(parts, webhook))


@router.get(
    "",
    summary="List webhooks",
    operation_id="listWebhooks",
    responses=problems(401, 403, 422, 503),
)
async def list_webhooks(
    installer: Installer, parts: AppParts, paging: Paging
) -> Page[WebhookShown]:
    """The webhooks of your account, newest first."""
    async with parts.database.read() as connection:
        rows = await Webhooks(connection).page(
            account_id=installer.id, before=paging.after_id(Prefix.WEBHOOK), limit=paging.fetch
        )
    return paging.page(rows, WebhookShown.of, lambda webhook: webhook.id)


@router.get(
    "/{webhook_id}",
    summary="Show a webhook",
    operation_id="getWebhook",
    responses=problems(401, 403, 404, 503),
)
async def get_webhook(webhook_id: WebhookId, installer: Installer, parts: AppParts) -> WebhookShown:
    """A webhook; `failing_since` tells that its calls do not succeed."""
    async with parts.database.read() as connection:
        return WebhookShown.of(await Webhooks(connection).get(webhook_id, account_id=installer.id))


@router.patch(
    "/{webhook_id}",
    summary="Change a webhook",
    operation_id="changeWebhook",
    dependencies=VERIFIED,
    responses=problems(400, 401, 403, 404, 413, 422, 429, 503),
)
async def change_webhook(
    webhook_id: WebhookId, body: WebhookChange, installer: Installer, parts: AppParts
) -> WebhookShown:
    """Change the URL or the events, disable it, or enable it again; what is left out stays."""
    async with parts.database.read() as connection:
        await Webhooks(connection).get(webhook_id, account_id=installer.id)
    if body.url is not None:
        await _check_url(parts, installer, body.url)
    async with parts.database.write() as connection:
        webhooks = Webhooks(connection)
        await webhooks.get(webhook_id, account_id=installer.id)
        await webhooks.change(webhook_id, _changes(body))
        return WebhookShown.of(await webhooks.get(webhook_id, account_id=installer.id))


@router.delete(
    "/{webhook_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Delete a webhook",
    operation_id="deleteWebhook",
    responses=problems(401, 403, 404, 503),
)
async def delete_webhook(webhook_id: WebhookId, installer: Installer, parts: AppParts) -> Response:
    """Delete it with its log; what is on the way to it is not sent."""
    async with parts.database.write() as connection:
        webhooks = Webhooks(connection)
        await webhooks.get(webhook_id, account_id=installer.id)
        await webhooks.delete(webhook_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/{webhook_id}/rotate-secret",
    summary="Rotate the secret",
    operation_id="rotateWebhookSecret",
    dependencies=VERIFIED,
    responses=problems(401, 403, 404, 503),
)
async def rotate_secret(
    webhook_id: WebhookId, installer: Installer, parts: AppParts
) -> WebhookWithSecret:
    """Get a new secret. For a day calls are signed with both, so that none is lost meanwhile."""
    async with parts.database.write() as connection:
        webhooks = Webhooks(connection)
        await webhooks.get(webhook_id, account_id=installer.id)
        await webhooks.rotate_secret(webhook_id, at=now())
        webhook = await webhooks.get(webhook_id, account_id=installer.id)
    return WebhookWithSecret.with_secret(webhook, _secret(parts, webhook))


@router.post(
    "/{webhook_id}/test",
    status_code=HTTPStatus.ACCEPTED,
    summary="Send a test",
    operation_id="testWebhook",
    dependencies=VERIFIED,
    responses=problems(401, 403, 404, 429, 503, webhook_disabled=_DISABLED),
)
async def test_webhook(
    webhook_id: WebhookId, installer: Installer, parts: AppParts
) -> DeliveryShown:
    """Send the event `webhook.test`; the delivery tells what came of it."""
    await parts.throttle.attempt((WEBHOOK_ACCOUNT, installer.id))
    at = now()
    body = body_of(WebhookEvent.WEBHOOK_TEST, {"webhook_id": webhook_id}, at=at)
    async with parts.database.write() as connection:
        _check_enabled(await Webhooks(connection).get(webhook_id, account_id=installer.id))
        (delivery_id,) = await write_deliveries(
            connection, [webhook_id], WebhookEvent.WEBHOOK_TEST, body, at=at
        )
        return DeliveryShown.of(await Deliveries(connection).get(webhook_id, delivery_id))


@router.get(
    "/{webhook_id}/deliveries",
    summary="List deliveries",
    operation_id="listDeliveries",
    responses=problems(401, 403, 404, 422, 503),
)
async def list_deliveries(
    webhook_id: WebhookId,
    installer: Installer,
    parts: AppParts,
    paging: Paging,
    status: Annotated[DeliveryStatus | None, Query(description="Only those in this status")] = None,
) -> Page[DeliveryShown]:
    """What was sent to the webhook, newest first. Ended deliveries are kept for 30 days."""
    async with parts.database.read() as connection:
        await Webhooks(connection).get(webhook_id, account_id=installer.id)
        rows = await Deliveries(connection).page(
            webhook_id,
            status=status,
            before=paging.after_id(Prefix.DELIVERY),
            limit=paging.fetch,
        )
    return paging.page(rows, DeliveryShown.of, lambda delivery: delivery.id)


@router.get(
    "/{webhook_id}/deliveries/{delivery_id}",
    summary="Show a delivery",
    operation_id="getDelivery",
    responses=problems(401, 403, 404, 503),
)
async def get_delivery(
    webhook_id: WebhookId, delivery_id: DeliveryId, installer: Installer, parts: AppParts
) -> DeliveryDetail:
    """What is sent, and each attempt with its answer."""
    async with parts.database.read() as connection:
        await Webhooks(connection).get(webhook_id, account_id=installer.id)
        deliveries = Deliveries(connection)
        delivery = await deliveries.get(webhook_id, delivery_id)
        return DeliveryDetail.with_attempts(delivery, await deliveries.attempts(delivery_id))


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=HTTPStatus.ACCEPTED,
    summary="Deliver again",
    operation_id="redeliver",
    dependencies=VERIFIED,
    responses=problems(
        401,
        403,
        404,
        429,
        503,
        delivery_pending="It is being delivered.",
        webhook_disabled=_DISABLED,
    ),
)
async def redeliver(
    webhook_id: WebhookId, delivery_id: DeliveryId, installer: Installer, parts: AppParts
) -> DeliveryShown:
    """Send an ended delivery once more, delivered or not, with the same `webhook-id`."""
    await parts.throttle.attempt((WEBHOOK_ACCOUNT, installer.id))
    async with parts.database.write() as connection:
        _check_enabled(await Webhooks(connection).get(webhook_id, account_id=installer.id))
        deliveries = Deliveries(connection)
        await deliveries.reopen(await deliveries.get(webhook_id, delivery_id))
        return DeliveryShown.of(await deliveries.get(webhook_id, delivery_id))


def _secret(parts: Parts, webhook: Webhook) -> str:
    return webhook_secret(parts.settings.required_secret(), webhook.id, webhook.secret_version)


async def _check_url(parts: Parts, installer: Account, url: str) -> None:
    await parts.throttle.attempt((WEBHOOK_ACCOUNT, installer.id))  # each asks a name server
    await parts.outbound.destination(url)


def _check_enabled(webhook: Webhook) -> None:
    if webhook.status is not WebhookStatus.ENABLED:
        raise ConflictError("webhook_disabled", "The webhook is disabled. Enable it first.")


def _changes(body: WebhookChange) -> dict[str, Any]:
    given = body.model_dump(exclude_unset=True)
    enabled = given.pop("enabled", None)
    changes = {name: value for name, value in given.items() if value or name == "description"}
    if enabled is not None:
        changes["status"] = WebhookStatus.ENABLED if enabled else WebhookStatus.DISABLED
        changes |= {"disabled_reason": None}
    if enabled or "url" in changes:  # a new beginning
        changes["failing_since"] = None
    return changes
