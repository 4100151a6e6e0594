"""A local list over the socket: in which messages it is sent, and what is made of refusals."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from domain.offline import KEYS, ListState, LocalListUpdated
from domain.operations import ConfigurationKey
from ocpp_server.v16.configuration_messages import Inventory
from ocpp_server.v16.local_list import LocalList
from tests.ocpp_server.bed import Bed

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NOTHING: Mapping[str, str] = {}
NEW = LocalListUpdated(state=ListState.UNCONFIRMED)
Rule = Callable[["Scripted", dict[str, Any]], str | None]
TAGS = [f"TAG{number:05d}" for number in range(12_345)]


@dataclass
class Scripted:
    """A charge point that keeps what it accepts; ``rule`` refuses with a word, None accepts."""

    rule: Rule
    version: int = 0
    tags: list[str] = field(default_factory=list)
    sent: list[tuple[str, int, int]] = field(default_factory=list)
    """Of each SendLocalList: its kind, its version, and its number of id tags."""

    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if action == "GetLocalListVersion":
            return {"listVersion": self.version}
        entries = payload.get("localAuthorizationList", [])
        assert all(one["idTagInfo"] == {"status": "Accepted"} for one in entries)
        self.sent.append((payload["updateType"], payload["listVersion"], len(entries)))
        word = self.rule(self, payload)
        if word is not None:
            return {"status": word}
        full = payload["updateType"] == "Full"
        self.tags = ([] if full else self.tags) + [one["idTag"] for one in entries]
        self.version = payload["listVersion"]
        return {"status": "Accepted"}


@asynccontextmanager
async def scripted(
    bed: Bed, rule: Rule = lambda *_: None, *, version: int = 0, says: Mapping[str, str] = NOTHING
) -> AsyncIterator[tuple[Scripted, LocalList]]:
    charger = Scripted(rule=rule, version=version)
    async with bed.wire() as wire:
        await wire.sync()

        async def serve() -> None:
            async for text in wire.socket:
                _, message_id, action, payload = json.loads(text)
                await wire.socket.send(json.dumps([3, message_id, charger.answer(action, payload)]))

        serving = asyncio.create_task(serve())
        inventory = Inventory(
            keys={
                name.casefold(): ConfigurationKey(key=name, value=says[name], readonly=True)
                for name in KEYS
                if name in says
            }
        )
        try:
            yield charger, LocalList(bed.node.registry.require(bed.charge_point_id), inventory)
        finally:
            serving.cancel()


def updated(
    state: ListState, version: int, id_tags: int, listed: int, detail: str | None = None
) -> LocalListUpdated:
    return LocalListUpdated(
        state=state, version=version, id_tags=id_tags, listed=listed, detail=detail
    )


async def test_a_full_list_and_the_rest_after_it(bed: Bed) -> None:
    async with scripted(bed, says={"SendLocalListMaxLength": "100"}) as (charger, local_list):
        found = await local_list.bring(TAGS[:250], before=NEW, is_current=False)
    assert charger.sent == [("Full", 1, 100), ("Differential", 2, 100), ("Differential", 3, 50)]
    assert charger.tags == TAGS[:250]
    assert found == updated(ListState.KEPT, 3, 250, 250)


async def test_no_more_than_it_has_room_for(bed: Bed) -> None:
    keys = {"SendLocalListMaxLength": "1000", "LocalAuthListMaxLength": "700"}
    async with scripted(bed, says=keys) as (charger, local_list):
        found = await local_list.bring(TAGS[:800], before=NEW, is_current=False)
    assert charger.sent == [("Full", 1, 500), ("Differential", 2, 200)]
    assert found == updated(ListState.PARTLY_KEPT, 2, 700, 800)


async def test_ten_thousand_in_messages_that_any_hardware_takes(bed: Bed) -> None:
    async with scripted(bed) as (charger, local_list):
        found = await local_list.bring(TAGS[:10_000], before=NEW, is_current=False)
    assert len(charger.sent) == 200
    assert {count for _, _, count in charger.sent} == {50}
    assert found == updated(ListState.KEPT, 200, 10_000, 10_000)


async def test_a_newer_version_than_any(bed: Bed) -> None:
    async with scripted(bed, version=9) as (charger, local_list):
        before = updated(ListState.KEPT, 3, 1, 1)
        found = await local_list.bring(TAGS[:1], before=before, is_current=True)
        assert charger.sent == [("Full", 10, 1)]
        again = await local_list.bring(TAGS[:1], before=found, is_current=True)
        assert (again, len(charger.sent)) == (found, 1)
        await local_list.bring(TAGS[:1], before=updated(ListState.KEPT, 30, 1, 1), is_current=True)
    assert charger.sent[1:] == [("Full", 31, 1)]


async def test_nothing_is_sent_where_nothing_is_and_nothing_is_wanted(bed: Bed) -> None:
    async with scripted(bed) as (charger, local_list):
        assert await local_list.bring([], before=NEW, is_current=False) == updated(
            ListState.KEPT, 0, 0, 0
        )
        assert charger.sent == []
        charger.version = 4
        found = await local_list.bring([], before=NEW, is_current=False)
    assert charger.sent == [("Full", 5, 0)]
    assert found == updated(ListState.KEPT, 5, 0, 0)


async def test_a_mismatch_begins_anew(bed: Bed) -> None:
    """Somebody else has written a list between two messages."""

    def rule(charger: Scripted, _payload: dict[str, Any]) -> str | None:
        if len(charger.sent) == 2:
            charger.version = 40
            return "VersionMismatch"
        return None

    async with scripted(bed, rule, says={"SendLocalListMaxLength": "2"}) as (charger, local_list):
        found = await local_list.bring(TAGS[:3], before=NEW, is_current=False)
    assert [kind for kind, *_ in charger.sent] == ["Full", "Differential"] * 2
    assert charger.tags == TAGS[:3]
    assert found == updated(ListState.KEPT, 42, 3, 3)


async def test_a_mismatch_for_ever_is_a_refusal(bed: Bed) -> None:
    async with scripted(bed, lambda *_: "VersionMismatch") as (charger, local_list):
        found = await local_list.bring(TAGS[:1], before=NEW, is_current=False)
    assert found.state is ListState.REFUSED
    assert found.detail == "VersionMismatch"
    assert len(charger.sent) == 2


async def test_one_that_knows_full_lists_alone_gets_all_in_one(bed: Bed) -> None:
    def rule(_charger: Scripted, payload: dict[str, Any]) -> str | None:
        return None if payload["updateType"] == "Full" else "Failed"

    async with scripted(bed, rule) as (charger, local_list):
        found = await local_list.bring(TAGS[:120], before=NEW, is_current=False)
        assert charger.tags == TAGS[:120]
    assert found == updated(ListState.KEPT, 2, 120, 120)


async def test_one_that_refuses_all_is_asked_a_few_times(bed: Bed) -> None:
    async with scripted(bed, lambda *_: "Failed") as (charger, local_list):
        before = updated(ListState.KEPT, 7, 3, 3)
        found = await local_list.bring(TAGS[:300], before=before, is_current=False)
    assert [count for _, _, count in charger.sent] == [50, 20, 5, 1]
    # What it had, it has still.
    assert found == updated(ListState.REFUSED, 7, 3, 300, "Failed")


async def test_the_last_version_of_all_is_followed_by_the_first(bed: Bed) -> None:
    async with scripted(bed, version=2**31 - 1) as (charger, local_list):
        found = await local_list.bring(TAGS[:1], before=NEW, is_current=False)
    assert charger.sent == [("Full", 1, 1)]
    assert found.version == 1
