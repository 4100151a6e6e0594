"""What a site owner has charge points do, from the handover on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col
from temporalio.client import Client

from api.deps import now
from domain import operations as op
from domain.commissioning import RunOptions, RunRequest
from domain.facts import ConnectorFact
from domain.ids import Prefix, new_id
from domain.operations import Reply
from domain.states import AccessMode, ChargePointStatus, ProjectStatus, Role
from storage.access import Access, admitted
from storage.engine import Database
from storage.fact_records import ConnectorStatus, TransactionStart
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.models.transactions import Transaction
from storage.runs import Runs
from storage.store_facts import store_facts
from tests.api.callers import V1, Caller, problem
from tests.api.conftest import Own
from tests.api.node import Node, connected_node
from tests.api.test_audit import trail

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("engine"),
]
TAG = "04A2B3C4"


class Site:
    """A site that its owner runs, with one charge point that is connected."""

    def __init__(self, owner: Caller, database: Database, project: str, charge_point: str) -> None:
        self.owner = owner
        self.database = database
        self.project = project
        self.charge_point = charge_point
        self._path = f"/api/v1/site-owner/projects/{project}/charge-points/{charge_point}"

    async def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = await self.owner.call(method, f"{self._path}{path}", body)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def let_everybody_charge(self) -> None:
        path = f"{V1}/site-owner/projects/{self.project}/access"
        answer = await self.owner.call("PUT", path, {"mode": "open"})
        assert answer.is_success, answer.text

    async def refused(
        self, method: str, path: str, status: int, code: str, body: Any = None
    ) -> dict[str, Any]:
        return problem(await self.owner.call(method, f"{self._path}{path}", body), status, code)

    async def session(self) -> int:
        start = TransactionStart(
            charge_point_id=self.charge_point,
            connector_id=1,
            id_tag=TAG,
            started_at=now(),
            meter_start=0,
            received_at=now(),
        )
        async with self.database.write() as connection:
            await store_facts(connection, [start])
        return start.number


@pytest.fixture
async def site(installer: Caller, owner: Own, database: Database) -> Site:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    facilities = await owner("facilities@riversidebp.com", project)
    async with database.write() as connection:
        await connection.execute(update(Project).values(status=ProjectStatus.HANDED_OVER))
        await connection.execute(update(ChargePoint).values(status=ChargePointStatus.COMMISSIONED))
    return Site(facilities, database, project, charge_point)


@pytest.fixture
async def node(site: Site, temporal_client: Client) -> AsyncIterator[Node]:
    async with connected_node(temporal_client, site.database, site.charge_point) as connected:
        yield connected


COMMANDS: list[tuple[str, str, Any]] = [
    ("PUT", "/connectors/1/availability", {"available": False}),
    ("POST", "/connectors/1/unlock", None),
    ("POST", "/connectors/1/start", {"id_tag": TAG}),
    ("POST", "/transactions/1/stop", None),
    ("POST", "/reset", {"stop_sessions": True}),
    ("POST", "/config/customize", {"parameters": [{"key": "HeartbeatInterval", "value": 30}]}),
]


async def test_anonymous(anonymous: Caller, site: Site) -> None:
    of_it = f"/api/v1/site-owner/projects/{site.project}/charge-points/{site.charge_point}"
    for method, path, body in COMMANDS:
        problem(await anonymous.call(method, f"{of_it}{path}", body), 401, "token_missing")


async def test_before_the_handover_it_is_the_installers(site: Site) -> None:
    async with site.database.write() as connection:
        await connection.execute(update(Project).values(status=ProjectStatus.IN_PROGRESS))
    for method, path, body in COMMANDS:
        await site.refused(method, path, 409, "project_not_handed_over", body)


async def test_a_connector_is_taken_out_of_use_and_it_is_in_the_trail(
    site: Site, node: Node
) -> None:
    shown = await site.call("PUT", "/connectors/1/availability", {"available": False})
    assert (shown["command"], shown["outcome"]) == ("availability", "accepted")
    assert node.commands == [
        op.ChangeAvailability(charge_point_id=site.charge_point, connector_id=1, operative=False)
    ]
    entry = (await trail(site.owner, site.project, "site-owner"))[-1]
    assert (entry["action"], entry["target"]) == ("charge_point.commanded", site.charge_point)
    assert entry["after"] == {
        "command": "availability",
        "command_id": shown["command_id"],
        "connector_id": 1,
        "available": False,
    }


async def test_each_command_is_in_the_trail(site: Site, node: Node) -> None:
    await site.session()
    async with site.database.write() as connection:
        await Access(connection, site.project).set_mode(
            AccessMode.OPEN, by=Role.SITE_OWNER, at=datetime.now(UTC)
        )
    begun = len(await trail(site.owner, site.project, "site-owner"))
    for number, (method, path, body) in enumerate(COMMANDS, start=1):
        await site.call(method, path, body)
        entries = (await trail(site.owner, site.project, "site-owner"))[begun:]
        assert len(entries) == number, path
        assert entries[-1]["email"] == site.owner.email
    assert node.commands


async def test_a_plug_is_let_go_and_a_refusal_is_told(site: Site, node: Node) -> None:
    node.reply = Reply.REJECTED
    shown = await site.call("POST", "/connectors/2/unlock")
    assert (shown["outcome"], shown["detail"]) == ("rejected", "The charge point has refused it.")
    (sent,) = node.commands
    assert isinstance(sent, op.UnlockConnector)
    assert (sent.connector_id, sent.intent) == (2, shown["command_id"])


async def test_a_session_is_started_for_a_tag_that_may_charge(site: Site, node: Node) -> None:
    body = {"id_tag": TAG}
    await site.refused("POST", "/connectors/1/start", 409, "id_tag_not_admitted", body)
    assert node.commands == []
    await site.let_everybody_charge()
    assert (await site.call("POST", "/connectors/1/start", body))["outcome"] == "accepted"
    (sent,) = node.commands
    assert isinstance(sent, op.StartTestTransaction)
    assert (sent.connector_id, sent.id_tag) == (1, TAG)


async def test_the_sessions_that_run_are_listed(anonymous: Caller, site: Site) -> None:
    path = f"/api/v1/site-owner/projects/{site.project}/sessions"
    problem(await anonymous.call("GET", path), 401, "token_missing")
    ended, runs = await site.session(), await site.session()
    async with site.database.write() as connection:
        await connection.execute(
            update(Transaction).where(col(Transaction.id) == ended).values(stopped_at=now())
        )
    (shown,) = (await site.owner.call("GET", path)).json()["items"]
    assert (shown["transaction_id"], shown["charge_point_id"]) == (str(runs), site.charge_point)
    assert (shown["connector_id"], shown["id_tag"]) == (1, TAG)


async def test_a_session_is_stopped_and_no_other(site: Site, node: Node) -> None:
    transaction = await site.session()
    path = f"/transactions/{transaction + 1}/stop"
    await site.refused("POST", path, 404, "transaction_not_found")
    shown = await site.call("POST", f"/transactions/{transaction}/stop")
    assert shown["outcome"] == "accepted"
    assert node.commands == [
        op.StopTestTransaction(charge_point_id=site.charge_point, transaction_id=str(transaction))
    ]


async def test_a_connector_that_is_not_there(site: Site, node: Node) -> None:
    one = ConnectorStatus(
        charge_point_id=site.charge_point,
        fact=ConnectorFact(connector_id=1, status="Available", error_code="NoError", at=now()),
        stamped_at=now(),
    )
    async with site.database.write() as connection:
        await store_facts(connection, [one])
    refused = await site.refused("POST", "/connectors/2/unlock", 404, "connector_not_found")
    assert refused["detail"] == "The charge point has no connector 2; it has reported 1."
    assert node.commands == []


async def test_it_is_not_restarted_under_a_session_by_mistake(site: Site, node: Node) -> None:
    transaction = await site.session()
    refused = await site.refused("POST", "/reset", 409, "charging")
    assert refused["transaction_ids"] == [str(transaction)]
    assert node.resets == []
    shown = await site.call("POST", "/reset", {"kind": "Hard", "stop_sessions": True})
    assert node.resets == [shown["command_id"]]


_COMMANDS = [
    ("PUT", "/connectors/1/availability", {"available": True}),
    ("PUT", "/connectors/1/availability", {"available": False}),
    ("POST", "/connectors/1/unlock", None),
    ("POST", "/connectors/1/start", {"id_tag": TAG}),
    ("POST", "/reset", None),
]


async def test_nothing_is_commanded_while_a_run_has_it(site: Site, node: Node) -> None:
    async with site.database.write() as connection:
        await Runs(connection).create_starting(
            RunRequest(
                commissioning_id=new_id(Prefix.COMMISSIONING),
                charge_point_id=site.charge_point,
                project_id=site.project,
                installer_id="usr_x",
                started_by="installer@acme.com",
                started_at=now(),
                options=RunOptions(),
                live_site=True,
            )
        )
    for method, path, body in _COMMANDS:
        refused = await site.refused(method, path, 409, "run_open", body)
        assert refused["detail"] == "The charge point is being commissioned. Wait for the verdict."
    assert node.commands == []
    assert node.resets == []
    async with site.database.read() as connection:
        assert await admitted(connection, [(site.charge_point, TAG)]) == set()


async def test_nobody_charges_where_no_run_has_passed(site: Site, node: Node) -> None:
    async with site.database.write() as connection:
        await connection.execute(update(ChargePoint).values(status=ChargePointStatus.REGISTERED))
    opens = [_COMMANDS[0], _COMMANDS[3]]
    for method, path, body in opens:
        await site.refused(method, path, 409, "not_commissioned", body)
    await site.call("PUT", "/connectors/1/availability", {"available": False})
    assert len(node.commands) == 1
    async with site.database.write() as connection:  # once a run has passed
        await connection.execute(update(ChargePoint).values(status=ChargePointStatus.COMMISSIONED))
    await site.let_everybody_charge()
    for method, path, body in opens:
        await site.call(method, path, body)
    assert len(node.commands) == 3


async def test_one_that_is_away_gets_nothing_and_it_is_said(site: Site) -> None:
    shown = await site.call("POST", "/reset")
    assert (shown["outcome"], shown["detail"]) == (
        "not_connected",
        "The charge point has never connected.",
    )


async def test_the_configuration_is_its_owners(site: Site, node: Node) -> None:
    body = {"parameters": [{"key": "HeartbeatInterval", "value": 30}]}
    shown = await site.call("POST", "/config/customize", body)
    assert shown["applied"] == ["HeartbeatInterval"]
    assert node.received[0]["HeartbeatInterval"] == "30"
    (first, *_) = (await site.call("GET", "/config"))["parameters"]
    assert (first["key"], first["desired"]) == ("HeartbeatInterval", 30)
    assert (await site.call("GET", "/config/template"))["parameters"]
    too_often = {"parameters": [{"key": "HeartbeatInterval", "value": 0}]}
    await site.refused("POST", "/config/customize", 422, "invalid_parameters", too_often)


async def test_the_connection_is_tested(site: Site, node: Node) -> None:
    shown = await site.call("POST", "/test-connection")
    assert (shown["connected"], shown["latency_ms"]) == (True, 42)
    assert node.commands == []
