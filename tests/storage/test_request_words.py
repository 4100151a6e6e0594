"""What an update of a workflow says of people is a row for a month, and nothing of it elsewhere."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.audit import Actor
from domain.errors import NotFoundError
from domain.handover import CompleteHandover
from domain.invitations import NewInvitation
from domain.service_visits import CloseVisit
from storage.engine import Database
from storage.request_words import keep_words, with_words
from storage.retention.rounds import StoredRetention
from tests.storage.letting_go import AGES
from tests.support.rows import AT, one_charge_point

_WHO = Actor(email="kim@acme.com", role="installer", account_id="usr_1")
_REQUESTS = (
    NewInvitation(invitation_id="inv_1", email="o@site.example", message="Welcome", by=_WHO.by_id),
    CompleteHandover(sign_off_notes="All well", installer_signature="J. Smith", by=_WHO.by_id),
    CloseVisit(service_visit_id="sv_1", reason="The breaker is sound", by=_WHO.by_id),
)
_SAID = ("site.example", "Welcome", "All well", "Smith", "breaker", "kim@acme.com")


@pytest.mark.parametrize("request_", _REQUESTS, ids=lambda one: type(one).__name__)
async def test_they_are_with_their_request_for_a_month(
    database: Database, request_: NewInvitation | CompleteHandover | CloseVisit
) -> None:
    await one_charge_point(database)
    async with database.write() as connection:
        sent = await keep_words(connection, "prj_1", request_, at=AT)
    assert [words for words in _SAID if words in repr(sent)] == []
    month = timedelta(days=30)

    async def let_go(age: timedelta) -> None:
        retention = StoredRetention(database, AGES, now=lambda: AT + age)
        await retention.go_on(at_most=timedelta(minutes=1), alive=lambda: None)

    for age in (timedelta(0), month):
        await let_go(age)
        async with database.read() as connection:
            assert await with_words(connection, sent) == request_
            assert await with_words(connection, request_) == request_
    await let_go(month + timedelta(seconds=1))
    async with database.write() as connection:
        with pytest.raises(NotFoundError) as refused:
            await with_words(connection, sent)
        assert refused.value.code == "words_gone"
        again = await keep_words(connection, "prj_1", request_, at=AT + month)
        assert await with_words(connection, again) == replace(request_, words_id=None)
