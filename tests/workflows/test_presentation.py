"""What operators read of a run in the Temporal UI."""

from dataclasses import replace
from datetime import timedelta

from domain.checks import CheckRecord, RunView, Waiting
from domain.commissioning import RunOptions, RunRequest
from domain.failures import FailureCode, failure
from domain.states import CheckName, CheckResult, InstallerAnswer, RunStatus, WaitingFor
from tests.workflows.charger import EPOCH, REGISTERED
from workflows.presentation import Shown, current_details

REQUEST = RunRequest(
    commissioning_id="com_2",
    charge_point_id="cp_1",
    project_id="prj_1",
    installer_id="usr_1",
    started_by="installer@acme.com",
    started_at=EPOCH,
    options=RunOptions(),
    previous_commissioning_id="com_1",
)
VIEW = RunView(
    commissioning_id="com_2",
    charge_point_id="cp_1",
    status=RunStatus.IN_PROGRESS,
    checks=tuple(CheckRecord(name=name) for name in CheckName),
    started_at=EPOCH,
    started_by="installer@acme.com",
)
SHOWN = Shown(
    request=REQUEST,
    view=VIEW,
    registered=REGISTERED,
    api_url="https://api.example.com/",
    temporal_ui_url="https://temporal.example.com",
    namespace="default",
)


def test_it_says_what_it_does_now() -> None:
    text = current_details(replace(SHOWN, doing="Apply the configuration"))
    assert "Now: **Apply the configuration**" in text
    assert "ABB Terra AC W22" in text
    assert "- · **ocpp_handshake** pending" in text


def test_it_says_what_it_waits_for_and_how_to_answer() -> None:
    waiting = Waiting(
        waiting_for=WaitingFor.INSTALLER,
        since=EPOCH,
        until=EPOCH + timedelta(hours=24),
        prompt="Update it.",
        answers=(InstallerAnswer.DONE, InstallerAnswer.GIVE_UP),
    )
    text = current_details(replace(SHOWN, view=replace(VIEW, waiting=waiting), doing="Nothing"))
    assert (
        "Waits for **installer** since 09:00:00, until 2026-05-02 09:00:00 UTC: Update it." in text
    )
    assert "`answer`, with `done` or `give_up`" in text
    assert "Now:" not in text


def test_links_lead_to_the_record_the_project_and_the_run_before() -> None:
    text = current_details(SHOWN)
    base = "https://api.example.com/api/v1/installer/commissioning/cp_1"
    assert f"[Record]({base}/runs/com_2)" in text
    assert f"[Record of the previous run]({base}/runs/com_1)" in text
    assert "[Project](https://temporal.example.com/namespaces/default/workflows/prj_1)" in text
    assert "?query=ChargePointId%20%3D%20%27cp_1%27)" in text


def test_without_bases_there_are_no_links() -> None:
    assert "](" not in current_details(replace(SHOWN, api_url="", temporal_ui_url=""))


def test_a_charge_points_words_are_no_markup() -> None:
    evil = failure(
        FailureCode.CONNECTOR_FAULTED, place="It", error="[click](http://evil) <b>\n# **x** `y`"
    )
    check = CheckRecord(name=CheckName.CONNECTOR_AVAILABLE, result=CheckResult.FAILED, failure=evil)
    text = current_details(replace(SHOWN, view=replace(VIEW, checks=(check,)), api_url=""))
    line = next(line for line in text.splitlines() if "connector_faulted" in line)
    assert r"\[click\](http://evil) \<b\> \# \*\*x\*\* \`y\`" in line
