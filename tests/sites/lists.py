"""A site that was handed over, whose charge points keep lists of id tags."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update
from sqlmodel import col

from domain.audit import ENGINE
from domain.billing.cdr import Cdr
from domain.names import local_list_workflow_id
from domain.states import ChargePointStatus, FeatureState, ProjectStatus
from domain.withdrawals import WithdrawalOrder
from simulator import Fault, State, VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22, Profile
from storage.billing_activation import BillingActivation
from storage.charge_points import ChargePoints
from storage.features import ChargePointFeatureStatus, offline_charging
from storage.local_lists import QUIET
from storage.models.charge_points import ChargePoint
from storage.models.connections import ChargePointConnection
from storage.models.facts import Boot
from storage.models.projects import Project
from storage.models.transactions import Transaction
from storage.tariffs import Tariffs
from storage.withdrawals import Withdrawals
from temporal.reconciler import Reconciler
from tests.api.callers import Caller
from tests.faults.stage import Stage
from tests.support.billing import energy_tariff, records_of, stored_tariff
from tests.support.eventually import eventually


@dataclass(kw_only=True)
class ListedSite:
    """One charge point of it, and its owner."""

    stage: Stage
    charger: VirtualChargePoint
    owner: Caller
    reconciler: Reconciler
    link: AsyncExitStack

    async def darken(self) -> None:
        """Cut it off from the engine; it goes on by itself."""
        await self.link.aclose()

    async def relight(self) -> None:
        """Let it reach the engine again."""
        await self.link.enter_async_context(self.stage.alive(self.charger))
        await self.charger.until(lambda: self.charger.state is State.ACCEPTED)

    @property
    def path(self) -> str:
        return f"/api/v1/site-owner/projects/{self.stage.project.id}"

    async def customize(self, key: str, value: object) -> None:
        """Choose a value for the charge point, as its owner."""
        body = {"parameters": [{"key": key, "value": value}]}
        path = f"{self.path}/charge-points/{self.charger.identity}/config/customize"
        answer = await self.owner.call("POST", path, body)
        assert answer.is_success, answer.text

    async def price(self, price: str) -> None:
        """Sell a kWh for so much from now on."""
        async with self.stage.database.write() as connection:
            since = datetime.now(UTC) - timedelta(minutes=5)
            tariff = stored_tariff(energy_tariff(price), valid_from=since)
            tariff = replace(tariff, set_by=self.stage.installer.id)
            await Tariffs(connection, self.stage.project.id).add(tariff, by=ENGINE)
            await BillingActivation(connection, self.stage.project.id).activate(at=since)

    async def billed(self) -> Cdr:
        """The one session that was billed."""
        async with self.stage.database.read() as connection:
            [transaction] = await connection.scalars(select(col(Transaction.id)))
            [record] = await records_of(connection, transaction)
        return record

    async def order_away(self) -> None:
        """Have it taken out of its site as soon as that can be."""
        async with self.stage.database.write() as connection:
            found = await ChargePoints(connection).in_project(
                self.charger.identity, self.stage.project.id
            )
            order = WithdrawalOrder(by=ENGINE, reason="It leaves.", asked_at=datetime.now(UTC))
            await Withdrawals(connection).withdraw(found, order, end_run=False)

    async def take_out(self) -> None:
        """Let its site have seen that it cannot draw any more."""
        async with self.stage.database.write() as connection:
            now = datetime.now(UTC)
            assert await Withdrawals(connection).complete(
                self.charger.identity, at=now, by_site=True
            )

    async def generation(self) -> int:
        """Of its newest connection."""
        async with self.stage.database.read() as connection:
            found: int | None = await connection.scalar(
                select(col(ChargePointConnection.generation))
            )
        assert found is not None
        return found

    async def until_newer(self, generation: int) -> None:
        """Until it has connected anew."""

        async def there() -> None:
            assert await self.generation() > generation

        await eventually(there)

    async def until_booted(self, times: int) -> None:
        """Until the engine has stored so many boots, and has it connected."""

        async def there() -> None:
            async with self.stage.database.read() as connection:
                told = await connection.scalar(select(func.coalesce(func.sum(col(Boot.times)), 0)))
            assert told == times

        await eventually(there)
        await self.charger.until(lambda: self.charger.state is State.ACCEPTED)

    async def put(self, *id_tags: str) -> None:
        for one in id_tags:
            answer = await self.owner.call("PUT", f"{self.path}/id-tags/{one}")
            assert answer.is_success, answer.text

    async def remove(self, id_tag: str) -> None:
        answer = await self.owner.call("DELETE", f"{self.path}/id-tags/{id_tag}")
        assert answer.is_success, answer.text

    async def choose(self, **access: str) -> None:
        answer = await self.owner.call("PUT", f"{self.path}/access", access)
        assert answer.is_success, answer.text

    async def reconcile(self) -> None:
        """A round of the reconciler, and the end of what it has begun."""
        await self.reconciler.reconcile()
        handle = self.stage.client.get_workflow_handle(
            local_list_workflow_id(self.charger.identity)
        )
        await handle.result()

    async def history(self) -> str:
        """All that Temporal keeps of the newest update."""
        handle = self.stage.client.get_workflow_handle(
            local_list_workflow_id(self.charger.identity)
        )
        return "".join(str(event) for event in (await handle.fetch_history()).events)

    async def offline(self) -> ChargePointFeatureStatus:
        """What the features say of the charge point."""
        async with self.stage.database.read() as connection:
            status = await offline_charging(connection, self.stage.project.id)
        [found] = status.charge_points
        assert status.state is found.state
        return found

    async def says(self, state: FeatureState, said: str, action: str | None = None) -> None:
        found = await self.offline()
        assert (found.state, found.cause) == (state, said)
        assert (found.action or "").startswith(action or ""), found.action
        assert (found.action is None) is (action is None), found.action


@asynccontextmanager
async def listed_site(
    stage: Stage, *faults: Fault, profile: Profile = ABB_TERRA_AC_W22
) -> AsyncIterator[ListedSite]:
    owner = await stage.owner()
    async with stage.database.write() as connection:
        await connection.execute(
            update(Project).values(
                status=ProjectStatus.HANDED_OVER, handed_over_at=datetime.now(UTC)
            )
        )
    async with AsyncExitStack() as link:
        charger = await link.enter_async_context(stage.powered(*faults, profile=profile))
        async with stage.database.write() as connection:
            await connection.execute(
                update(ChargePoint).values(
                    provisioned_at=datetime.now(UTC), status=ChargePointStatus.COMMISSIONED
                )
            )
        await charger.until(lambda: charger.state is State.ACCEPTED)
        yield ListedSite(
            stage=stage,
            charger=charger,
            link=link,
            owner=owner,
            reconciler=Reconciler(
                stage.client,
                stage.database,
                now=lambda: datetime.now(UTC) + QUIET + timedelta(seconds=1),
                task_queue=stage.task_queue,
            ),
        )


async def settled(site: ListedSite, state: FeatureState) -> ChargePointFeatureStatus:
    """Until the features say so."""

    async def there() -> ChargePointFeatureStatus:
        found = await site.offline()
        assert found.state is state, found
        return found

    return await eventually(there)
