"""The guide, walked with a generated client and nothing else, on the real engine."""

import asyncio
import re
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from demo.photo import photo_of_a_charge_point
from simulator.charge_point import VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22
from tests.clients.tools import ROOT, PythonClient
from tests.clients.walk import Person
from tests.support.dynamo import Up
from tests.support.eventually import eventually
from tests.support.receiver import receiver

PASSWORD = "correct horse battery staple"
INSTALLER, OWNER = "installer@acme.example", "facilities@riversidebp.example"
SERIAL = "CP-SN-00483921"
CSV = f'serial_number,model,vendor,address\n{SERIAL},ABB Terra AC W22,ABB,"Bay 3, Car Park A"\n'


async def test_the_generated_client_walks_the_guide(
    python_client: PythonClient, tmp_path: Path
) -> None:
    up = await Up.launch(tmp_path / "data", {"DYNAMO_ALLOW_PRIVATE_URLS": "true"})
    try:
        addresses = await up.until_ready()
        url = addresses["API"].removesuffix("/api/v1")
        installer = Person(client=python_client, url=url)
        async with receiver() as hook:
            project, charge_point, webhook = await prepared(installer, hook.url)
            endpoint = addresses["OCPP"].replace("<charge point id>", charge_point)
            virtual = VirtualChargePoint(ABB_TERRA_AC_W22, endpoint, serial=SERIAL, speed=20)
            powered = asyncio.create_task(virtual.run())
            await commissioned(installer, charge_point)
            await delivered(installer, webhook)
            assert await as_the_page_says(url) == "Riverside in_progress\n"
            owner = await handed_over(installer, project, tmp_path / "data" / "mail")
            await billed(owner, project, virtual)
            powered.cancel()
            await asyncio.gather(powered, return_exceptions=True)
    finally:
        await up.stop()


async def prepared(installer: Person, hook: str) -> tuple[str, str, str]:
    """An account, a project with a tariff, a charge point by CSV with its photo, a webhook."""
    made = installer.client.models
    account = {"email": INSTALLER, "password": PASSWORD}
    signed_up = await installer.do(
        "signUpInstaller", body=made.Signup(name="Acme", company="Acme Ltd", **account)
    )
    assert isinstance(signed_up, made.AccountCreated)
    installer.token = (await installer.do("logInInstaller", body=made.Login(**account))).token
    project = await installer.do(
        "createProject",
        body=made.NewProject(
            name="Riverside", address="12 Riverside Way, Bristol", site_owner_email=OWNER
        ),
    )
    price = made.PriceComponentInput(type_=made.Dimension.ENERGY, price="0.32", vat="20")
    tariff = await installer.do(
        "setDefaultTariff",
        project.id,
        body=made.NewTariff(
            currency="GBP", elements=[made.TariffElementInput(price_components=[price])]
        ),
    )
    assert isinstance(tariff, made.TariffShown)
    read = await installer.do("getDefaultTariff", project.id)
    assert read.elements[0].price_components[0].price == "0.32"
    assert read.valid_from <= datetime.now(UTC)

    imported = await installer.do("importChargePoints", project.id, body=file(installer, CSV))
    (charge_point,) = imported.items
    assert charge_point.serial_number == SERIAL
    picture = photo_of_a_charge_point()
    photo = await installer.do(
        "addPhoto", charge_point.id, body=file(installer, picture), caption="Bay 3"
    )
    assert (photo.caption, photo.width) == ("Bay 3", 960)
    kept = await installer.bytes_of("getPhoto", charge_point.id, photo.id)
    assert kept.startswith(b"\xff\xd8")
    webhook = await installer.do("createWebhook", body=made.NewWebhook(url=hook))
    assert webhook.secret.startswith("whsec_")
    return project.id, charge_point.id, webhook.id


async def commissioned(installer: Person, charge_point: str) -> None:
    """The template, the choice, the test of the connection, and a run to its verdict."""
    made = installer.client.models

    async def connected() -> None:
        tested = await installer.do("testConnection", charge_point)
        assert tested.connected, tested.reason

    await eventually(connected)
    template = await installer.do("getConfigurationTemplate", charge_point)
    assert "HeartbeatInterval" in {one.key for one in template.parameters}
    chosen = made.Customization(
        parameters=[made.ParameterChoice(key="HeartbeatInterval", value=30)]
    )
    customized = await installer.do("customizeConfiguration", charge_point, body=chosen)
    assert customized.applied == ["HeartbeatInterval"]
    started = await installer.do(
        "startCommissioning", charge_point, body=made.Start(notify_on_complete=True)
    )

    async def decided() -> Any:
        status = await installer.do("getCommissioningStatus", charge_point)
        assert status.status is not made.RunStatus.IN_PROGRESS, status
        return status

    status = await eventually(decided, within=120)
    assert status.commissioning_id == started.commissioning_id
    assert status.status is made.RunStatus.COMPLETED, status
    record = await installer.do("getRun", charge_point, started.commissioning_id)
    assert [check.name for check in record.checks] == [check.name for check in status.checks]
    assert all(check.steps for check in record.checks)


async def delivered(installer: Person, webhook: str) -> None:
    """The verdict arrived at the webhook; its delivery is read in full."""

    async def ended() -> Any:
        deliveries = (await installer.do("listDeliveries", webhook)).items
        assert [bool(one.ended_at) for one in deliveries] == [True]
        return deliveries[0]

    delivery = await eventually(ended)
    detail = await installer.do("getDelivery", webhook, delivery.id)
    assert isinstance(detail, installer.client.models.DeliveryDetail)
    assert detail.body["type"] == "commissioning.completed"
    assert [attempt.status_code for attempt in detail.attempts] == [200]


async def handed_over(installer: Person, project: str, mail: Path) -> Person:
    """The owner accepts by the code of the mail; the project is theirs."""
    made = installer.client.models
    invited = await installer.do(
        "inviteSiteOwner", project, body=made.Invite(email=OWNER, message="It is ready.")
    )
    assert invited.email == OWNER

    def code() -> str:
        texts = [path.read_text() for path in mail.iterdir()]
        found = [one[1] for text in texts if (one := re.search(r"/invitations/(\w{64})", text))]
        assert found
        return str(found[0])

    owner = Person(client=installer.client, url=installer.url)
    await owner.do(
        "acceptInvitation",
        body=made.Accept(token=await eventually(code), name="Sam", password=PASSWORD),
    )
    login = made.Login(email=OWNER, password=PASSWORD)
    owner.token = (await owner.do("logInSiteOwner", body=login)).token
    completed = await installer.do(
        "completeHandover",
        project,
        body=made.Handover(sign_off_notes="All tested.", installer_signature="J. Smith"),
    )
    assert completed.status is made.ProjectStatus.HANDED_OVER
    return owner


async def billed(owner: Person, project: str, virtual: VirtualChargePoint) -> None:
    """A vehicle charges, and the owner reads the page of charge detail records."""
    made = owner.client.models

    async def active() -> None:
        features = await owner.do("listFeatures", project)
        # What drivers can do offline is asked of the charge points within a minute.
        states = {str(one.feature.value): one.state for one in features}
        assert states.pop("offline_charging") in {
            made.FeatureState.PENDING,
            made.FeatureState.ACTIVE,
        }
        assert set(states.values()) == {made.FeatureState.ACTIVE}, features

    await eventually(active)
    await owner.do("setAccess", project, body=made.AccessChange(mode=made.AccessMode.OPEN))
    virtual.plug_in()
    virtual.present_card("CARD1")

    async def charges() -> None:
        load = await owner.do("getLoad", project)
        assert [one.allotted_amps > 0 for one in load.sessions] == [True], load

    await eventually(charges)
    virtual.unplug()

    async def record() -> Any:
        page = await owner.do("listCdrs", project)
        assert isinstance(page, made.CdrPage)
        assert page.items
        return page

    page = await eventually(record)
    (cdr,) = page.items
    assert cdr.cdr_location.charge_point == SERIAL
    assert cdr.tariffs[0].elements[0].price_components[0].price == "0.32"
    assert page.next_cursor is None


async def as_the_page_says(url: str) -> str:
    """Run the Python of "Generate a client", and give what it prints."""
    page = (ROOT / "docs" / "how-to" / "generate-a-client.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    for shown, here in (
        ("http://127.0.0.1:8000", url),
        ("installer@acme.com", INSTALLER),
        ("s3cur3P@ssword!", PASSWORD),
    ):
        assert shown in code
        code = code.replace(shown, here)
    printed = StringIO()
    with redirect_stdout(printed):
        await asyncio.to_thread(exec, code, {})
    return printed.getvalue()


def file(person: Person, content: str | bytes) -> Any:
    """A file, as the client takes it."""
    data = content.encode() if isinstance(content, str) else content
    return person.client.types.File(payload=BytesIO(data))
