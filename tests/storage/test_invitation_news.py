"""Whoever invited hears how it ended, also when the handover comes right behind the answer."""

from datetime import timedelta

from activities.letters import news_letter
from domain.handover import CompleteHandover
from domain.invitations import InvitationNews, NewInvitation
from domain.states import ChargePointStatus, ProjectRole
from storage.catalogue import load_catalogue
from storage.engine import Database
from storage.invitation_ends import InvitationEnds
from storage.project_records import StoredProjects
from tests.support.rows import AT, one_charge_point

_REQUEST = CompleteHandover(sign_off_notes=None, installer_signature="J. Smith")
_MINUTE = timedelta(minutes=1)


async def _news(
    database: Database, invited_as: ProjectRole, *, answered_after: timedelta
) -> InvitationNews | None:
    """Answer an invitation, hand over, and only then look at how the invitation stands."""
    now = AT
    projects = StoredProjects(
        database, load_catalogue(), invitation_lifetime=timedelta(days=7), now=lambda: now
    )
    await one_charge_point(
        database,
        status=ChargePointStatus.COMMISSIONED,
        accepted=invited_as is not ProjectRole.SITE_OWNER,
    )
    invitation = NewInvitation(
        invitation_id="inv_1", email="sam@site.example", message=None, role=invited_as
    )
    await projects.invite("prj_1", invitation, token_hash="x")

    async def answer() -> None:
        async with database.write() as connection:
            ends = InvitationEnds(connection)
            assert await ends.accept("inv_1", account_id="usr_1", at=AT + answered_after)

    if answered_after <= _MINUTE:
        await answer()
    now = AT + _MINUTE
    assert (await projects.complete_handover("prj_1", _REQUEST)).completed_at == now
    if answered_after > _MINUTE:
        await answer()
    now = AT + 3 * _MINUTE
    return (await projects.settle_invitation("inv_1")).news


async def test_an_answer_right_before_the_handover_is_told(database: Database) -> None:
    news = await _news(database, ProjectRole.SITE_OWNER, answered_after=_MINUTE)
    assert news is not None
    assert "is handed over" in news_letter(news).text


async def test_an_answer_after_the_handover_is_not(database: Database) -> None:
    assert await _news(database, ProjectRole.TECHNICIAN, answered_after=2 * _MINUTE) is None
