"""Asks the links that are here whether they live, as another speaks as the same charge point."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from domain.contests import Contest
from domain.ports import ChargePointGoneError
from ocpp_server.calls import BadAnswerError
from ocpp_server.registry import Registry
from ocpp_server.session import Session
from storage import contests
from storage.engine import Database

ANSWER_SECONDS: Final = 1.0
"""Within so long of the question a link that lives has said anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Generations of the links that were asked: those that live, and those that are gone."""

    alive: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()


class Contests:
    """The node's side of :mod:`domain.contests`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._asking: dict[Session, asyncio.Task[bool]] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._missing: set[tuple[str, int]] = set()

    async def ask(self, charge_point_id: str, *, besides: str | None) -> Found:
        """Ask all links of a charge point that are here, but for those from one address."""
        asked = [
            session
            for session in self._registry.all_of(charge_point_id)
            if session.peer.remote_address != besides
        ]
        return await self._ask(asked)

    async def look(
        self,
        database: Database,
        node_id: str,
        found: Mapping[str, Contest],
        *,
        beating: Collection[str],
    ) -> None:
        """Ask all links that are here and have not been asked; note those that are gone."""
        missing: set[tuple[str, int]] = set()
        gone: dict[str, set[int]] = {}
        unasked: dict[str, list[Session]] = {}
        for charge_point_id, contest in found.items():
            here = {one.peer.generation: one for one in self._registry.all_of(charge_point_id)}
            links = [link for link in contest.links if link.answered is not False]
            gone[charge_point_id] = {
                link.generation
                for link in links
                if link.node_id != node_id and link.node_id not in beating
            }
            for link in links:
                key = charge_point_id, link.generation
                if link.node_id == node_id and not link.is_one_of(here):
                    # Not at first sight: between a commit and its socket's session is a moment.
                    missing.add(key)
                    if key in self._missing:
                        gone[charge_point_id].add(link.generation)
            unasked[charge_point_id] = [
                session
                for link in contest.links
                for session in here.values()
                if not link.answered and link.is_one_of({session.peer.generation})
            ]
        self._missing = missing
        answers = await asyncio.gather(*map(self._ask, unasked.values()))
        for charge_point_id, answer in zip(unasked, answers, strict=True):
            if not (gone[charge_point_id] or answer.gone or answer.alive):
                continue
            async with database.write() as connection:
                await contests.look(
                    connection,
                    charge_point_id,
                    alive=answer.alive,
                    gone=gone[charge_point_id] | answer.gone,
                    at=datetime.now(UTC),
                )

    async def _ask(self, sessions: Collection[Session]) -> Found:
        answers = await asyncio.gather(*(self._is_alive(session) for session in sessions))
        of = {one.peer.generation: alive for one, alive in zip(sessions, answers, strict=True)}
        return Found(
            alive=frozenset(generation for generation, alive in of.items() if alive),
            gone=frozenset(generation for generation, alive in of.items() if not alive),
        )

    async def _is_alive(self, session: Session) -> bool:
        """Tell whether a link lives; however many want to know at once, it is asked once."""
        asking = self._asking.get(session)
        if asking is None:
            asking = asyncio.create_task(self._hear(session), name="ask a link")
            self._asking[session] = asking
            asking.add_done_callback(lambda _: self._asking.pop(session, None))
        return await asyncio.shield(asking)

    async def _hear(self, session: Session) -> bool:
        socket = session.socket
        if not socket.is_open:
            return False
        if not socket.is_read:  # it is held back, and has more to say
            return True
        if socket.ignores_pings:
            call = asyncio.create_task(_call(session), name="ask by a call")
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        socket.probe()
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await socket.wait_to_be_heard()
                return socket.is_open
        return False


async def _call(session: Session) -> None:
    """Ask what any charge point answers, were it with an error."""
    with suppress(BadAnswerError, ChargePointGoneError):
        await session.call(*session.protocol.question)
