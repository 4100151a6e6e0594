"""Service visits: what the owner of a site opens again to an installer, and until when."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col
from temporalio.client import Client

from api.deps import now
from documents.keys import read_keys
from documents.signature import verify
from documents.validity import Validity
from domain.audit import ENGINE
from domain.ids import Prefix, new_id
from domain.power.facts import SiteRequest
from domain.states import ChargePointStatus
from domain.withdrawals import WithdrawalOrder
from storage.engine import Database
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.invitations import ServiceVisit
from storage.models.transactions import Transaction
from storage.models.webhooks import Webhook, WebhookDelivery
from temporal import starts
from tests.api.callers import GUIDE_CHARGE_POINT, V1, Caller, fields, problem
from tests.api.conftest import Outbox, Own
from tests.api.test_after_handover import KEPT
from tests.api.test_audit import trail
from tests.api.test_connection_attempts import refuse
from tests.api.test_tenancy import (
    CASES,
    CHARGE_POINT,
    COMMISSIONING,
    PROJECT,
    SESSION,
    VISIT,
    WEBHOOK,
)
from tests.api.test_withdrawals import charging
from tests.api.verdicts import judge
from tests.api.visits import OWNER, Site, accept, handed_over, status_of
from tests.documents.reading import texts
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("engine"),
]
REPORTED = str(GUIDE_CHARGE_POINT["serial_number"])
"""By what the runs of these tests say."""
SIGNED = {"sign_off_notes": "Replaced and tested.", "installer_signature": "J. Smith"}
# What an open visit gives back of a project; of its charge points it is all that there is.
OF_PROJECT = {
    ("GET", PROJECT),
    ("POST", f"{PROJECT}/charge-points/import"),
    ("GET", f"{PROJECT}/connection-attempts"),
    ("GET", f"{PROJECT}/unclaimed"),
    ("POST", f"{PROJECT}/commission"),
    ("GET", f"{PROJECT}/commissioning"),
    ("POST", f"{PROJECT}/commissioning/cancel"),
    ("POST", f"{PROJECT}/unclaimed/{{identity}}/claim"),
}
# Endless, or they leave nothing to look at; others look at what they do.
AT_THE_END = {
    ("GET", f"{COMMISSIONING}/events"),
    ("DELETE", CHARGE_POINT),
    ("POST", f"{CHARGE_POINT}/withdraw"),
    ("POST", f"{CHARGE_POINT}/replace"),
    ("POST", f"{COMMISSIONING}/start"),
}
OF_CHARGE_POINT = {case for case in CASES if case[1].startswith((CHARGE_POINT, COMMISSIONING))}


@pytest.fixture
async def site(
    installer: Caller,
    owner: Own,
    database: Database,
    temporal_client: Client,
    task_queue: str,
) -> Site:
    """A site of two bays that is its owner's, and whose power is shared."""
    made = await handed_over(installer, owner, database)
    await starts.site(SiteRequest(project_id=made.project, name="Riverside")).begin(
        temporal_client, task_queue
    )
    return made


def filled(path: str, project: str, charge_point: str) -> str:
    return path.format(
        project_id=project,
        charge_point_id=charge_point,
        commissioning_id=new_id(Prefix.COMMISSIONING),
        invitation_id=new_id(Prefix.INVITATION),
        photo_id=new_id(Prefix.PHOTO),
        account_id=new_id(Prefix.ACCOUNT),
        batch_id=new_id(Prefix.BATCH),
        identity="SN-0",
        link=1,
        id_tag="04A2B3C4",
    )


async def told(outbox: Outbox, what: str, *whom: str) -> None:
    """Wait until each of them has a mail of that subject, and no more than one."""

    def all_are() -> None:
        assert sorted(to for to, subject, _ in outbox.sent if what in subject) == sorted(whom)

    await eventually(all_are)


async def withdrawn(database: Database, charge_point_id: str) -> None:
    """Wait until the site has let go of it."""

    async def is_out() -> None:
        assert await status_of(database, charge_point_id) == "withdrawn"

    await eventually(is_out)


class TestOpening:
    async def test_the_owner_invites_an_installer_for_some_charge_points(
        self, site: Site, stranger: Caller, outbox: Outbox
    ) -> None:
        visit = await site.visit(stranger.email, site.bays[0])
        (to, subject, text), *_ = outbox.sent
        assert to == stranger.email
        assert subject.startswith("You are invited to a service visit (inv_")
        assert "Bay 3 trips its breaker." in text
        assert "SN-0" in text
        assert "SN-1" not in text
        shown = (await site.owner.call("GET", f"{site.visits}/{visit}")).json()
        assert (shown["status"], shown["charge_point_ids"]) == ("invited", [site.bays[0]])
        (listed,) = (await site.owner.call("GET", site.visits)).json()["items"]
        assert listed == shown
        accepted = await accept(stranger, outbox)
        assert accepted["project_role"] == "service"
        shown = (await site.owner.call("GET", f"{site.visits}/{visit}")).json()
        assert shown["status"] == "open"
        assert shown["accepted_at"] is not None
        await told(outbox, "The installer accepted your invitation", OWNER)

    async def test_a_charge_point_is_in_one_visit_at_a_time(
        self, site: Site, stranger: Caller
    ) -> None:
        visit = await site.visit(stranger.email, site.bays[0])
        body = {
            "email": "other@acme.com",
            "purpose": "All of it",
            "ends_at": (now() + timedelta(days=1)).isoformat(),
        }
        refused = problem(
            await site.owner.call("POST", site.visits, body), 409, "service_visit_open"
        )
        assert refused["service_visit_id"] == visit
        assert refused["charge_point_ids"] == [site.bays[0]]
        other = await site.visit("other@acme.com", site.bays[1])
        widen = {"add_charge_points": [site.bays[0]]}
        answer = await site.owner.call("PATCH", f"{site.visits}/{other}", widen)
        problem(answer, 409, "service_visit_open")
        for each in (visit, other):
            await site.owner.call("POST", f"{site.visits}/{each}/close", {})
        await site.visit("other@acme.com")

    @pytest.mark.parametrize("days", [-1, 91])
    async def test_its_end_is_ahead_and_not_far(self, site: Site, days: int) -> None:
        body = {
            "email": "other@acme.com",
            "purpose": "All of it",
            "ends_at": (now() + timedelta(days=days)).isoformat(),
        }
        refused = problem(await site.owner.call("POST", site.visits, body), 422, "invalid_input")
        assert fields(refused) == {"ends_at"}

    async def test_there_is_none_before_the_handover(self, installer: Caller, owner: Own) -> None:
        project = await installer.project()
        site = Site(project=project, bays=(), owner=await owner(OWNER, project))
        body = {
            "email": "other@acme.com",
            "purpose": "All of it",
            "ends_at": (now() + timedelta(days=1)).isoformat(),
        }
        answer = await site.owner.call("POST", site.visits, body)
        problem(answer, 409, "project_not_handed_over")

    async def test_whoever_declines_ends_it(
        self, site: Site, anonymous: Caller, outbox: Outbox
    ) -> None:
        visit = await site.visit("sam@acme.com")
        body = {"token": outbox.token(), "reason": "No time."}
        assert (await anonymous.post("/invitations/decline", body)).status_code == 200
        shown = (await site.owner.call("GET", f"{site.visits}/{visit}")).json()
        assert (shown["status"], shown["reason"]) == ("declined", "No time.")
        await site.visit("pat@acme.com")


class TestRights:
    async def test_a_list_says_of_every_route_whether_a_visit_opens_it(
        self, site: Site, installer: Caller, stranger: Caller, outbox: Outbox
    ) -> None:
        """Of who was on the project before, and of who was not."""
        for caller, kept in ((stranger, set()), (installer, KEPT)):
            visit = await site.visit(caller.email, site.bays[0])
            await accept(caller, outbox)
            for (method, path), body in CASES.items():
                if path.startswith((WEBHOOK, VISIT, SESSION)) or (method, path) in AT_THE_END:
                    continue
                answer = await caller.call(method, filled(path, site.project, site.bays[0]), body)
                if (method, path) in OF_PROJECT | OF_CHARGE_POINT | kept:
                    assert "project_handed_over" not in answer.text, (method, path, answer.text)
                    assert answer.status_code not in {403, 500}, (method, path, answer.text)
                else:
                    refused = problem(
                        answer, 409 if answer.status_code == 409 else 403, "project_handed_over"
                    )
                    said = refused["detail"]
                    assert refused["status"] == 409 or visit in said, (method, path, said)
                    assert kept or "You keep" not in said, (method, path, said)
            close = {"unfinished": True, "reason": "Tested"}
            await site.owner.call("POST", f"{site.visits}/{visit}/close", close)

    async def test_another_charge_point_is_not_of_it(
        self, site: Site, installer: Caller, stranger: Caller, outbox: Outbox
    ) -> None:
        for caller in (stranger, installer):
            visit = await site.visit(caller.email, site.bays[0])
            await accept(caller, outbox)
            for method, path in sorted(OF_CHARGE_POINT):
                if caller is installer and path.endswith(("/report", "/certificates")):
                    continue  # that is kept
                answer = await caller.call(
                    method, filled(path, site.project, site.bays[1]), CASES[method, path]
                )
                refused = problem(answer, 403, "outside_service_visit")
                assert f"{site.project}/service-visits/{visit}" in refused["detail"]
            close = {"unfinished": True, "reason": "Tested"}
            await site.owner.call("POST", f"{site.visits}/{visit}/close", close)

    async def test_what_is_added_and_replaced_is_of_it(
        self, site: Site, stranger: Caller, outbox: Outbox
    ) -> None:
        visit = await site.visit(stranger.email, site.bays[0])
        await accept(stranger, outbox)
        (project,) = (await stranger.get("/projects")).json()["items"]
        assert (project["role"], project["service_visit_id"]) == ("service", visit)
        detail = (await stranger.get(f"/projects/{site.project}")).json()
        assert (detail["charge_points"], detail["features"]) == ({"commissioned": 1}, [])
        (listed,) = (await stranger.get("/charge-points")).json()["items"]
        assert listed["id"] == site.bays[0]
        body = {"serial_number": "SN-NEW"}
        replaced = await stranger.post(f"/charge-points/{site.bays[0]}/replace", body)
        assert replaced.status_code == 201, replaced.text
        new = replaced.json()["charge_point"]["id"]
        more = GUIDE_CHARGE_POINT | {"project_id": site.project, "serial_number": "SN-MORE"}
        added = (await stranger.post("/charge-points", more)).json()["id"]
        shown = (await stranger.get(f"/service-visits/{visit}")).json()
        assert set(shown["charge_point_ids"]) == {site.bays[0], new, added}
        assert (await stranger.get(f"/charge-points/{added}")).status_code == 200
        entries = await trail(site.owner, site.project, side="site-owner")
        by_visit = {one["action"] for one in entries if one["service_visit_id"] == visit}
        assert by_visit == {"charge_point.replaced", "charge_point.registered"} | by_visit

    async def test_the_owner_widens_it(self, site: Site, stranger: Caller, outbox: Outbox) -> None:
        visit = await site.visit(stranger.email, site.bays[0])
        await accept(stranger, outbox)
        refused = problem(
            await stranger.get(f"/charge-points/{site.bays[1]}"), 403, "outside_service_visit"
        )
        assert f"PATCH …/site-owner/projects/{site.project}" in refused["detail"]
        change = {
            "add_charge_points": [site.bays[1]],
            "ends_at": (now() + timedelta(days=30)).isoformat(),
        }
        answer = await site.owner.call("PATCH", f"{site.visits}/{visit}", change)
        assert answer.status_code == 200, answer.text
        assert answer.json()["charge_point_ids"] == sorted(site.bays)
        assert (await stranger.get(f"/charge-points/{site.bays[1]}")).status_code == 200

    async def test_they_end_with_its_time(
        self, site: Site, stranger: Caller, outbox: Outbox, database: Database
    ) -> None:
        await site.visit(stranger.email, site.bays[0])
        await accept(stranger, outbox)
        path = f"/charge-points/{site.bays[0]}"
        assert (await stranger.get(path)).status_code == 200
        async with database.write() as connection:
            await connection.execute(update(ServiceVisit).values(ends_at=now()))
        problem(await stranger.get(path), 404, "charge_point_not_found")

    async def test_a_replaced_unit_that_tries_another_name_is_claimed(
        self, site: Site, stranger: Caller, outbox: Outbox, database: Database
    ) -> None:
        await site.visit(stranger.email, site.bays[0])
        await accept(stranger, outbox)
        body = {"serial_number": "SN-NEW-7"}
        replaced = await stranger.post(f"/charge-points/{site.bays[0]}/replace", body)
        new = replaced.json()["charge_point"]["id"]
        await refuse(database, "SN-NEW-7")
        path = f"/projects/{site.project}/unclaimed"
        (found,) = (await stranger.get(path)).json()["items"]
        assert found["charge_point_id"] == new
        claimed = await stranger.post(f"{path}/SN-NEW-7/claim", {"charge_point_id": new})
        assert claimed.status_code == 200, claimed.text

    async def test_its_charge_points_are_commissioned_together(
        self, site: Site, stranger: Caller, outbox: Outbox
    ) -> None:
        visit = await site.visit(stranger.email, site.bays[0])
        await accept(stranger, outbox)
        path = f"/projects/{site.project}"
        problem(await stranger.get(f"{path}/commissioning"), 404, "no_batch")
        body = {"only": "all", "from_scratch": True}
        started = await stranger.post(f"{path}/commission", body)
        assert started.status_code == 202, started.text
        assert started.json()["total"] == 1

        async def is_open() -> None:
            (run,) = (await stranger.get(f"/commissioning/{site.bays[0]}/runs")).json()["items"]
            assert (run["status"], run["service_visit_id"]) == ("in_progress", visit)

        await eventually(is_open)
        cancelled = await stranger.post(f"{path}/commissioning/cancel")
        assert cancelled.status_code == 202, cancelled.text

        async def is_over() -> None:
            shown = (await stranger.get(f"{path}/commissioning")).json()
            assert shown["status"] == "cancelled", shown

        await eventually(is_over)

    async def test_verdicts_are_told_to_who_does_them_and_the_owner(
        self, site: Site, installer: Caller, stranger: Caller, outbox: Outbox, database: Database
    ) -> None:
        """Not to who has handed the site over: their access ended with that."""
        for caller in (installer, stranger):
            await caller.post("/webhooks", {"url": "https://93.184.216.34/hook"})
        hooks = f"{V1}/site-owner/webhooks"
        await site.owner.call("POST", hooks, {"url": "https://93.184.216.34/hook"})
        visit = await site.visit(stranger.email, site.bays[0])
        await accept(stranger, outbox)
        await judge(database, site.bays[0], site.project)
        body = {"unfinished": True, "reason": "Tested"}
        await site.owner.call("POST", f"{site.visits}/{visit}/close", body)
        told: dict[str, list[str]] = {}
        async with database.read() as connection:
            for row in await connection.execute(
                select(col(Account.email), col(WebhookDelivery.event))
                .join(Webhook, col(Webhook.account_id) == col(Account.id))
                .join(WebhookDelivery, col(WebhookDelivery.webhook_id) == col(Webhook.id))
                .order_by(col(WebhookDelivery.id))
            ):
                told.setdefault(row.email, []).append(row.event)
        theirs = ["service_visit.accepted", "commissioning.completed", "service_visit.closed"]
        assert told == {OWNER: ["service_visit.opened", *theirs], stranger.email: theirs}


class TestClosing:
    async def test_the_installer_signs_it_off(
        self, site: Site, stranger: Caller, outbox: Outbox
    ) -> None:
        visit = await site.visit(stranger.email)
        await accept(stranger, outbox)
        closed = await stranger.post(f"/service-visits/{visit}/close", SIGNED)
        assert closed.status_code == 200, closed.text
        shown = closed.json()
        assert (shown["status"], shown["closed_by"]) == ("closed", "installer")
        assert shown["installer_signature"] == "J. Smith"
        assert not shown["unfinished"]
        problem(await stranger.get(f"/charge-points/{site.bays[0]}"), 404, "charge_point_not_found")
        again = await stranger.post(f"/service-visits/{visit}/close", SIGNED)
        assert again.json() == shown
        await told(outbox, "A service visit was closed", OWNER, stranger.email)

    async def test_what_is_not_commissioned_stands_in_the_way(
        self, site: Site, stranger: Caller, outbox: Outbox, database: Database
    ) -> None:
        visit = await site.visit(stranger.email, site.bays[0])
        await accept(stranger, outbox)
        async with database.write() as connection:
            await connection.execute(
                update(ChargePoint)
                .where(col(ChargePoint.id) == site.bays[0])
                .values(status=ChargePointStatus.COMMISSIONING_FAILED)
            )
        for answer in (
            await stranger.post(f"/service-visits/{visit}/close", SIGNED),
            await site.owner.call("POST", f"{site.visits}/{visit}/close", {}),
        ):
            refused = problem(answer, 409, "service_visit_blocked")
            (blocker,) = refused["blockers"]
            assert blocker["charge_point_id"] == site.bays[0]
        body = {"unfinished": True, "reason": "Nobody comes any more."}
        closed = await site.owner.call("POST", f"{site.visits}/{visit}/close", body)
        assert closed.status_code == 200, closed.text
        assert (closed.json()["status"], closed.json()["unfinished"]) == ("closed", True)
        problem(
            await site.owner.call("PATCH", f"{site.visits}/{visit}", {"ends_at": None}),
            409,
            "service_visit_over",
        )
        await site.visit(stranger.email, site.bays[0])

    async def test_what_its_runs_have_tested_is_what_is_there(
        self, site: Site, stranger: Caller, outbox: Outbox, database: Database
    ) -> None:
        """What the owner has changed where nothing was done is none of its business."""
        await judge(database, site.bays[1], site.project)  # of another serial number
        visit = await site.visit(stranger.email)
        await accept(stranger, outbox)
        await judge(database, site.bays[0], site.project)
        path = f"/service-visits/{visit}/close"
        refused = problem(await stranger.post(path, SIGNED), 409, "service_visit_blocked")
        assert [(one["code"], one["charge_point_id"]) for one in refused["blockers"]] == [
            ("stale_result", site.bays[0])
        ]
        change = {"serial_number": REPORTED}
        assert (await stranger.patch(f"/charge-points/{site.bays[0]}", change)).is_success
        assert (await stranger.post(path, SIGNED)).status_code == 200

    async def test_what_is_being_withdrawn_stands_in_the_way_until_it_is(
        self, site: Site, stranger: Caller, outbox: Outbox, database: Database
    ) -> None:
        """Its certificate is to say that it is out, and what is in its place."""
        visit = await site.visit(stranger.email, site.bays[0])
        await accept(stranger, outbox)
        order = WithdrawalOrder(reason="Dead", by=ENGINE, asked_at=now())
        async with database.write() as connection:
            await connection.execute(
                update(ChargePoint)
                .where(col(ChargePoint.id) == site.bays[0])
                .values(withdrawal=order)
            )
        path = f"/service-visits/{visit}/close"
        refused = problem(await stranger.post(path, SIGNED), 409, "service_visit_blocked")
        assert [one["code"] for one in refused["blockers"]] == ["withdrawal_pending"]
        said = refused["blockers"][0]["detail"]
        assert f"{site.bays[0]}/withdraw" in said
        assert '"isolated": true' in said
        told = (await stranger.get(f"/charge-points/{site.bays[0]}")).json()
        assert told["withdrawal"]["at"] is None
        isolated = {"reason": "Dead", "isolated": True}
        again = await stranger.post(f"/charge-points/{site.bays[0]}/withdraw", isolated)
        assert again.is_success, again.text
        await withdrawn(database, site.bays[0])
        closed = await stranger.post(path, SIGNED)
        assert closed.status_code == 200, closed.text

    async def test_one_that_is_cut_off_charges_nobody(
        self, site: Site, stranger: Caller, outbox: Outbox, database: Database
    ) -> None:
        """Its session has no end that anybody could wait for."""
        await site.visit(stranger.email, site.bays[0])
        await accept(stranger, outbox)
        await charging(database, site.bays[0])
        path = f"/charge-points/{site.bays[0]}/withdraw"
        order = {"reason": "Dead"}
        said = problem(await stranger.post(path, order), 409, "charging")["detail"]
        assert '"isolated": true' in said
        answer = await stranger.post(path, order | {"isolated": True})
        assert answer.is_success, answer.text
        assert answer.json()["withdrawal"] is not None

    async def test_two_are_not_swapped_while_one_charges(
        self, site: Site, stranger: Caller, outbox: Outbox, database: Database
    ) -> None:
        await site.visit(stranger.email)
        await accept(stranger, outbox)
        await charging(database, site.bays[1])
        path = "/charge-points/swap"
        order = {"charge_point_ids": list(site.bays), "exchange": "places"}
        refused = problem(await stranger.post(path, order), 409, "charging")
        assert refused["charge_point_id"] == site.bays[1]
        assert len(refused["transaction_ids"]) == 1
        async with database.write() as connection:
            await connection.execute(update(Transaction).values(stopped_at=now()))
        swapped = await stranger.post(path, order)
        assert swapped.is_success, swapped.text

    async def test_what_is_being_replaced_does_not_come_back_beside_the_other(
        self, site: Site, stranger: Caller, outbox: Outbox
    ) -> None:
        """Whether or not it has left already: there is one bay."""
        await site.visit(stranger.email, site.bays[0])
        await accept(stranger, outbox)
        path = f"/charge-points/{site.bays[0]}"
        answer = await stranger.post(f"{path}/replace", {"serial_number": "NEW"})
        assert answer.status_code == 201, answer.text
        new = answer.json()["charge_point"]["id"]
        back = problem(await stranger.post(f"{path}/reinstate"), 409, "replaced")
        assert back["charge_point_id"] == new

    async def test_its_open_run_ends_with_it(
        self, site: Site, stranger: Caller, outbox: Outbox
    ) -> None:
        visit = await site.visit(stranger.email, site.bays[0])
        await accept(stranger, outbox)
        started = await stranger.post(f"/commissioning/{site.bays[0]}/start", {})
        assert started.status_code == 202, started.text
        refused = problem(
            await stranger.post(f"/service-visits/{visit}/close", SIGNED),
            409,
            "service_visit_blocked",
        )
        assert [one["code"] for one in refused["blockers"]] == ["commissioning_in_progress"]
        body = {"unfinished": True, "reason": "Nobody comes any more."}
        closed = await site.owner.call("POST", f"{site.visits}/{visit}/close", body)
        assert closed.status_code == 200, closed.text
        runs = f"{V1}/site-owner/projects/{site.project}/charge-points/{site.bays[0]}/runs"

        async def is_cancelled() -> None:
            (run,) = (await site.owner.call("GET", runs)).json()["items"]
            assert (run["status"], run["service_visit_id"]) == ("cancelled", visit)

        await eventually(is_cancelled)

    async def test_unfinished_needs_a_reason(self, site: Site, stranger: Caller) -> None:
        visit = await site.visit(stranger.email)
        answer = await site.owner.call("POST", f"{site.visits}/{visit}/close", {"unfinished": True})
        problem(answer, 422, "invalid_input")

    async def test_one_that_nobody_accepted_is_taken_back(
        self, site: Site, stranger: Caller, outbox: Outbox
    ) -> None:
        visit = await site.visit(stranger.email)
        closed = await site.owner.call("POST", f"{site.visits}/{visit}/close", {})
        assert closed.json()["status"] == "revoked"
        body = {"token": outbox.token(), "password": "s3cur3P@ssword!"}
        problem(await stranger.post("/invitations/accept", body), 409, "invitation_revoked")

    async def test_its_end_closes_it_unfinished(
        self, site: Site, stranger: Caller, outbox: Outbox
    ) -> None:
        visit = await site.visit(stranger.email)
        await accept(stranger, outbox)
        change = {"ends_at": (now() + timedelta(seconds=2)).isoformat()}
        assert (await site.owner.call("PATCH", f"{site.visits}/{visit}", change)).is_success
        await told(outbox, "A service visit has ended", OWNER, stranger.email)
        shown = (await site.owner.call("GET", f"{site.visits}/{visit}")).json()
        assert (shown["status"], shown["closed_by"]) == ("expired", "engine")
        assert shown["unfinished"]


class TestCertificate:
    async def test_a_replaced_unit_gets_number_2(
        self,
        site: Site,
        installer: Caller,
        stranger: Caller,
        outbox: Outbox,
        database: Database,
    ) -> None:
        for bay in site.bays:
            await judge(database, bay, site.project)
        first = await installer.get(f"/projects/{site.project}/report")
        assert first.headers["x-certificate-number"] == "1"
        visit = await site.visit(stranger.email, site.bays[0])
        await accept(stranger, outbox)
        body = {"serial_number": REPORTED, "isolated": True}
        replaced = await stranger.post(f"/charge-points/{site.bays[0]}/replace", body)
        new = replaced.json()["charge_point"]["id"]
        await withdrawn(database, site.bays[0])
        refused = problem(
            await stranger.post(f"/service-visits/{visit}/close", SIGNED),
            409,
            "service_visit_blocked",
        )
        assert [one["code"] for one in refused["blockers"]] == ["not_commissioned"]
        problem(await stranger.get(f"/service-visits/{visit}/report"), 409, "no_verdict")
        run = await judge(database, new, site.project)
        (shown,) = (await stranger.get(f"/commissioning/{new}/runs")).json()["items"]
        assert (shown["commissioning_id"], shown["service_visit_id"]) == (run, visit)
        closed = await stranger.post(f"/service-visits/{visit}/close", SIGNED)
        assert closed.status_code == 200, closed.text

        second = await stranger.get(f"/service-visits/{visit}/report")
        assert second.headers["x-certificate-number"] == "2"
        keys = read_keys((await stranger.call("GET", f"{V1}/certificate-keys")).text)
        assert verify(second.content, keys).validity is Validity.VALID
        cover, *pages = texts(second.content)
        for said in (visit, "Bay 3 trips its breaker.", REPORTED, f"in its place is {REPORTED}"):
            assert said in cover, said
        for said in ("Service visit certificate", "J. Smith", "Replaced and tested."):
            assert said in cover, said
        assert "SN-1" not in cover
        assert len(pages) == 1
        path = f"{site.visits}/{visit}/report"
        page = await site.owner.call("GET", f"{path}?format=html")
        for said in (visit, REPORTED, "J. Smith", "Bay 3 trips its breaker."):
            assert said in page.text, said
        assert page.headers["x-certificate-sha256"] == second.headers["x-certificate-sha256"]
        assert (await site.owner.call("GET", path)).content == second.content

        listed = (await installer.get(f"/projects/{site.project}/certificates")).json()["items"]
        assert [(one["number"], one["service_visit_id"], one["newest"]) for one in listed] == [
            (2, visit, True),
            (1, None, True),
        ]
        assert listed[1]["sha256"] == hashlib.sha256(first.content).hexdigest()

    async def test_the_first_is_kept_before_a_visit_changes_anything(
        self, site: Site, stranger: Caller, outbox: Outbox, database: Database
    ) -> None:
        for bay in site.bays:
            await judge(database, bay, site.project)
        visit = await site.visit(stranger.email)
        path = f"{V1}/site-owner/projects/{site.project}/certificates"
        (first,) = (await site.owner.call("GET", path)).json()["items"]
        assert first["number"] == 1
        await accept(stranger, outbox)
        await stranger.post(f"/service-visits/{visit}/close", SIGNED)
        numbers = [
            (await site.owner.call("GET", f"{site.visits}/{visit}/report")).headers[
                "x-certificate-number"
            ]
            for _ in range(2)
        ]
        assert numbers == ["2", "2"]

    async def test_an_unfinished_visit_has_none(
        self, site: Site, stranger: Caller, outbox: Outbox
    ) -> None:
        visit = await site.visit(stranger.email)
        await accept(stranger, outbox)
        body = {"unfinished": True, "reason": "Nobody comes any more."}
        await site.owner.call("POST", f"{site.visits}/{visit}/close", body)
        problem(await site.owner.call("GET", f"{site.visits}/{visit}/report"), 409, "no_verdict")


async def test_a_visit_of_another_site_is_not_found(
    site: Site, stranger: Caller, owner: Own, database: Database
) -> None:
    visit = await site.visit("sam@acme.com")
    other = await handed_over(stranger, owner, database, bays=1, email="other@acme.com")
    for method, path in (
        ("GET", f"{other.visits}/{visit}"),
        ("PATCH", f"{other.visits}/{visit}"),
        ("POST", f"{other.visits}/{visit}/close"),
        ("GET", f"{V1}/installer/service-visits/{visit}"),
        ("POST", f"{V1}/installer/service-visits/{visit}/close"),
    ):
        caller = stranger if "/installer/" in path else other.owner
        body = SIGNED if "/installer/" in path else {} if method != "GET" else None
        problem(await caller.call(method, path, body), 404, "service_visit_not_found")
