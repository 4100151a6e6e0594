"""The test bed of the OCPP server: a node, a seeded registry, a bare OCPP client."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import col
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from domain.billing.messages import BillTransaction
from domain.facts import ChargePointEvent, EventKind
from domain.ids import Prefix, new_id
from ocpp_server.node import Node
from ocpp_server.operations import Gateway
from ocpp_server.protocol import Protocols
from ocpp_server.server import Limits
from storage.engine import Database
from storage.models.accounts import Account
from storage.models.base import TableModel
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.runs import CommissioningRun
from tests.support.ocpp import PROTOCOLS
from tests.support.rows import run_request

SECRET = b"0123456789abcdef0123456789abcdef"
WITHIN = 30.0


class RecordingSink:
    """Keeps what would have been signalled."""

    def __init__(self) -> None:
        self.delivered: list[tuple[str, ChargePointEvent]] = []
        self.configured: list[str] = []
        self.billed: list[BillTransaction] = []
        self._changed = asyncio.Event()

    def deliver(self, workflow_id: str, event: ChargePointEvent) -> None:
        self.delivered.append((workflow_id, event))
        self._changed.set()

    def configure(self, charge_point_id: str) -> None:
        self.configured.append(charge_point_id)
        self._changed.set()

    def bill(self, due: BillTransaction) -> None:
        self.billed.append(due)
        self._changed.set()

    @property
    def kinds(self) -> list[EventKind]:
        return [event.kind for _, event in self.delivered]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@dataclass(eq=False)
class Wire:
    """A charge point at its barest: sends what it is told, answers what it is told."""

    socket: ClientConnection
    number: int = 0
    patience: float = WITHIN

    async def call(self, action: str, payload: dict[str, Any]) -> Any:
        """Send a CALL and return the answer's frame."""
        self.number += 1
        return await self.raw(json.dumps([2, str(self.number), action, payload]))

    async def raw(self, text: str | bytes) -> Any:
        await self.socket.send(text)
        return await self.frame()

    async def frame(self) -> Any:
        async with asyncio.timeout(self.patience):
            return json.loads(await self.socket.recv())

    async def boot(self) -> Any:
        reply = await self.call(
            "BootNotification",
            {
                "chargePointVendor": "ABB",
                "chargePointModel": "Terra AC W22",
                "chargePointSerialNumber": "SN-1",
                "firmwareVersion": "1.8.21",
            },
        )
        return reply[2]

    async def sync(self) -> None:
        """Return once all that was sent before is handled."""
        frame = await self.call("Heartbeat", {})
        assert frame[0] == 3


@dataclass
class Bed:
    """The test bed: a node, and ways to look behind it."""

    database: Database
    node: Node
    sink: RecordingSink
    port: int
    charge_point_id: str

    @property
    def gateway(self) -> Gateway:
        return Gateway(self.node.registry, self.database)

    def url(self, identity: str | None = None) -> str:
        return f"ws://127.0.0.1:{self.port}/{identity or self.charge_point_id}"

    @asynccontextmanager
    async def wire(
        self, identity: str | None = None, *, patience: float = WITHIN, **options: Any
    ) -> AsyncIterator[Wire]:
        options.setdefault("subprotocols", [Subprotocol("ocpp1.6")])
        async with connect(self.url(identity), compression=None, **options) as socket:
            yield Wire(socket, patience=patience)

    async def rows(self, table: type[TableModel]) -> list[Any]:
        async with self.database.read() as connection:
            return list(await connection.execute(select(table.__table__)))

    async def set(self, **values: Any) -> None:
        """Change the charge point's row."""
        async with self.database.write() as connection:
            await connection.execute(
                update(ChargePoint)
                .where(col(ChargePoint.id) == self.charge_point_id)
                .values(**values)
            )

    async def watch(self, workflow_id: str = "commissioning-x", run: str = "com_x") -> None:
        await self.set(watched_by=workflow_id, watched_run=run)

    async def open_site(self) -> None:
        """Hand the project over to an owner who lets everybody charge."""
        async with self.database.write() as connection:
            await connection.execute(update(Project).values(status="handed_over", access="open"))
            await connection.execute(update(ChargePoint).values(status="commissioned"))

    async def neighbour(self, *, place: str) -> str:
        """Register another charge point of the project; returns its id."""
        async with self.database.write() as connection:
            row = (await connection.execute(select(ChargePoint.__table__))).one()
            other = new_id(Prefix.CHARGE_POINT)
            own = {"id": other, "serial_number": other, "serial_key": other.casefold()}
            values = dict(row._mapping) | own | {"location_address": place}
            await connection.execute(insert(ChargePoint).values(values))
        return other

    async def open_run(self, *, id_tag: str) -> str:
        """Make an open commissioning run with that tag."""
        run_id = new_id(Prefix.COMMISSIONING)
        async with self.database.write() as connection:
            project_id = await connection.scalar(select(col(ChargePoint.project_id)))
            await connection.execute(
                insert(CommissioningRun).values(
                    id=run_id,
                    charge_point_id=self.charge_point_id,
                    project_id=project_id,
                    status="in_progress",
                    request=run_request(self.charge_point_id, commissioning_id=run_id),
                    started_at=datetime.now(UTC),
                    id_tag=id_tag,
                )
            )
        return run_id


async def seed(database: Database, count: int = 1) -> list[str]:
    """Register charge points and return their ids."""
    now = datetime.now(UTC)
    account, project = new_id(Prefix.ACCOUNT), new_id(Prefix.PROJECT)
    ids = [new_id(Prefix.CHARGE_POINT) for _ in range(count)]
    async with database.write() as connection:
        await connection.execute(
            insert(Account).values(
                id=account,
                role="installer",
                email=f"{account}@example.org",
                name="I",
                password_hash="x",
                created_at=now,
            )
        )
        await connection.execute(
            insert(Project).values(
                id=project,
                installer_id=account,
                name="P",
                address="A",
                site_owner_email="o@example.org",
                status="in_progress",
                created_at=now,
            )
        )
        await connection.execute(
            insert(ChargePoint),
            [
                {
                    "id": charge_point_id,
                    "project_id": project,
                    "serial_number": charge_point_id,
                    "serial_key": charge_point_id,
                    "model": "ABB Terra AC W22",
                    "vendor": "ABB",
                    "ocpp_version": "1.6",
                    "status": "registered",
                    "created_at": now,
                    "provisioned_at": now,
                }
                for charge_point_id in ids
            ],
        )
    return ids


def make_node(
    database: Database, sink: RecordingSink, *, protocols: Protocols = PROTOCOLS, **limits: Any
) -> Node:
    return Node(
        node_id=new_id(Prefix.NODE),
        database=database,
        sink=sink,
        protocols=protocols,
        secret=SECRET,
        limits=Limits(**{"call_timeout": 2.0, **limits}),
    )
