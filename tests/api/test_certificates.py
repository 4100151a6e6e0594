import asyncio
import base64
import hashlib
import json
from dataclasses import replace

import pytest
from cryptography.x509 import load_der_x509_certificate
from fastapi import FastAPI
from pydantic import SecretStr
from structlog.testing import capture_logs

from api.certificates.signing import Issuing
from api.security.throttling import ISSUE_SUBJECT
from documents.keys import PublicKey, read_keys
from documents.signature import verify
from documents.validity import Validity
from storage.engine import Database
from tests.api.callers import GUIDE_CHARGE_POINT, V1, Caller, problem
from tests.api.conftest import Outbox, accept_invitation
from tests.api.verdicts import judge, log_frames, reopen
from tests.documents.reading import texts
from tests.documents.reports import FAILED, FRAMES, WITHOUT_TEST, later

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def project(installer: Caller) -> str:
    return await installer.project()


@pytest.fixture
async def charge_point(installer: Caller, project: str, database: Database) -> str:
    """A charge point that passed."""
    made = await installer.charge_point(project)
    await judge(database, made, project)
    return made


class TestReportOfAChargePoint:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.get("/commissioning/cp_x/report"), 401, "token_missing")

    async def test_is_a_signed_pdf(self, installer: Caller, charge_point: str) -> None:
        answer = await installer.get(f"/commissioning/{charge_point}/report")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["x-certificate-number"] == "1"
        digest = hashlib.sha256(answer.content).hexdigest()
        assert answer.headers["x-certificate-sha256"] == digest
        keys = read_keys((await installer.call("GET", f"{V1}/certificate-keys")).text)
        assert verify(answer.content, keys).validity is Validity.VALID
        (page,) = texts(answer.content)
        for said in ("CP-SN-00483921", "Energy of the transaction", "92 Wh", "BootNotification"):
            assert said in page, said

    async def test_stays_the_same_until_something_changes(
        self, installer: Caller, charge_point: str, project: str, database: Database
    ) -> None:
        path = f"/commissioning/{charge_point}/report"
        first = await installer.get(path)
        assert (await installer.get(path)).content == first.content
        await judge(database, charge_point, project, FAILED)
        second = await installer.get(path)
        assert second.headers["x-certificate-number"] == "2"
        assert "Commissioning report" in texts(second.content)[0]
        listed = (await installer.get(f"/commissioning/{charge_point}/certificates")).json()
        assert [(one["number"], one["newest"]) for one in listed["items"]] == [
            (2, True),
            (1, False),
        ]
        assert [one["sha256"] for one in listed["items"]] == [
            hashlib.sha256(answer.content).hexdigest() for answer in (second, first)
        ]

    async def test_frames_after_the_verdict_are_no_change(
        self, installer: Caller, project: str, database: Database
    ) -> None:
        charge_point = await installer.charge_point(project)
        run = await judge(database, charge_point, project)
        path = f"/commissioning/{charge_point}/report"
        first = await installer.get(path)
        # After the verdict; and before it, but written late.
        late = [replace(FRAMES[-1], at=later(seconds)) for seconds in (25, 15)]
        async with database.write() as connection:
            await log_frames(connection, charge_point, run, late)
        again = await installer.get(path)
        assert again.headers["x-certificate-number"] == "1"
        assert again.content == first.content

    async def test_ten_at_once_are_one_certificate(
        self, installer: Caller, charge_point: str
    ) -> None:
        path = f"/commissioning/{charge_point}/report"
        answers = await asyncio.gather(*[installer.get(path) for _ in range(10)])
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        listed = (await installer.get(f"/commissioning/{charge_point}/certificates")).json()
        assert len(listed["items"]) == 1

    async def test_as_a_page(self, installer: Caller, charge_point: str) -> None:
        path = f"/commissioning/{charge_point}/report"
        for options in (
            {"params": {"format": "html"}},
            {"headers": {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}},
        ):
            answer = await installer.get(path, **options)
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert "script-src" in answer.headers["content-security-policy"]
            assert "CP-SN-00483921" in answer.text
            assert answer.headers["x-certificate-sha256"] in answer.text
            assert 'name="robots" content="noindex' in answer.text
        problem(await installer.get(path, params={"format": "docx"}), 422, "invalid_input")

    async def test_without_a_verdict(
        self, installer: Caller, project: str, database: Database
    ) -> None:
        made = await installer.charge_point(project)
        path = f"/commissioning/{made}/report"
        said = problem(await installer.get(path), 409, "no_verdict")["detail"]
        assert "Start its commissioning." in said
        await reopen(database, await judge(database, made, project))
        said = problem(await installer.get(path), 409, "no_verdict")["detail"]
        assert "Wait for the verdict." in said

    async def test_an_engine_without_a_key_says_so(
        self, installer: Caller, charge_point: str, app: FastAPI
    ) -> None:
        path = f"/commissioning/{charge_point}/report"
        app.state.parts = replace(app.state.parts, issuing=Issuing(None))
        answer = await installer.get(path)
        assert "DYNAMO_CERTIFICATE_KEY" in problem(answer, 501, "certificate_key_missing")["detail"]
        key = SecretStr("fedcba9876543210" * 4)  # as whoever runs it sets it
        app.state.parts = replace(app.state.parts, issuing=Issuing(key))
        assert (await installer.get(path)).status_code == 200

    async def test_a_new_key_leaves_old_certificates_verifiable(
        self, installer: Caller, charge_point: str, app: FastAPI
    ) -> None:
        path = f"/commissioning/{charge_point}/report"
        old = (await installer.get(path)).content
        fresh = Issuing(SecretStr("fedcba9876543210" * 4))
        app.state.parts = replace(app.state.parts, issuing=fresh)
        new = (await installer.get(path)).content
        assert (await installer.get(path)).content == new
        keys = read_keys((await installer.call("GET", f"{V1}/certificate-keys")).text)
        assert len(keys) == 2
        published = (await installer.call("GET", f"{V1}/certificate-keys")).json()["keys"]
        assert ["x5c" in key for key in published] == [False, True]  # of the one that signs now
        chain = published[1]["x5c"]
        assert (
            PublicKey.of(load_der_x509_certificate(base64.b64decode(chain[0])).public_key())
            == read_keys(json.dumps(published[1]))[0]
        )
        assert verify(old, keys).validity is Validity.VALID
        assert verify(new, keys).validity is Validity.VALID
        assert verify(old, keys).key_id != verify(new, keys).key_id

    async def test_without_its_key_an_engine_gives_what_it_has_issued(
        self, installer: Caller, charge_point: str, app: FastAPI
    ) -> None:
        path = f"/commissioning/{charge_point}/report"
        issued = (await installer.get(path)).content
        app.state.parts = replace(app.state.parts, issuing=Issuing(None))
        assert (await installer.get(path)).content == issued

    async def test_a_new_public_address_makes_another_which_leads_there(
        self, installer: Caller, anonymous: Caller, charge_point: str, app: FastAPI
    ) -> None:
        path = f"/commissioning/{charge_point}/report"
        await installer.get(path)
        moved = app.state.parts.settings.model_copy(
            update={"public_api_url": "https://charging.example.org"}
        )
        app.state.parts = replace(app.state.parts, settings=moved)
        assert (await installer.get(path)).headers["x-certificate-number"] == "2"
        listed = (await installer.get(f"/commissioning/{charge_point}/certificates")).json()
        for one in listed["items"]:  # the file of the first as well is found where the engine is
            address = one["url"].removeprefix("https://charging.example.org")
            assert (await anonymous.call("GET", address)).status_code == 200

    async def test_a_new_secret_key_leaves_the_addresses_alive(
        self, installer: Caller, anonymous: Caller, charge_point: str, app: FastAPI
    ) -> None:
        await installer.get(f"/commissioning/{charge_point}/report")
        path = f"/commissioning/{charge_point}/certificates"
        before = (await installer.get(path)).json()
        other = app.state.parts.settings.model_copy(update={"secret_key": SecretStr("x" * 40)})
        app.state.parts = replace(app.state.parts, settings=other)
        listed = (await installer.get(path)).json()
        assert listed == before
        address = listed["items"][0]["url"].removeprefix("https://api.example.com")
        assert (await anonymous.call("GET", address)).status_code == 200

    async def test_too_many_changes_are_throttled(
        self, installer: Caller, charge_point: str, app: FastAPI
    ) -> None:
        for _ in range(ISSUE_SUBJECT.attempts):
            await app.state.parts.throttle.attempt((ISSUE_SUBJECT, charge_point))
        answer = await installer.get(f"/commissioning/{charge_point}/report")
        problem(answer, 429, "too_many_attempts")


class TestReportOfAProject:
    async def test_holds_every_charge_point(
        self, installer: Caller, charge_point: str, project: str
    ) -> None:
        await installer.charge_point(project, serial_number="SN-LATER")
        answer = await installer.get(f"/projects/{project}/report")
        cover, page = texts(answer.content)
        assert "1 of 2 passed" in cover
        assert "SN-LATER" in cover
        assert "CP-SN-00483921" in page
        (listed,) = (await installer.get(f"/projects/{project}/certificates")).json()["items"]
        assert listed["scope"] == "project"
        assert listed["sha256"] == hashlib.sha256(answer.content).hexdigest()

    async def test_names_the_owner_and_the_clock_at_the_site(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project(time_zone="Asia/Kathmandu")
        await judge(database, await installer.charge_point(project), project)
        for said in texts((await installer.get(f"/projects/{project}/report")).content):
            assert "facilities@riversidebp.com" in said
            assert "UTC+05:45)" in said

    async def test_of_nothing(self, installer: Caller, project: str) -> None:
        problem(await installer.get(f"/projects/{project}/report"), 409, "no_verdict")


class TestOnlineCopy:
    @pytest.fixture
    async def link(self, installer: Caller, charge_point: str) -> str:
        await installer.get(f"/commissioning/{charge_point}/report")
        listed = (await installer.get(f"/commissioning/{charge_point}/certificates")).json()
        return str(listed["items"][0]["url"])

    async def test_confirms_the_certificate_to_whoever_has_the_link(
        self, anonymous: Caller, installer: Caller, charge_point: str, link: str
    ) -> None:
        assert link.startswith("https://api.example.com/certificates/")
        path = link.removeprefix("https://api.example.com")
        with capture_logs() as logs:
            answer = await anonymous.call("GET", path)
        assert answer.status_code == 200
        assert "The signature is valid" in answer.text
        assert "It is the newest one." in answer.text
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert path.rpartition("/")[2] not in json.dumps(logs)
        file = await anonymous.call("GET", f"{path}/file")
        assert (
            file.content == (await installer.get(f"/commissioning/{charge_point}/report")).content
        )
        assert hashlib.sha256(file.content).hexdigest() in answer.text

    async def test_does_not_call_a_run_without_a_test_charge_simply_passed(
        self, anonymous: Caller, installer: Caller, project: str, database: Database
    ) -> None:
        made = await installer.charge_point(project)
        await judge(database, made, project, WITHOUT_TEST)
        await installer.get(f"/commissioning/{made}/report")
        listed = (await installer.get(f"/commissioning/{made}/certificates")).json()
        address = listed["items"][0]["url"].removeprefix("https://api.example.com")
        answer = await anonymous.call("GET", address)
        assert '<span class="warn">Passed, without a test charge</span>' in answer.text

    async def test_says_when_there_is_a_newer_one(
        self,
        anonymous: Caller,
        installer: Caller,
        charge_point: str,
        project: str,
        link: str,
        database: Database,
    ) -> None:
        await judge(database, charge_point, project, FAILED)
        await installer.get(f"/commissioning/{charge_point}/report")
        answer = await anonymous.call("GET", link.removeprefix("https://api.example.com"))
        assert "It was replaced: number 2 is the newest." in answer.text
        assert "The signature is valid" in answer.text

    async def test_a_token_that_is_none(self, anonymous: Caller) -> None:
        for token in ("x", "cer_01HX9CERTIFICATEABCDEF", "%00", "a" * 5000):
            answer = await anonymous.call("GET", f"/certificates/{token}")
            assert answer.status_code == 404
            assert "There is no such certificate" in answer.text
            answer = await anonymous.call("GET", f"/certificates/{token}/file")
            problem(answer, 404, "certificate_not_found")


@pytest.mark.usefixtures("engine")
class TestSiteOwner:
    @pytest.fixture
    async def owner(
        self, installer: Caller, anonymous: Caller, project: str, charge_point: str, outbox: Outbox
    ) -> Caller:
        answer = await installer.post(
            f"/projects/{project}/invite-site-owner", {"email": "facilities@riversidebp.com"}
        )
        assert answer.status_code == 201, answer.text
        return await accept_invitation(anonymous, outbox)

    async def test_reads_the_certificates_of_the_project(
        self, owner: Caller, project: str, charge_point: str
    ) -> None:
        base = f"{V1}/site-owner/projects/{project}"
        whole = await owner.call("GET", f"{base}/report")
        assert whole.headers["content-type"] == "application/pdf"
        one = await owner.call("GET", f"{base}/charge-points/{charge_point}/report")
        assert one.headers["x-certificate-number"] == "1"
        listed = await owner.call("GET", f"{base}/certificates")
        assert len(listed.json()["items"]) == 1

    async def test_of_another_project_does_not_exist(
        self, owner: Caller, project: str, stranger: Caller, database: Database
    ) -> None:
        theirs = await stranger.project()
        foreign = await stranger.charge_point(theirs, **GUIDE_CHARGE_POINT)
        await judge(database, foreign, theirs)
        path = f"{V1}/site-owner/projects/{project}/charge-points/{foreign}/report"
        problem(await owner.call("GET", path), 404, "charge_point_not_found")

    async def test_the_handover_makes_another_with_the_sign_off(
        self, owner: Caller, installer: Caller, project: str, database: Database
    ) -> None:
        base = f"{V1}/site-owner/projects/{project}/report"
        before = await owner.call("GET", base)
        assert "has not been handed over yet" in texts(before.content)[0]
        answer = await installer.post(
            f"/projects/{project}/complete-handover",
            {"sign_off_notes": "Site owner briefed.", "installer_signature": "J. Smith"},
        )
        assert answer.status_code == 200, answer.text
        after = await owner.call("GET", base)
        assert after.headers["x-certificate-number"] == "2"
        assert "Site owner briefed." in texts(after.content)[0]
        # The installer reads it still.
        assert (await installer.get(f"/projects/{project}/report")).content == after.content
