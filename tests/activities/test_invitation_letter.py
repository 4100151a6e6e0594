"""The invitation mail says the same in text and in HTML, and lets nobody write HTML into it."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

from activities.invitation_letter import invitation_letter
from domain.invitations import InvitationDraft, InvitedChargePoint, InvitedProject
from domain.states import ChargePointStatus, ProjectRole

LINK = "https://charging.example/invitations/" + "5f" * 32
STOP = "https://charging.example/mail/stop/usr_1.5f.5f"
DRAFT = InvitationDraft(
    invitation_id="inv_1",
    account_id="usr_1",
    project=InvitedProject(
        name="Riverside <Business> & Park",
        address="12 Riverside Way, Bristol, BS1 4AA",
        installer_name="Acme EV Solutions Ltd",
        charge_point_count=7,
        charge_points=tuple(
            InvitedChargePoint(
                serial_number=f"CP-SN-0048392{number}",
                device="ABB Terra AC W22",
                place=f"Bay {number}, Car Park A",
                status=status,
            )
            for number, status in enumerate(ChargePointStatus, 1)
        ),
    ),
    email="facilities@riversidebp.com",
    role=ProjectRole.SITE_OWNER,
    message="Your charge points are ready.\n\nCall <me> at 0117 & ask for Alex.",
    expires_at=datetime(2026, 5, 8, 9, tzinfo=UTC),
    sent=False,
)


def _words(html: str) -> str:
    """What a reader of the HTML sees, but for the preview line."""
    body = re.sub(
        r'<div style="display:none.*?</div>', "", html.partition("<body")[2], flags=re.DOTALL
    )
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_both_say_the_same() -> None:
    letter = invitation_letter(DRAFT, link=LINK, stop_link=STOP)
    assert letter.html is not None
    seen, text = _words(letter.html), " ".join(letter.text.replace("\n  >", "\n").split())
    for said in (
        "An installer has put in 7 charge points of a site and invites you to take the site over",
        'Invited by: "Acme EV Solutions Ltd"',
        'Site: "Riverside <Business> & Park"',
        'Address: "12 Riverside Way, Bristol, BS1 4AA"',
        "What they write:",
        "Your charge points are ready.",
        "Call <me> at 0117 & ask for Alex.",
        *(one.serial_number for one in DRAFT.project.charge_points),
        *(f"ABB Terra AC W22, Bay {number}, Car Park A" for number in range(1, 6)),
        "Tested, passed",
        "Being tested",
        "Has not passed its test yet",
        "Not tested yet",
        "and 2 charge points more",
        "The invitation ends on 8 May 2026 at 09:00 UTC.",
        "facilities@riversidebp.com",
        LINK,
    ):
        assert said in seen, said
        assert said in text, said


def test_one_to_a_service_visit_says_until_when_that_is() -> None:
    project = replace(DRAFT.project, visit_ends_at=datetime(2026, 5, 2, 18, tzinfo=UTC))
    draft = replace(DRAFT, role=ProjectRole.SERVICE, project=project)
    letter = invitation_letter(draft, link=LINK, stop_link=STOP)
    assert letter.html is not None
    for said in (" ".join(letter.text.split()), _words(letter.html)):
        assert "until the visit ends on 2 May 2026 at 18:00 UTC, or is closed." in said
        assert "The invitation ends on 2 May 2026 at 18:00 UTC." in said
        assert "8 May" not in said


def test_a_pass_without_a_test_charge_says_so() -> None:
    passed = replace(DRAFT.project.charge_points[2], uncharged=True)
    project = replace(DRAFT.project, charge_points=(passed,))
    letter = invitation_letter(replace(DRAFT, project=project), link=LINK, stop_link=STOP)
    for said in (letter.text, letter.html or ""):
        assert "Passed, without a test charge" in said
        assert "Tested, passed" not in said
    assert 'color:#8a5a00;font-weight:600">Passed, without' in (letter.html or "")


def test_nothing_comes_from_elsewhere_and_there_is_one_link_and_one_to_stop() -> None:
    html = invitation_letter(DRAFT, link=LINK, stop_link=STOP).html or ""
    assert re.findall(r"https?://[^\s\"'<]+", html) == [LINK, LINK, STOP]
    assert re.findall(r'href="([^"]*)"', html) == [LINK, STOP]
    for trick in ("<img", "<script", "<link", "url(", "@import"):
        assert trick not in html


def test_an_empty_project_without_a_message() -> None:
    project = replace(DRAFT.project, charge_point_count=0, charge_points=())
    letter = invitation_letter(
        replace(DRAFT, project=project, message=None), link=LINK, stop_link=STOP
    )
    assert "write:" not in letter.text
    assert "has put in the charge points of a site" in letter.text
