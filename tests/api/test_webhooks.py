"""Webhooks: from a fact to a receiver that listens, and all that can go wrong on the way."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update
from temporalio.client import Client

from domain.names import DELIVER_AGAIN_SIGNAL, delivery_workflow_id
from domain.webhooks import CHOOSABLE, DeliveryAttempt, WebhookAnswer, signature
from runtime.settings import Settings
from storage.deliveries import StoredDeliveries
from storage.engine import Database
from storage.models.webhooks import Webhook, WebhookDelivery
from temporal.dispatcher import Dispatcher
from tests.api.callers import V1, Caller, fields, problem
from tests.api.conftest import Outbox, Own, accept_invitation
from tests.api.test_commissioning import fail
from tests.support.eventually import eventually
from tests.support.receiver import Received, Receiver, receiver
from worker import make_webhook_worker

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PUBLIC = "https://93.184.216.34/hook"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        secret_key=SecretStr("test secret, long enough to be one"),
        allow_private_urls=True,
    )


@pytest.fixture
async def hook() -> AsyncIterator[Receiver]:
    async with receiver() as listening:
        yield listening


@pytest.fixture
async def calling(
    temporal_client: Client,
    database: Database,
    settings: Settings,
    task_queue: str,
    engine: None,  # noqa: ARG001 - the worker of the workflows
) -> AsyncIterator[None]:
    """The workers of workflows and of calls."""
    async with make_webhook_worker(
        temporal_client, database, settings=settings, task_queue=task_queue
    ):
        yield


async def webhook(installer: Caller, url: str, **fields: Any) -> dict[str, Any]:
    answer = await installer.post("/webhooks", {"url": url, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def ended(
    installer: Caller, webhook_id: str, delivery_id: str
) -> Callable[[], Awaitable[dict[str, Any]]]:
    async def look() -> dict[str, Any]:
        answer = await installer.get(f"/webhooks/{webhook_id}/deliveries/{delivery_id}")
        delivery: dict[str, Any] = answer.json()
        assert delivery["status"] != "pending", delivery
        return delivery

    return look


async def send_test(installer: Caller, dispatcher: Dispatcher, webhook_id: str) -> str:
    answer = await installer.post(f"/webhooks/{webhook_id}/test")
    assert answer.status_code == 202, answer.text
    await dispatcher.dispatch()
    return str(answer.json()["id"])


def is_signed(call: Received, secret: str) -> bool:
    signed = signature(
        secret,
        event_id=call.headers["webhook-id"],
        timestamp=int(call.headers["webhook-timestamp"]),
        body=call.body,
    )
    return signed in call.headers["webhook-signature"].split(" ")


class TestRegistry:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.post("/webhooks", {"url": 7}), 401, "token_missing")

    async def test_the_secret_is_told_once(self, installer: Caller, database: Database) -> None:
        made = await webhook(installer, PUBLIC, description="Ours")
        secret = made.pop("secret")
        assert secret.startswith("whsec_")
        assert made["events"] == [str(event) for event in CHOOSABLE]
        assert made["status"] == "enabled"
        shown = await installer.get(f"/webhooks/{made['id']}")
        assert shown.json() == made
        listed = await installer.get("/webhooks")
        assert listed.json() == {"items": [made], "next_cursor": None}
        async with database.read() as connection:
            row = (await connection.execute(select(Webhook.__table__))).one()
        assert secret not in str(row)
        other = await webhook(installer, PUBLIC)
        assert other["secret"] != secret

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "url"),
            ({"url": ""}, "url"),
            ({"url": PUBLIC, "events": []}, "events"),
            ({"url": PUBLIC, "events": ["commissioning.begun"]}, "events.0"),
            ({"url": PUBLIC, "events": ["webhook.test"]}, "events"),
            ({"url": PUBLIC, "secret": "mine"}, "secret"),
        ],
    )
    async def test_a_wrong_field_is_named(
        self, installer: Caller, body: dict[str, Any], field: str
    ) -> None:
        answer = await installer.post("/webhooks", body)
        assert fields(problem(answer, 422, "invalid_input")) == {field}

    async def test_an_account_has_ten(self, installer: Caller) -> None:
        for _ in range(10):
            await webhook(installer, PUBLIC)
        problem(await installer.post("/webhooks", {"url": PUBLIC}), 409, "too_many_webhooks")

    async def test_changed_disabled_enabled_deleted(
        self, installer: Caller, database: Database
    ) -> None:
        path = f"/webhooks/{(await webhook(installer, PUBLIC))['id']}"
        changed = await installer.patch(path, {"events": ["project.handed_over"], "url": PUBLIC})
        assert changed.json()["events"] == ["project.handed_over"]
        async with database.write() as connection:
            await connection.execute(
                update(Webhook).values(disabled_reason="x", failing_since=datetime.now(UTC))
            )
        disabled = await installer.patch(path, {"enabled": False})
        assert disabled.json()["status"] == "disabled"
        problem(await installer.post(f"{path}/test"), 409, "webhook_disabled")
        enabled = (await installer.patch(path, {"enabled": True})).json()
        assert (enabled["status"], enabled["disabled_reason"]) == ("enabled", None)
        assert enabled["failing_since"] is None
        assert (await installer.delete(path)).status_code == 204
        problem(await installer.get(path), 404, "webhook_not_found")


class TestOwner:
    async def test_anonymous(self, anonymous: Caller) -> None:
        answer = await anonymous.call("POST", f"{V1}/site-owner/webhooks", {"url": PUBLIC})
        problem(answer, 401, "token_missing")

    async def test_an_owner_has_webhooks_of_their_own(self, installer: Caller, owner: Own) -> None:
        facilities = await owner("facilities@riversidebp.com", await installer.project())
        path = f"{V1}/site-owner/webhooks"
        made = await facilities.call("POST", path, {"url": PUBLIC, "events": ["record.held"]})
        assert made.status_code == 201, made.text
        assert made.json()["secret"].startswith("whsec_")
        one = f"{path}/{made.json()['id']}"
        assert (await facilities.call("GET", one)).json()["events"] == ["record.held"]
        assert (await installer.get("/webhooks")).json()["items"] == []
        rotated = await facilities.call("POST", f"{one}/rotate-secret")
        assert rotated.json()["secret"] != made.json()["secret"]
        changed = await facilities.call("PATCH", one, {"enabled": False})
        assert changed.json()["status"] == "disabled"
        problem(await facilities.call("POST", f"{one}/test"), 409, "webhook_disabled")
        assert (await facilities.call("GET", f"{one}/deliveries")).json()["items"] == []
        assert (await facilities.call("DELETE", one)).status_code == 204
        assert (await facilities.call("GET", path)).json()["items"] == []


class TestRefusedUrls:
    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        return Settings(
            data_dir=tmp_path, secret_key=SecretStr("test secret, long enough to be one")
        )

    @pytest.mark.parametrize(
        "url",
        [
            *("http://93.184.216.34/", "https://127.0.0.1/", "https://localhost/", "ftp://x/"),
            *("https://169.254.169.254/", "https://[::1]/", "https://10.1.2.3:8443/", "x"),
        ],
    )
    async def test_when_it_is_made_and_when_it_is_changed(
        self, installer: Caller, url: str
    ) -> None:
        answer = await installer.post("/webhooks", {"url": url})
        assert fields(problem(answer, 422, "url_refused")) == {"url"}
        made = await webhook(installer, PUBLIC)
        answer = await installer.patch(f"/webhooks/{made['id']}", {"url": url})
        problem(answer, 422, "url_refused")

    async def test_when_it_is_called(
        self,
        installer: Caller,
        database: Database,
        dispatcher: Dispatcher,
        hook: Receiver,
        calling: None,
    ) -> None:
        """The address was public when the webhook was made, and is not any more."""
        made = await webhook(installer, PUBLIC)
        async with database.write() as connection:
            await connection.execute(
                update(Webhook).values(url=hook.url.replace("http://", "https://"))
            )
        delivery = await send_test(installer, dispatcher, made["id"])

        async def refused() -> None:
            path = f"/webhooks/{made['id']}/deliveries/{delivery}"
            attempts = (await installer.get(path)).json()["attempts"]
            assert attempts
            assert "no public address" in attempts[0]["error"]

        await eventually(refused)
        assert hook.received == []


class TestDelivery:
    async def test_a_verdict_arrives_signed_and_is_logged(
        self,
        installer: Caller,
        database: Database,
        dispatcher: Dispatcher,
        hook: Receiver,
        calling: None,
    ) -> None:
        made = await webhook(installer, hook.url, events=["commissioning.failed"])
        await webhook(installer, hook.url, events=["commissioning.completed"])
        identity = await installer.charge_point()
        await fail(database, installer, identity)
        await dispatcher.dispatch()
        (listed,) = (await installer.get(f"/webhooks/{made['id']}/deliveries")).json()["items"]
        delivery = await eventually(ended(installer, made["id"], listed["id"]))
        (call,) = hook.received
        assert delivery["status"] == "delivered"
        assert call.path == "/hook?x=1"
        assert call.headers["host"] == f"127.0.0.1:{hook.port}"
        assert call.headers["content-type"] == "application/json"
        assert call.headers["webhook-id"] == delivery["event_id"]
        assert is_signed(call, made["secret"])
        assert not is_signed(call, "whsec_AAAA")
        # It is the status, as the API answers it, and the project.
        told = call.event
        assert told["type"] == "commissioning.failed"
        project = told["data"].pop("project_id")
        shown = (await installer.get(f"/charge-points/{identity}")).json()
        assert project == shown["project_id"]
        assert told["data"] == (await installer.get(f"/commissioning/{identity}/status")).json()
        assert delivery["body"] == call.event
        (attempt,) = delivery["attempts"]
        assert (attempt["status_code"], attempt["response"]) == (200, "thanks")
        assert attempt["error"] is None

    async def test_an_invitation_and_a_handover_arrive(
        self,
        installer: Caller,
        anonymous: Caller,
        database: Database,
        dispatcher: Dispatcher,
        hook: Receiver,
        outbox: Outbox,
        calling: None,
    ) -> None:
        await webhook(installer, hook.url)
        project = await installer.project()
        body = {"email": "facilities@riversidebp.com"}
        answer = await installer.post(f"/projects/{project}/invite-site-owner", body)
        assert answer.status_code in {200, 201, 202}, answer.text
        await accept_invitation(anonymous, outbox)
        refused = await installer.post(
            f"/projects/{project}/complete-handover", {"installer_signature": "Alex"}
        )
        assert refused.status_code == 409  # it has no charge point: and nobody is told
        await dispatcher.dispatch()

        def arrived() -> None:
            assert len(hook.received) == 1

        await eventually(arrived)
        told = hook.received[0].event
        assert told["type"] == "invitation.accepted"
        assert told["data"]["project_id"] == project
        assert told["data"]["email"] == "facilities@riversidebp.com"
        assert told["data"]["invitation_id"].startswith("inv_")

    async def test_an_account_without_a_webhook_writes_nothing(
        self, installer: Caller, stranger: Caller, database: Database
    ) -> None:
        await webhook(stranger, PUBLIC)
        await fail(database, installer, await installer.charge_point())
        async with database.read() as connection:
            assert (await connection.execute(select(WebhookDelivery.__table__))).all() == []

    async def test_a_delivered_one_is_delivered_again_on_demand(
        self, installer: Caller, dispatcher: Dispatcher, hook: Receiver, calling: None
    ) -> None:
        made = await webhook(installer, hook.url)
        delivery = await send_test(installer, dispatcher, made["id"])
        await eventually(ended(installer, made["id"], delivery))
        path = f"/webhooks/{made['id']}/deliveries/{delivery}/redeliver"
        again = await installer.post(path)
        assert (again.status_code, again.json()["status"]) == (202, "pending")
        problem(await installer.post(path), 409, "delivery_pending")
        await dispatcher.dispatch()
        told = await eventually(ended(installer, made["id"], delivery))
        assert len(told["attempts"]) == 2
        first, second = hook.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        # It was being delivered; now it is not.
        assert (await installer.post(path)).status_code == 202

    async def test_one_whose_workflow_has_not_quite_ended_is_delivered_again(
        self,
        installer: Caller,
        database: Database,
        dispatcher: Dispatcher,
        temporal_client: Client,
    ) -> None:
        made = await webhook(installer, PUBLIC)
        delivery = await send_test(installer, dispatcher, made["id"])
        records = StoredDeliveries(database, now=lambda: datetime.now(UTC))
        taken = DeliveryAttempt(
            at=datetime.now(UTC),
            duration=timedelta(),
            answer=WebhookAnswer(status_code=204, text=""),
        )
        await records.attempted(delivery, made["id"], taken)  # no worker: the workflow stays open
        path = f"/webhooks/{made['id']}/deliveries/{delivery}/redeliver"
        assert (await installer.post(path)).status_code == 202
        await dispatcher.dispatch()
        handle = temporal_client.get_workflow_handle(delivery_workflow_id(delivery))
        told = [
            event.workflow_execution_signaled_event_attributes.signal_name
            async for event in handle.fetch_history_events()
        ]
        assert DELIVER_AGAIN_SIGNAL in told

    async def test_one_that_is_gone_is_disabled_at_once(
        self, installer: Caller, dispatcher: Dispatcher, hook: Receiver, calling: None
    ) -> None:
        hook.status = 410
        made = await webhook(installer, hook.url)
        delivery = await send_test(installer, dispatcher, made["id"])
        told = await eventually(ended(installer, made["id"], delivery))
        assert (told["status"], len(told["attempts"])) == ("failed", 1)
        shown = (await installer.get(f"/webhooks/{made['id']}")).json()
        assert shown["status"] == "disabled"
        assert "410" in shown["disabled_reason"]

    async def test_for_a_day_the_old_secret_holds_too(
        self,
        installer: Caller,
        database: Database,
        dispatcher: Dispatcher,
        hook: Receiver,
        calling: None,
    ) -> None:
        made = await webhook(installer, hook.url)
        rotated = (await installer.post(f"/webhooks/{made['id']}/rotate-secret")).json()
        assert rotated["secret"] != made["secret"]
        delivery = await send_test(installer, dispatcher, made["id"])
        await eventually(ended(installer, made["id"], delivery))
        assert is_signed(hook.received[0], made["secret"])
        assert is_signed(hook.received[0], rotated["secret"])
        async with database.write() as connection:
            await connection.execute(
                update(Webhook).values(
                    retired_at=[(datetime.now(UTC) - timedelta(days=2)).isoformat()]
                )
            )
        delivery = await send_test(installer, dispatcher, made["id"])
        await eventually(ended(installer, made["id"], delivery))
        assert not is_signed(hook.received[1], made["secret"])
        assert is_signed(hook.received[1], rotated["secret"])


class TestOutbox:
    async def test_what_was_dispatched_and_is_unknown_to_temporal_is_started_again(
        self,
        installer: Caller,
        database: Database,
        dispatcher: Dispatcher,
        hook: Receiver,
        calling: None,
    ) -> None:
        made = await webhook(installer, hook.url)
        delivery = (await installer.post(f"/webhooks/{made['id']}/test")).json()["id"]
        async with database.write() as connection:
            await connection.execute(
                update(WebhookDelivery).values(
                    dispatched_at=datetime.now(UTC) - timedelta(minutes=1)
                )
            )
        await dispatcher.dispatch()  # to it, nothing waits
        assert hook.received == []
        await dispatcher.look_after()
        await eventually(ended(installer, made["id"], delivery))

    async def test_two_dispatchers_start_one_workflow(
        self,
        installer: Caller,
        database: Database,
        dispatcher: Dispatcher,
        temporal_client: Client,
    ) -> None:
        made = await webhook(installer, PUBLIC)
        delivery = await send_test(installer, dispatcher, made["id"])
        handle = temporal_client.get_workflow_handle(delivery_workflow_id(delivery))
        first = (await handle.describe()).run_id
        async with database.write() as connection:  # the other has read before the mark
            await connection.execute(update(WebhookDelivery).values(dispatched_at=None))
        await dispatcher.dispatch()
        assert (await handle.describe()).run_id == first
        await handle.terminate()

    async def test_old_ones_are_forgotten(
        self, installer: Caller, database: Database, dispatcher: Dispatcher
    ) -> None:
        made = await webhook(installer, PUBLIC)
        await installer.post(f"/webhooks/{made['id']}/test")
        async with database.write() as connection:
            await connection.execute(
                update(WebhookDelivery).values(
                    status="failed", ended_at=datetime.now(UTC) - timedelta(days=31)
                )
            )
        await dispatcher.look_after()
        listed = await installer.get(f"/webhooks/{made['id']}/deliveries")
        assert json.loads(listed.text)["items"] == []
