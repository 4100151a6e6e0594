"""Endpoints of the webhooks of a site owner: what an installer has, for the owner's account."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import AppParts, OwnedDeliveryId, OwnedWebhookId, SiteOwner
from api.pagination import Page, Paging
from api.problems import problems
from api.webhooks import endpoints as webhooks
from api.webhooks.schemas import (
    DeliveryDetail,
    DeliveryShown,
    NewWebhook,
    WebhookChange,
    WebhookShown,
    WebhookWithSecret,
)
from domain.states import DeliveryStatus

router = APIRouter(prefix="/site-owner/webhooks", tags=["Webhooks"])

_DISABLED = "The webhook is disabled. Enable it first."


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Make a webhook of mine",
    operation_id="createOwnedWebhook",
    responses=problems(429, too_many_webhooks="The account has ten webhooks."),
)
async def create_webhook(body: NewWebhook, owner: SiteOwner, parts: AppParts) -> WebhookWithSecret:
    """Have events of the sites that you own sent to a URL, signed with the `secret`.

    It hears of runs at your sites, of the handover, and of sessions that wait for your word. The
    secret is told here and never again; rotate it if it is lost.
    """
    return await webhooks.create_webhook(body, owner, parts)


@router.get(
    "",
    summary="List my webhooks",
    operation_id="listOwnedWebhooks",
)
async def list_webhooks(owner: SiteOwner, parts: AppParts, paging: Paging) -> Page[WebhookShown]:
    """The webhooks of your account, newest first."""
    return await webhooks.list_webhooks(owner, parts, paging)


@router.get(
    "/{webhook_id}",
    summary="Show a webhook of mine",
    operation_id="getOwnedWebhook",
)
async def get_webhook(
    webhook_id: OwnedWebhookId, owner: SiteOwner, parts: AppParts
) -> WebhookShown:
    """A webhook; `failing_since` tells that its calls do not succeed."""
    return await webhooks.get_webhook(webhook_id, owner, parts)


@router.patch(
    "/{webhook_id}",
    summary="Change a webhook of mine",
    operation_id="changeOwnedWebhook",
    responses=problems(429),
)
async def change_webhook(
    webhook_id: OwnedWebhookId, body: WebhookChange, owner: SiteOwner, parts: AppParts
) -> WebhookShown:
    """Change the URL or the events, disable it, or enable it again; what is left out stays."""
    return await webhooks.change_webhook(webhook_id, body, owner, parts)


@router.delete(
    "/{webhook_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Delete a webhook of mine",
    operation_id="deleteOwnedWebhook",
)
async def delete_webhook(webhook_id: OwnedWebhookId, owner: SiteOwner, parts: AppParts) -> Response:
    """Delete it with its log; what is on the way to it is not sent."""
    return await webhooks.delete_webhook(webhook_id, owner, parts)


@router.post(
    "/{webhook_id}/rotate-secret",
    summary="Rotate the secret of a webhook of mine",
    operation_id="rotateOwnedWebhookSecret",
)
async def rotate_secret(
    webhook_id: OwnedWebhookId, owner: SiteOwner, parts: AppParts
) -> WebhookWithSecret:
    """Get a new secret. For a day calls are signed with both, so that none is lost meanwhile."""
    return await webhooks.rotate_secret(webhook_id, owner, parts)


@router.post(
    "/{webhook_id}/test",
    status_code=HTTPStatus.ACCEPTED,
    summary="Send a test to a webhook of mine",
    operation_id="testOwnedWebhook",
    responses=problems(429, webhook_disabled=_DISABLED),
)
async def test_webhook(
    webhook_id: OwnedWebhookId, owner: SiteOwner, parts: AppParts
) -> DeliveryShown:
    """Send the event `webhook.test`; the delivery tells what came of it."""
    return await webhooks.test_webhook(webhook_id, owner, parts)


@router.get(
    "/{webhook_id}/deliveries",
    summary="List deliveries to a webhook of mine",
    operation_id="listOwnedDeliveries",
)
async def list_deliveries(
    webhook_id: OwnedWebhookId,
    owner: SiteOwner,
    parts: AppParts,
    paging: Paging,
    status: Annotated[DeliveryStatus | None, Query(description="Only those in this status")] = None,
) -> Page[DeliveryShown]:
    """What was sent to the webhook, newest first. Ended deliveries are kept for 30 days."""
    return await webhooks.list_deliveries(webhook_id, owner, parts, paging, status)


@router.get(
    "/{webhook_id}/deliveries/{delivery_id}",
    summary="Show a delivery to a webhook of mine",
    operation_id="getOwnedDelivery",
)
async def get_delivery(
    webhook_id: OwnedWebhookId, delivery_id: OwnedDeliveryId, owner: SiteOwner, parts: AppParts
) -> DeliveryDetail:
    """What is sent, and each attempt with its answer."""
    return await webhooks.get_delivery(webhook_id, delivery_id, owner, parts)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=HTTPStatus.ACCEPTED,
    summary="Deliver to a webhook of mine again",
    operation_id="redeliverOwned",
    responses=problems(429, delivery_pending="It is being delivered.", webhook_disabled=_DISABLED),
)
async def redeliver(
    webhook_id: OwnedWebhookId, delivery_id: OwnedDeliveryId, owner: SiteOwner, parts: AppParts
) -> DeliveryShown:
    """Send an ended delivery once more, delivered or not, with the same `webhook-id`."""
    return await webhooks.redeliver(webhook_id, delivery_id, owner, parts)
