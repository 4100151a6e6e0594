"""The outbox of webhooks, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from domain.checks import RunView
from domain.errors import ConflictError, NotFoundError
from domain.handover import CompleteHandover
from domain.states import (
    ChargePointStatus,
    DeliveryStatus,
    InvitationStatus,
    RunStatus,
    WebhookStatus,
)
from domain.webhooks import CHOOSABLE, DeliveryAttempt, WebhookAnswer, WebhookEvent
from storage.announcements import announce_handover, announce_invitation, announce_verdict
from storage.catalogue import load_catalogue
from storage.deliveries import Deliveries, StoredDeliveries, WaitingDelivery
from storage.engine import Database
from storage.handover import Handover
from storage.models.webhooks import Webhook, WebhookAttempt, WebhookDelivery
from storage.runs import Runs
from storage.webhooks import Webhooks
from tests.support.rows import AT, one_charge_point, run_request

WEBHOOK = Webhook(
    id="whk_1",
    account_id="usr_1",
    url="https://hooks.acme.example/",
    description=None,
    events=list(CHOOSABLE),
    status=WebhookStatus.ENABLED,
    created_at=AT,
)
VIEW = RunView(
    commissioning_id="com_1",
    charge_point_id="cp_1",
    status=RunStatus.COMPLETED,
    checks=(),
    started_at=AT,
    completed_at=AT,
)


@pytest.fixture
async def site(database: Database) -> Database:
    """One charge point, a run of it, and three webhooks: one that wants it, two that do not."""
    await one_charge_point(database)
    async with database.write() as connection:
        hooks = Webhooks(connection)
        await hooks.create(WEBHOOK)
        of_failures = {"id": "whk_2", "events": [WebhookEvent.COMMISSIONING_FAILED]}
        await hooks.create(WEBHOOK.model_copy(update=of_failures))
        disabled = {"id": "whk_3", "status": WebhookStatus.DISABLED}
        await hooks.create(WEBHOOK.model_copy(update=disabled))
        await Runs(connection).create_starting(run_request())
    return database


async def deliveries(database: Database) -> list[tuple[str, str]]:
    async with database.read() as connection:
        rows = await connection.execute(select(WebhookDelivery.__table__))
        return [(row.webhook_id, row.event) for row in rows]


async def announced(database: Database) -> str:
    async with database.write() as connection:
        assert await Runs(connection).finish(VIEW)
    async with database.read() as connection:
        (waiting,) = await Deliveries(connection).waiting(limit=10)
        assert not waiting.again
    return waiting.id


async def test_a_verdict_is_announced_once_to_who_wants_it(site: Database) -> None:
    await announced(site)
    async with site.write() as connection:
        assert not await Runs(connection).finish(VIEW)  # a repeat
    assert await deliveries(site) == [("whk_1", "commissioning.completed")]


async def test_a_fact_that_is_not_committed_is_not_announced(site: Database) -> None:
    async def interrupted() -> None:
        async with site.write() as connection:
            assert await Runs(connection).finish(VIEW)
            raise ConnectionError("in the middle of it")

    with pytest.raises(ConnectionError):
        await interrupted()
    assert await deliveries(site) == []


async def test_a_handover_is_announced(database: Database) -> None:
    await one_charge_point(database, status=ChargePointStatus.COMMISSIONED)
    request = CompleteHandover(sign_off_notes=None, installer_signature="A")
    async with database.write() as connection:
        await Webhooks(connection).create(WEBHOOK)
        for _ in range(2):  # the second time it is handed over already
            done = await Handover(connection, load_catalogue()).complete("prj_1", request, at=AT)
            assert done.completed_at == AT
    assert await deliveries(database) == [("whk_1", "project.handed_over")]


async def test_the_outbox_empties_as_deliveries_are_dispatched(site: Database) -> None:
    delivery = await announced(site)
    async with site.write() as connection:
        outbox = Deliveries(connection)
        await outbox.mark_dispatched([delivery], at=AT)
        assert await outbox.waiting(limit=10) == []
        later = AT + timedelta(minutes=1)
        assert await outbox.dispatched(before=later, after="", limit=10) == [delivery]
        assert await outbox.dispatched(before=AT, after="", limit=10) == []
        assert await outbox.dispatched(before=later, after=delivery, limit=10) == []


def attempt(status: int | None) -> DeliveryAttempt:
    answer = None if status is None else WebhookAnswer(status_code=status, text="thanks")
    return DeliveryAttempt(
        at=datetime.now(UTC),
        duration=timedelta(milliseconds=20),
        answer=answer,
        error=None if answer else "The call failed.",
    )


async def test_a_delivery_from_its_first_call_to_its_second_life(site: Database) -> None:
    delivery_id = await announced(site)
    records = StoredDeliveries(site, now=lambda: datetime.now(UTC))
    call = await records.call(delivery_id)
    assert call is not None
    assert (call.url, call.secret_versions) == (WEBHOOK.url, (1,))
    await records.attempted(delivery_id, "whk_1", attempt(None))
    assert await records.call(delivery_id) == call
    await records.attempted(delivery_id, "whk_1", attempt(204))
    assert await records.call(delivery_id) is None
    await records.give_up(delivery_id)  # too late to change anything
    async with site.write() as connection:
        hooks, outbox = Webhooks(connection), Deliveries(connection)
        assert (await hooks.get("whk_1", account_id="usr_1")).failing_since is None
        delivery = await outbox.get("whk_1", delivery_id)
        assert delivery.status is DeliveryStatus.DELIVERED
        calls = await outbox.attempts(delivery_id)
        assert [(one.status_code, one.error) for one in calls] == [
            (None, "The call failed."),
            (204, None),
        ]
        await outbox.reopen(delivery)
        assert await outbox.waiting(limit=10) == [WaitingDelivery(id=delivery_id, again=True)]
        with pytest.raises(ConflictError):
            await outbox.reopen(delivery)
    assert await records.call(delivery_id) == call


async def test_the_secret_before_the_newest_signs_for_a_day(site: Database) -> None:
    delivery_id = await announced(site)
    now = datetime.now(UTC)
    async with site.write() as connection:
        await Webhooks(connection).rotate_secret("whk_1", at=now)
    call = await StoredDeliveries(site, now=lambda: now).call(delivery_id)
    assert call is not None
    assert call.secret_versions == (2, 1)
    later = now + timedelta(days=1)
    call = await StoredDeliveries(site, now=lambda: later).call(delivery_id)
    assert call is not None
    assert call.secret_versions == (2,)


async def test_each_secret_signs_for_a_day_after_it_was_replaced(site: Database) -> None:
    """Whoever asks again because the answer was lost has not broken the receiver with it."""
    delivery_id = await announced(site)
    for hour in (0, 1):
        async with site.write() as connection:
            await Webhooks(connection).rotate_secret("whk_1", at=AT + timedelta(hours=hour))
    for hour, versions in ((1, (3, 2, 1)), (24, (3, 2)), (25, (3,))):
        now = AT + timedelta(hours=hour)
        call = await StoredDeliveries(site, now=lambda now=now: now).call(delivery_id)  # type: ignore[misc]
        assert call is not None
        assert call.secret_versions == versions
    async with site.write() as connection:
        for _ in range(9):
            await Webhooks(connection).rotate_secret("whk_1", at=now)
    call = await StoredDeliveries(site, now=lambda: now).call(delivery_id)
    assert call is not None
    assert call.secret_versions == tuple(range(12, 6, -1))  # so many signatures, and no more


async def test_a_deleted_webhook_takes_its_log_along(site: Database) -> None:
    delivery_id = await announced(site)
    records = StoredDeliveries(site, now=lambda: AT)
    await records.attempted(delivery_id, "whk_1", attempt(500))
    async with site.write() as connection:
        await Webhooks(connection).delete("whk_1")
    assert await records.call(delivery_id) is None
    await records.attempted(delivery_id, "whk_1", attempt(500))  # a call that was on its way
    await records.give_up(delivery_id)
    async with site.read() as connection:
        assert (await connection.execute(select(WebhookAttempt.__table__))).all() == []
        with pytest.raises(NotFoundError):
            await Webhooks(connection).get("whk_1", account_id="usr_1")


async def test_what_ended_long_ago_is_forgotten(site: Database) -> None:
    delivery_id = await announced(site)
    async with site.write() as connection:
        await Deliveries(connection).forget(before=AT + timedelta(days=1))
        assert len(await Deliveries(connection).waiting(limit=10)) == 1  # it has not ended
        await connection.execute(update(WebhookDelivery).values(ended_at=AT, status="failed"))
        await Deliveries(connection).forget(before=AT + timedelta(days=1))
        with pytest.raises(NotFoundError):
            await Deliveries(connection).get("whk_1", delivery_id)


async def test_its_owner_hears_of_runs_and_of_the_handover_and_of_no_invitations(
    database: Database,
) -> None:
    await one_charge_point(database, status=ChargePointStatus.COMMISSIONED)
    async with database.write() as connection:
        hooks = Webhooks(connection)
        await hooks.create(WEBHOOK)
        await hooks.create(WEBHOOK.model_copy(update={"id": "whk_2", "account_id": "usr_2"}))
        await Runs(connection).create_starting(run_request())
        await announce_verdict(connection, VIEW, at=AT)
        await announce_handover(connection, "prj_1", at=AT)
        await announce_invitation(
            connection,
            "prj_1",
            InvitationStatus.DECLINED,
            invitation_id="inv_1",
            email="a@b.example",
            reason=None,
            at=AT,
        )
    told = await deliveries(database)
    both = {"commissioning.completed", "project.handed_over"}
    assert {event for webhook, event in told if webhook == "whk_2"} == both
    assert {event for webhook, event in told if webhook == "whk_1"} == both | {
        "invitation.declined"
    }
