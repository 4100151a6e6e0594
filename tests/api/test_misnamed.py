"""A charge point that tries another name: all who may ask are told, and one call lets it in.

A real node refuses it, the real worker waits for it, and the claim is the one that answers carry.
"""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from api.deps import now
from domain.connection_attempts import UNKNOWN_IDENTITY
from domain.ids import Prefix, new_id
from ocpp_server.node import Node
from ocpp_server.protocols import protocols
from storage.connection_attempts import store_attempts
from storage.engine import Database
from storage.fact_records import RefusedConnection
from tests.api.callers import GUIDE_CHARGE_POINT, Caller
from tests.api.conftest import Outbox
from tests.ocpp_server.bed import SECRET, RecordingSink
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("engine"),
]
SERIAL = str(GUIDE_CHARGE_POINT["serial_number"])
OCPP = [Subprotocol("ocpp1.6")]


@pytest.fixture
async def ocpp_url(database: Database) -> AsyncIterator[str]:
    """Where a node takes charge points."""
    node = Node(
        node_id=new_id(Prefix.NODE),
        database=database,
        sink=RecordingSink(),
        protocols=protocols(boot_retry_interval=10, heartbeat_interval=60),
        secret=SECRET,
    )
    port = await node.start("127.0.0.1", 0)
    yield f"ws://127.0.0.1:{port}"
    await node.stop()


async def try_to_connect(url: str, identity: str, *, subprotocol: str = "ocpp1.6") -> None:
    with pytest.raises(InvalidStatus):
        async with connect(f"{url}/{quote(identity)}", subprotocols=[Subprotocol(subprotocol)]):
            pass


async def shown(caller: Caller, path: str) -> dict[str, Any]:
    answer = await caller.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("spelt", "like"),
    [
        (lambda _: SERIAL, "its serial number"),
        (lambda _: SERIAL.lower(), "its serial number"),
        (lambda _: SERIAL.replace("-", ""), "which is like its serial number"),
        (lambda identity: identity.removeprefix("cp_"), "which is like its id"),
    ],
    ids=["serial number", "lower case", "near miss", "id without its prefix"],
)
async def test_what_is_known_is_said_and_the_claim_lets_it_in(
    installer: Caller,
    outbox: Outbox,
    ocpp_url: str,
    spelt: Callable[[str], str],
    like: str,
) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    name = spelt(charge_point)
    said = f"It tries to connect as {name}, {like}, and not as its id."
    how = (
        f"Claim {name} for it, or copy the whole OCPP endpoint of the charge point into its "
        "settings."
    )
    claim = {
        "method": "POST",
        "path": f"/api/v1/installer/projects/{project}/unclaimed/{name}/claim",
        "body": {"charge_point_id": charge_point},
    }
    options = {"wait_for_connection": "PT5S", "notify_on_complete": True}
    answer = await installer.post(f"/projects/{project}/commission", options)
    assert answer.status_code in {201, 202}, answer.text
    await try_to_connect(ocpp_url, name)

    async def unclaimed() -> None:
        (item,) = (await shown(installer, f"/projects/{project}/unclaimed"))["items"]
        assert item["claim"] == claim

    await eventually(unclaimed)
    tested = (await installer.post(f"/charge-points/{charge_point}/test-connection")).json()
    assert tested["claim"] == claim
    assert tested["reason"].startswith(f"The charge point has never connected. {said} {how}")
    link = (await shown(installer, f"/charge-points/{charge_point}"))["connection"]
    assert link["last_refusal"] == f"{said} {how}"

    async def waits() -> None:
        status = await shown(installer, f"/commissioning/{charge_point}/status")
        assert status["waiting_for"] == "connection"
        (item,) = (await shown(installer, f"/projects/{project}/commissioning"))["needs_a_person"][
            "items"
        ]
        for waiting in (status["waiting"], item["waiting"]):
            assert waiting["likely_cause"] == said
            assert waiting["prompt"] == how
            assert waiting["claim"] == claim

    await eventually(waits)

    async def failed() -> None:
        status = await shown(installer, f"/commissioning/{charge_point}/status")
        (item,) = (await shown(installer, f"/projects/{project}/commissioning"))["needs_a_person"][
            "items"
        ]
        for failure in (status["failure"], item["failure"]):
            assert failure is not None
            assert failure["code"] == "wrong_identity"
            assert failure["cause"] == f"The charge point did not connect within 5 s. {said}"
            assert failure["claim"] == claim
        assert len(outbox.sent) == 1
        text = outbox.sent[0][2]
        body = f'{{"charge_point_id": "{charge_point}"}}'
        assert said in text
        assert f"Claim {name} for it ({claim['method']} {claim['path']} with {body}), or" in text

    await eventually(failed)
    answer = await installer.call(str(claim["method"]), str(claim["path"]), claim["body"])
    assert answer.status_code == 200, answer.text
    tested = (await installer.post(f"/charge-points/{charge_point}/test-connection")).json()
    assert tested["claim"] is None
    assert f" It is claimed as {name}, and gets in with its next attempt. " in tested["reason"]

    async def online() -> None:
        link = (await shown(installer, f"/charge-points/{charge_point}"))["connection"]
        assert link["connected"] is True

    async with connect(f"{ocpp_url}/{name}", subprotocols=OCPP):
        await eventually(online)


async def test_a_run_that_waits_says_that_it_is_claimed_and_when_it_is_due(
    installer: Caller, database: Database
) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    newest = now().replace(microsecond=0) - timedelta(seconds=20)
    attempts = [
        RefusedConnection(
            identity=SERIAL,
            charge_point_id=None,
            at=newest - timedelta(seconds=60) * number,
            code=UNKNOWN_IDENTITY,
            reason="Nobody has this name.",
            remote_address="192.0.2.7",
        )
        for number in range(3)
    ]
    async with database.write() as connection:
        await store_attempts(connection, attempts)
    options = {"wait_for_connection": "PT1H"}
    assert (await installer.post(f"/commissioning/{charge_point}/start", options)).is_success

    async def waiting() -> dict[str, Any]:
        status = await shown(installer, f"/commissioning/{charge_point}/status")
        assert status["waiting_for"] == "connection"
        found: dict[str, Any] = status["waiting"]
        return found

    asks = await eventually(waiting)
    said = f"It tries to connect as {SERIAL}, its serial number, and not as its id."
    assert asks["likely_cause"] == said
    assert said not in asks["prompt"]
    assert asks["prompt"] not in said
    claim = asks["claim"]
    answer = await installer.call(claim["method"], claim["path"], claim["body"])
    assert answer.is_success, answer.text
    asks = await waiting()
    due = f"{newest + timedelta(seconds=60):%H:%M:%S} UTC"
    assert asks["likely_cause"] == (
        f"It is claimed as {SERIAL}, and gets in with its next attempt. It tried about every 60 s "
        f"before, so that is due at about {due}."
    )
    assert asks["prompt"].startswith("Nothing is to be done; ")
    assert asks["claim"] is None


async def test_a_run_that_ends_before_the_next_attempt_names_the_claim(
    installer: Caller, ocpp_url: str
) -> None:
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    await try_to_connect(ocpp_url, SERIAL)

    async def claimed() -> None:
        path = f"/projects/{project}/unclaimed/{SERIAL}/claim"
        assert (await installer.post(path, {"charge_point_id": charge_point})).is_success

    await eventually(claimed)
    options = {"wait_for_connection": "PT1S"}
    assert (await installer.post(f"/commissioning/{charge_point}/start", options)).is_success

    async def failed() -> None:
        failure = (await shown(installer, f"/commissioning/{charge_point}/status"))["failure"]
        assert failure is not None
        assert failure["code"] == "never_connected"
        assert failure["cause"] == (
            f"The charge point did not connect within 1 s. It is claimed as {SERIAL}, and has not "
            "tried since: restart it."
        )

    await eventually(failed)


async def test_another_reason_is_told_as_before(installer: Caller, ocpp_url: str) -> None:
    charge_point = await installer.charge_point()
    await try_to_connect(ocpp_url, charge_point, subprotocol="ocpp2.0.1")

    async def told() -> None:
        tested = (await installer.post(f"/charge-points/{charge_point}/test-connection")).json()
        assert "was refused: The charge point offered ocpp2.0.1." in tested["reason"]
        assert tested["claim"] is None

    await eventually(told)


async def test_what_was_refused_before_it_connected_is_no_reason(
    installer: Caller, ocpp_url: str
) -> None:
    charge_point = await installer.charge_point()
    await try_to_connect(ocpp_url, charge_point, subprotocol="ocpp2.0.1")
    path = f"/charge-points/{charge_point}"

    async def refused() -> None:
        assert (await shown(installer, path))["connection"]["last_refusal"] is not None

    await eventually(refused)

    async def mended() -> None:
        assert (await shown(installer, path))["connection"]["last_refusal"] is None

    async with connect(f"{ocpp_url}/{charge_point}", subprotocols=OCPP):
        await eventually(mended)


@pytest.mark.parametrize("registers_the_same", [True, False])
async def test_nobody_hears_of_another_tenants_charge_point(
    installer: Caller, stranger: Caller, ocpp_url: str, *, registers_the_same: bool
) -> None:
    """It tries the endpoint, or with the serial number, of somebody else."""
    charge_point = await installer.charge_point()
    serial = SERIAL if registers_the_same else "SOMETHING-ELSE"
    theirs = await stranger.charge_point(serial_number=serial)
    await try_to_connect(ocpp_url, theirs, subprotocol="ocpp2.0.1")
    await try_to_connect(ocpp_url, serial)

    async def recorded() -> None:
        attempts = await shown(stranger, f"/charge-points/{theirs}/connection-attempts")
        assert len(attempts["items"]) == 1

    await eventually(recorded)
    tested = (await installer.post(f"/charge-points/{charge_point}/test-connection")).json()
    assert tested["reason"] == "The charge point has never connected."
    assert tested["claim"] is None
