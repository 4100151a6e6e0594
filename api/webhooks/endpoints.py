"""Endpoints of webhooks, the same for installers and site owners."""

import json
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Query, Response

from api.call import Call
from api.deps import AnyCall, now, path_id, router_of
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
from domain.errors import ConflictError, NotFoundError
from domain.ids import Prefix, new_id
from domain.states import DeliveryStatus, Role, WebhookStatus
from domain.tokens import webhook_secret
from domain.webhooks import WebhookEvent, body_of
from storage.announcements import write_deliveries
from storage.deliveries import Deliveries
from storage.models.webhooks import Webhook
from storage.webhooks import Webhooks

router = router_of(Role.INSTALLER, "/webhooks", tag="Webhooks")
owner_router = router_of(Role.SITE_OWNER, "/webhooks", tag="Webhooks")

WebhookId = Annotated[
    str,
    path_id(
        "webhook_id",
        Prefix.WEBHOOK,
        lambda: NotFoundError("webhook_not_found", "You have no webhook with this id."),
        example="whk_01HX7A2BCDEFGHJKM0",
    ),
]
DeliveryId = Annotated[
    str,
    path_id(
        "delivery_id",
        Prefix.DELIVERY,
        lambda: NotFoundError("delivery_not_found", "The webhook has no delivery with this id."),
        example="dlv_01HX7B3CDEFGHJKMN0",
    ),
]
_OF_AN_OWNER = """\
Have events of the sites that you own sent to a URL, signed with the `secret`.

It hears of runs at your sites, of the handover, and of sessions that wait for your word. The
secret is told here and never again; rotate it if it is lost."""
_DISABLED = "The webhook is disabled. Enable it first."


@owner_router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Make a webhook of mine",
    operation_id="createOwnedWebhook",
    responses=problems(429, too_many_webhooks="The account has ten webhooks."),
    description=_OF_AN_OWNER,
)
@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Make a webhook",
    operation_id="createWebhook",
    dependencies=VERIFIED,
    responses=problems(429, too_many_webhooks="The account has ten webhooks."),
)
async def create_webhook(call: AnyCall, body: NewWebhook) -> WebhookWithSecret:
    """Have events of your account's projects sent to a URL, signed with the `secret`.

    The secret is told here and never again; rotate it if it is lost. The URL has to lead to a
    public address.
    """
    await _check_url(call, body.url)
    webhook = Webhook(
        id=new_id(Prefix.WEBHOOK),
        account_id=call.account.id,
        url=body.url,
        description=body.description,
        events=body.events,
        status=WebhookStatus.ENABLED,
        created_at=now(),
    )
    async with call.write() as connection:
        await Webhooks(connection).create(webhook)
    return WebhookWithSecret.of(webhook, secret=_secret(call.parts, webhook))


@owner_router.get("", summary="List my webhooks", operation_id="listOwnedWebhooks")
@router.get("", summary="List webhooks", operation_id="listWebhooks")
async def list_webhooks(call: AnyCall, paging: Paging) -> Page[WebhookShown]:
    """The webhooks of your account, newest first."""
    async with call.read() as connection:
        rows = await Webhooks(connection).page(
            account_id=call.account.id, before=paging.after_id(Prefix.WEBHOOK), limit=paging.fetch
        )
    return paging.page(rows, WebhookShown.of, lambda webhook: webhook.id)


@owner_router.get("/{webhook_id}", summary="Show a webhook of mine", operation_id="getOwnedWebhook")
@router.get("/{webhook_id}", summary="Show a webhook", operation_id="getWebhook")
async def get_webhook(call: AnyCall, webhook_id: WebhookId) -> WebhookShown:
    """A webhook; `failing_since` tells that its calls do not succeed."""
    async with call.read() as connection:
        return WebhookShown.of(
            await Webhooks(connection).get(webhook_id, account_id=call.account.id)
        )


@owner_router.patch(
    "/{webhook_id}",
    summary="Change a webhook of mine",
    operation_id="changeOwnedWebhook",
    responses=problems(429),
)
@router.patch(
    "/{webhook_id}",
    summary="Change a webhook",
    operation_id="changeWebhook",
    dependencies=VERIFIED,
    responses=problems(429),
)
async def change_webhook(call: AnyCall, webhook_id: WebhookId, body: WebhookChange) -> WebhookShown:
    """Change the URL or the events, disable it, or enable it again; what is left out stays."""
    async with call.read() as connection:
        await Webhooks(connection).get(webhook_id, account_id=call.account.id)
    if body.url is not None:
        await _check_url(call, body.url)
    async with call.write() as connection:
        webhooks = Webhooks(connection)
        await webhooks.get(webhook_id, account_id=call.account.id)
        await webhooks.change(webhook_id, _changes(body))
        return WebhookShown.of(await webhooks.get(webhook_id, account_id=call.account.id))


@owner_router.delete(
    "/{webhook_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Delete a webhook of mine",
    operation_id="deleteOwnedWebhook",
)
@router.delete(
    "/{webhook_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Delete a webhook",
    operation_id="deleteWebhook",
)
async def delete_webhook(call: AnyCall, webhook_id: WebhookId) -> Response:
    """Delete it with its log; what is on the way to it is not sent."""
    async with call.write() as connection:
        webhooks = Webhooks(connection)
        await webhooks.get(webhook_id, account_id=call.account.id)
        await webhooks.delete(webhook_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@owner_router.post(
    "/{webhook_id}/rotate-secret",
    summary="Rotate the secret of a webhook of mine",
    operation_id="rotateOwnedWebhookSecret",
)
@router.post(
    "/{webhook_id}/rotate-secret",
    summary="Rotate the secret",
    operation_id="rotateWebhookSecret",
    dependencies=VERIFIED,
)
async def rotate_secret(call: AnyCall, webhook_id: WebhookId) -> WebhookWithSecret:
    """Get a new secret. For a day calls are signed with both, so that none is lost meanwhile."""
    async with call.write() as connection:
        webhooks = Webhooks(connection)
        await webhooks.get(webhook_id, account_id=call.account.id)
        await webhooks.rotate_secret(webhook_id, at=now())
        webhook = await webhooks.get(webhook_id, account_id=call.account.id)
    return WebhookWithSecret.of(webhook, secret=_secret(call.parts, webhook))


@owner_router.post(
    "/{webhook_id}/test",
    status_code=HTTPStatus.ACCEPTED,
    summary="Send a test to a webhook of mine",
    operation_id="testOwnedWebhook",
    responses=problems(429, webhook_disabled=_DISABLED),
)
@router.post(
    "/{webhook_id}/test",
    status_code=HTTPStatus.ACCEPTED,
    summary="Send a test",
    operation_id="testWebhook",
    dependencies=VERIFIED,
    responses=problems(429, webhook_disabled=_DISABLED),
)
async def test_webhook(call: AnyCall, webhook_id: WebhookId) -> DeliveryShown:
    """Send the event `webhook.test`; the delivery tells what came of it."""
    await call.parts.throttle.attempt((WEBHOOK_ACCOUNT, call.account.id))
    at = now()
    body = body_of(WebhookEvent.WEBHOOK_TEST, {"webhook_id": webhook_id}, at=at)
    async with call.write() as connection:
        _check_enabled(await Webhooks(connection).get(webhook_id, account_id=call.account.id))
        (delivery_id,) = await write_deliveries(
            connection, [webhook_id], WebhookEvent.WEBHOOK_TEST, body, at=at
        )
        return DeliveryShown.of(await Deliveries(connection).get(webhook_id, delivery_id))


@owner_router.get(
    "/{webhook_id}/deliveries",
    summary="List deliveries to a webhook of mine",
    operation_id="listOwnedDeliveries",
)
@router.get("/{webhook_id}/deliveries", summary="List deliveries", operation_id="listDeliveries")
async def list_deliveries(
    call: AnyCall,
    webhook_id: WebhookId,
    paging: Paging,
    status: Annotated[DeliveryStatus | None, Query(description="Only those in this status")] = None,
) -> Page[DeliveryShown]:
    """What was sent to the webhook, newest first. Ended deliveries are kept for 30 days."""
    async with call.read() as connection:
        await Webhooks(connection).get(webhook_id, account_id=call.account.id)
        rows = await Deliveries(connection).page(
            webhook_id,
            status=status,
            before=paging.after_id(Prefix.DELIVERY),
            limit=paging.fetch,
        )
    return paging.page(rows, DeliveryShown.of, lambda delivery: delivery.id)


@owner_router.get(
    "/{webhook_id}/deliveries/{delivery_id}",
    summary="Show a delivery to a webhook of mine",
    operation_id="getOwnedDelivery",
)
@router.get(
    "/{webhook_id}/deliveries/{delivery_id}",
    summary="Show a delivery",
    operation_id="getDelivery",
)
async def get_delivery(
    call: AnyCall, webhook_id: WebhookId, delivery_id: DeliveryId
) -> DeliveryDetail:
    """What is sent, and each attempt with its answer."""
    async with call.read() as connection:
        await Webhooks(connection).get(webhook_id, account_id=call.account.id)
        deliveries = Deliveries(connection)
        delivery = await deliveries.get(webhook_id, delivery_id)
        return DeliveryDetail.of(
            delivery,
            body=json.loads(delivery.body),
            attempts=await deliveries.attempts(delivery_id),
        )


@owner_router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=HTTPStatus.ACCEPTED,
    summary="Deliver to a webhook of mine again",
    operation_id="redeliverOwned",
    responses=problems(429, delivery_pending="It is being delivered.", webhook_disabled=_DISABLED),
)
@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=HTTPStatus.ACCEPTED,
    summary="Deliver again",
    operation_id="redeliver",
    dependencies=VERIFIED,
    responses=problems(429, delivery_pending="It is being delivered.", webhook_disabled=_DISABLED),
)
async def redeliver(call: AnyCall, webhook_id: WebhookId, delivery_id: DeliveryId) -> DeliveryShown:
    """Send an ended delivery once more, delivered or not, with the same `webhook-id`."""
    await call.parts.throttle.attempt((WEBHOOK_ACCOUNT, call.account.id))
    async with call.write() as connection:
        _check_enabled(await Webhooks(connection).get(webhook_id, account_id=call.account.id))
        deliveries = Deliveries(connection)
        await deliveries.reopen(await deliveries.get(webhook_id, delivery_id))
        return DeliveryShown.of(await deliveries.get(webhook_id, delivery_id))


def _secret(parts: Parts, webhook: Webhook) -> str:
    return webhook_secret(parts.settings.required_secret(), webhook.id, webhook.secret_version)


async def _check_url(call: Call, url: str) -> None:
    await call.parts.throttle.attempt((WEBHOOK_ACCOUNT, call.account.id))  # each asks a name server
    await call.parts.outbound.destination(url)


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
