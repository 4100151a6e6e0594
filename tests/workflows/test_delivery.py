"""A webhook that does not take an event is called for a day: a day that passes at once."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update
from temporalio import activity
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.webhook_sender import HttpxSender
from activities.webhooks import WebhookActivities
from domain.names import DELIVER_AGAIN_SIGNAL, webhook_task_queue
from domain.outbound import Outbound
from domain.states import DeliveryStatus, WebhookStatus
from domain.webhooks import CHOOSABLE, WebhookEvent, body_of
from storage.announcements import write_deliveries
from storage.deliveries import DISABLED_AFTER, Deliveries, StoredDeliveries
from storage.engine import Database
from storage.models.accounts import Account
from storage.models.webhooks import Webhook, WebhookAttempt, WebhookDelivery
from storage.webhooks import Webhooks
from tests.support.receiver import Receiver, receiver
from worker import workflow_runner
from workflows.delivery import WebhookDeliveryWorkflow

AT = datetime(2026, 5, 1, 9, tzinfo=UTC)


class Post:
    """A webhook that leads to a receiver, and the workers that call it, on skipping time."""

    def __init__(self, env: WorkflowEnvironment, database: Database, hook: Receiver) -> None:
        self.client: Client = env.client
        self.database = database
        self.hook = hook

    async def make(self) -> None:
        async with self.database.write() as connection:
            await connection.execute(
                insert(Account).values(
                    id="usr_1",
                    role="installer",
                    email="a@acme.example",
                    name="A",
                    password_hash="-",
                    created_at=AT,
                )
            )
            await Webhooks(connection).create(
                Webhook(
                    id="whk_1",
                    account_id="usr_1",
                    url=self.hook.url,
                    description=None,
                    events=list(CHOOSABLE),
                    status=WebhookStatus.ENABLED,
                    created_at=AT,
                )
            )

    async def deliver(self) -> tuple[WebhookDelivery, Sequence[WebhookAttempt]]:
        """Announce something, and take it there until that has ended."""
        async with self.database.write() as connection:
            body = body_of(WebhookEvent.WEBHOOK_TEST, {}, at=AT)
            (delivery_id,) = await write_deliveries(
                connection, ["whk_1"], WebhookEvent.WEBHOOK_TEST, body, at=AT
            )
        await self.client.execute_workflow(
            WebhookDeliveryWorkflow.run, delivery_id, id=delivery_id, task_queue="q"
        )
        async with self.database.read() as connection:
            deliveries = Deliveries(connection)
            return await deliveries.get("whk_1", delivery_id), await deliveries.attempts(
                delivery_id
            )

    async def webhook(self) -> Webhook:
        async with self.database.read() as connection:
            return await Webhooks(connection).get("whk_1", account_id="usr_1")


async def _no_names(_host: str, _port: int) -> Sequence[str]:
    raise OSError("only addresses here")


@pytest.fixture
async def post(time_skipping_env: WorkflowEnvironment, database: Database) -> AsyncIterator[Post]:
    client = time_skipping_env.client
    calls = WebhookActivities(
        StoredDeliveries(database, now=lambda: datetime.now(UTC)),
        HttpxSender(),
        Outbound(_no_names, private_allowed=True),
        secret="a secret that is long enough here",
    )
    async with (
        receiver() as hook,
        Worker(
            client,
            task_queue="q",
            workflows=[WebhookDeliveryWorkflow],
            workflow_runner=workflow_runner(),
        ),
        Worker(
            client,
            task_queue=webhook_task_queue("q"),
            activities=[calls.call_webhook, calls.give_up_webhook],
        ),
    ):
        made = Post(time_skipping_env, database, hook)
        await made.make()
        yield made


async def test_it_is_called_again_with_the_same_id_until_it_takes_it(post: Post) -> None:
    post.hook.statuses = [500, 302, 404]
    delivery, attempts = await post.deliver()
    assert delivery.status is DeliveryStatus.DELIVERED
    assert [attempt.status_code for attempt in attempts] == [500, 302, 404, 200]
    assert {call.headers["webhook-id"] for call in post.hook.received} == {delivery.event_id}
    assert {call.body for call in post.hook.received} == {delivery.body}
    assert (await post.webhook()).failing_since is None


async def test_after_a_day_it_is_given_up_and_said_so(post: Post) -> None:
    post.hook.status = 503
    delivery, attempts = await post.deliver()
    assert delivery.status is DeliveryStatus.FAILED
    assert delivery.ended_at is not None
    # 10 s, 30 s, 90 s … 3 h: often at first, seldom later, and for about a day.
    assert 12 <= len(attempts) <= 20
    closed = await post.client.get_workflow_handle(delivery.id).describe()
    assert closed.close_time is not None
    assert timedelta(hours=20) < closed.close_time - closed.start_time <= timedelta(hours=25)
    webhook = await post.webhook()
    assert webhook.status is WebhookStatus.ENABLED
    assert webhook.failing_since == attempts[0].at


async def test_a_webhook_that_fails_for_days_is_disabled(post: Post) -> None:
    post.hook.status = 503
    async with post.database.write() as connection:
        long_ago = datetime.now(UTC) - DISABLED_AFTER - timedelta(hours=1)
        await connection.execute(update(Webhook).values(failing_since=long_ago))
    await post.deliver()
    webhook = await post.webhook()
    assert webhook.status is WebhookStatus.DISABLED
    assert webhook.disabled_reason is not None
    delivery, attempts = await post.deliver()  # what was on the way ends without a call
    assert (delivery.status, len(attempts)) == (DeliveryStatus.FAILED, 0)


async def test_nobody_listens(post: Post) -> None:
    async with post.database.write() as connection:
        await connection.execute(update(Webhook).values(url="http://127.0.0.1:9/"))
    delivery, attempts = await post.deliver()
    assert delivery.status is DeliveryStatus.FAILED
    assert {attempt.status_code for attempt in attempts} == {None}
    assert all("The call failed" in (attempt.error or "") for attempt in attempts)


async def test_no_secret_is_in_the_history(post: Post) -> None:
    delivery, _ = await post.deliver()
    history = await post.client.get_workflow_handle(delivery.id).fetch_history()
    text = history.to_json()
    assert delivery.body not in text
    assert "whsec" not in text
    assert post.hook.url not in text
    async with post.database.read() as connection:
        assert "whsec" not in str((await connection.execute(select(Webhook.__table__))).all())


async def test_one_that_is_asked_for_again_before_its_workflow_has_ended(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    client, calls = time_skipping_env.client, 0

    @activity.defn(name="call_webhook")
    async def call_webhook(delivery_id: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            await client.get_workflow_handle(delivery_id).signal(DELIVER_AGAIN_SIGNAL)

    async with (
        Worker(
            client,
            task_queue="q",
            workflows=[WebhookDeliveryWorkflow],
            workflow_runner=workflow_runner(),
        ),
        Worker(client, task_queue=webhook_task_queue("q"), activities=[call_webhook]),
    ):
        await client.execute_workflow(
            WebhookDeliveryWorkflow.run, "dlv_1", id="dlv_1", task_queue="q"
        )
    assert calls == 2
