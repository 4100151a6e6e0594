"""What a site owner reads in the mail of the handover, and nothing that is not so."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from activities.project import ProjectActivities
from domain.audit import ENGINE
from domain.handover import CompleteHandover
from domain.power.site import SiteLimit
from domain.states import AccessMode, ChargePointStatus, Role
from storage.access import Access
from storage.catalogue import load_catalogue
from storage.connections import store_connected
from storage.engine import Database
from storage.fact_records import Connected
from storage.features import Power
from storage.models.charge_points import ChargePoint
from storage.models.projects import Project
from storage.nodes import beat
from storage.project_records import StoredProjects
from storage.tariffs import Tariffs
from tests.storage.test_held_notices import Post
from tests.support.billing import energy_tariff, stored_tariff
from tests.support.post import post_of
from tests.support.rows import AT, one_charge_point

REQUEST = CompleteHandover(sign_off_notes="All tested.", installer_signature="J. Smith")


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def records(database: Database) -> StoredProjects:
    return StoredProjects(
        database, load_catalogue(), invitation_lifetime=timedelta(days=7), now=lambda: AT
    )


@pytest.fixture
def activities(records: StoredProjects, post: Post, database: Database) -> ProjectActivities:
    return ProjectActivities(
        records, post_of(post, database), secret="s", public_url="https://charging.example/"
    )


async def _ready(database: Database) -> None:
    await one_charge_point(database, status=ChargePointStatus.COMMISSIONED)
    async with database.write() as connection:
        await connection.execute(update(Project).values(time_zone="Europe/London"))


async def test_of_a_site_by_the_guide_alone_it_says_what_is_missing(
    database: Database, records: StoredProjects, activities: ProjectActivities, post: Post
) -> None:
    await _ready(database)
    await activities.mail_handover("prj_1")
    assert post.sent == []  # not handed over yet
    await records.complete_handover("prj_1", REQUEST)
    await activities.mail_handover("prj_1")
    ((to, subject, text),) = post.sent
    assert to == "usr_2@acme.example"
    assert subject == "Your site is handed over: say who may charge (prj_1)"
    assert text == LETTER
    await activities.mail_handover("prj_1")  # repeated, it tells nothing
    assert len(post.sent) == 1


LETTER = """\
Hello,

your site is yours to run: its installer handed it over
on 1 May 2026 at 11:15 (Europe/London).

  Site: "Riverside"
  Installer: "A"
  Signed by: "J. Smith"

What is active

  1 charge point is commissioned:
  - "SN-1, ABB Terra AC W22"  (not connected at the moment)
  Power: nobody has said what your supply carries, so nobody is held back. Every
  vehicle may draw what its cable carries, all of them at once.
  Billing: not set. It begins with your first tariff.

Who can charge now

  Nobody yet: the site is not open, and no card is listed.

What a kWh costs

  Nothing: there is no tariff, so charging is free and is not billed.

What to do next

  1. Log in with your e-mail address and password.
     POST /api/v1/site-owner/login
  2. Say who may charge: everybody, or the cards that you list.
     PUT …/access {"mode": "open"}
     PUT …/id-tags/{number of the card}
  3. See to the power and the network of "SN-1": it is not connected.
  4. Say what your supply carries, if it cannot carry all cables at once.
     PUT …/power
  5. Set a tariff, if charging is to cost something.
     PUT …/tariff
  6. See that everything is active.
     GET …/features
  7. Keep the certificate of your site.
     GET …/report

  … stands for your site:
  https://charging.example/api/v1/site-owner/projects/prj_1
  Every call, to read and to try out:
  https://charging.example/docs

Notes of the installer:

  > All tested.
"""


async def test_of_a_site_where_everything_is_set_it_says_so(
    database: Database, records: StoredProjects, activities: ProjectActivities, post: Post
) -> None:
    await _ready(database)
    async with database.write() as connection:
        await Tariffs(connection, "prj_1").add(stored_tariff(energy_tariff()), by=ENGINE)
        limit = SiteLimit(amps=63.0, phases=3)
        await Power(connection, "prj_1").set_limit(limit, by=ENGINE, at=AT)
        access = Access(connection, "prj_1")
        await access.put("04A2", label="Van 3", at=AT, by=Role.INSTALLER)
        await access.put("04A3", label=None, at=AT, by=Role.SITE_OWNER)
        await connection.execute(update(ChargePoint).values(credential_hash="h"))
        await beat(connection, "node-1")
        link = Connected(
            charge_point_id="cp_1",
            node_id="node-1",
            ocpp_version="1.6",
            remote_address=None,
            at=AT,
        )
        await store_connected(connection, [link])
    result = await records.complete_handover("prj_1", REQUEST)
    assert result.warnings == ()
    await activities.mail_handover("prj_1")
    ((_, subject, text),) = post.sent
    assert subject == "Your site is handed over to you (prj_1)"
    assert '  - "SN-1, ABB Terra AC W22"\n' in text
    assert "stay below 63 A per phase" in text
    assert 'The holders of 2 cards:\n  - "Van 3"\n  - "04A3"\n' in text
    assert "Energy: GBP 0.30 per kWh, plus 20 % VAT." in text
    assert "not connected" not in text


async def test_an_open_site_is_said_to_be_open(
    database: Database, records: StoredProjects, activities: ProjectActivities, post: Post
) -> None:
    await _ready(database)
    async with database.write() as connection:
        await Access(connection, "prj_1").set_mode(
            AccessMode.OPEN, by=Role.SITE_OWNER, at=datetime.now(UTC)
        )
    await records.complete_handover("prj_1", REQUEST)
    await activities.mail_handover("prj_1")
    assert "  Everybody, with any card.\n" in post.sent[0][2]


async def test_a_mail_server_that_is_away_leaves_it_to_be_mailed(
    database: Database, records: StoredProjects, activities: ProjectActivities, post: Post
) -> None:
    await _ready(database)
    await records.complete_handover("prj_1", REQUEST)
    post.away = True
    with pytest.raises(OSError, match="away"):
        await activities.mail_handover("prj_1")
    async with database.read() as connection:
        assert await connection.scalar(select(col(Project.handover_mailed_at))) is None
