"""One node: server, writer, forwarder and heartbeat of the node, started and stopped together."""

import asyncio
from collections.abc import Callable, Container, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from domain.cancellation import end
from domain.contests import Contest
from domain.ports import ChargePointGoneError
from domain.proxies import Network
from domain.states import LogLevel
from ocpp_server.admission import Admission
from ocpp_server.charge_point_log import ChargePointLog
from ocpp_server.local_lists import LocalLists
from ocpp_server.protocol import Protocols
from ocpp_server.registry import Registry
from ocpp_server.server import ChargerServer, Limits
from ocpp_server.session import Session
from ocpp_server.tell_watchers_and_billing import EventSink, Forwarder
from ocpp_server.writer import Writer
from storage import connections, nodes
from storage.contests import read_contests
from storage.engine import Database
from storage.fact_records import Disconnected
from storage.outages import Outage

_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
# A commit may take as long as a beat before others see it.
_MAY_PASS_FOR_DEAD: Final = nodes.NODE_DEADLINE - nodes.NODE_BEAT
_log = structlog.get_logger(__name__)


class Node:
    """Composes the parts. Nothing runs before :meth:`start`."""

    def __init__(
        self,
        *,
        node_id: str,
        database: Database,
        sink: EventSink,
        protocols: Protocols,
        secret: bytes,
        limits: Limits | None = None,
        trusted_proxies: Sequence[Network] = (),
        trouble: Callable[[], str | None] = lambda: None,
        lines: ChargePointLog | None = None,
    ) -> None:
        """``trouble`` says why the node is not ready, if it knows."""
        self.node_id = node_id
        self._lines = lines or ChargePointLog()
        self.registry = Registry()
        self.local_lists = LocalLists(self.registry, database)
        self._database = database
        self._forwarder = Forwarder(database, self.registry, sink)
        self.writer = Writer(database, self._forwarder.committed, self._lines)
        self._admission = Admission(
            database=database,
            writer=self.writer,
            protocols=protocols,
            secret=secret,
            trusted_proxies=trusted_proxies,
            trouble=trouble,
        )
        self.server = ChargerServer(
            node_id=node_id,
            protocols=protocols,
            writer=self.writer,
            registry=self.registry,
            admission=self._admission,
            limits=limits or Limits(),
            lines=self._lines,
        )
        self._rounds: list[asyncio.Task[None]] = []
        self._beaten_at: float | None = None
        self._unheld: dict[str, connections.OwnedLink] = {}
        self._parting: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, host: str, port: int) -> int:
        """Listen, register the node, then admit charge points; return the port.

        A database that is away is waited for, and the probe says so meanwhile.

        Raises:
            OSError: the port is taken.

        """
        bound = await self.server.listen(host, port)
        await self._first_beat()
        self._tasks = [
            _background(self.writer.run(), "writer"),
            _background(self._forwarder.run(), "forwarder"),
        ]
        # Each by itself: nothing that takes long may keep the node from saying that it lives.
        self._rounds = [
            _background(_for_ever(self._beat, Outage("beat_failed", log=_log)), "beat"),
            _background(_for_ever(self.compare, Outage("not_compared", log=_log)), "compare"),
        ]
        self._admission.open()
        return bound

    def drain(self, *, keep: Container[str]) -> None:
        """Take no new connection, and close those of all but these charge points."""
        self._admission.drain()
        self.server.release(keep)

    async def stop(self) -> None:
        """Close the sockets, write and forward what waits, leave the registry of nodes."""
        self._admission.drain()
        await self.server.close()
        for rounds in self._rounds:
            await end(rounds)
        await asyncio.gather(*self._parting.values())  # their sockets are closed
        # In this order: the writer's last batch is what the forwarder still has to tell.
        for close, task in zip(
            (self.writer.close, self._forwarder.close), self._tasks, strict=False
        ):
            close()
            try:
                async with asyncio.timeout(_LONGEST_PAUSE):
                    await task
            except TimeoutError:
                _log.warning("stopped_with_work_left", part=task.get_name())
        with suppress(Exception):  # a database that is away must not keep the process alive
            async with self._database.write() as connection:
                await nodes.leave(connection, self.node_id, at=datetime.now(UTC))

    async def _first_beat(self) -> None:
        pause, outage = _FIRST_PAUSE, Outage("waiting_for_database", log=_log)
        while not await _attempt(self._beat, outage):
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _beat(self) -> None:
        # A clock that is set meanwhile must not hide that beats were missed.
        at, before = asyncio.get_running_loop().time(), self._beaten_at
        async with self._database.write() as connection:
            await nodes.beat(connection, self.node_id)
        self._beaten_at = at
        if before is not None and at - before > _MAY_PASS_FOR_DEAD.total_seconds():
            _log.warning("beats_missed", charge_points=len(self.registry))
            # A workflow that looked meanwhile took these connections for lost.
            self._forwarder.committed(
                [session.peer.still_connected(datetime.now(UTC)) for session in self.registry]
            )

    async def compare(self) -> None:
        """Hold the sockets that are here against the connections that the database says are here.

        Closes sockets whose charge point has connected to another node since, or was withdrawn.
        Ends connections whose socket is not here: they were stored, and the answer to that commit
        was lost. Of those in a contest, asks the ones that have not been, and lets go on what is
        left of one that is over.
        """
        sessions = list(self.registry)
        async with self._database.read() as connection:
            owned = await connections.owned_by(connection, self.node_id)
            contests = await read_contests(connection)
            beating = await nodes.live_nodes(connection) if contests else ()
        for session in sessions:
            if session not in self.registry.all_of(session.peer.charge_point_id):
                continue  # another has taken its place since what was read here was written
            contest = contests.get(session.peer.charge_point_id)
            if contest is not None:
                self._take_part(session, contest)
            else:
                self._compare(session, owned.get(session.peer.charge_point_id))
        unheld = {
            charge_point_id: link
            for charge_point_id, link in owned.items()
            if link.open and not self._holds(charge_point_id, link)
        }
        for charge_point_id, link in unheld.items():
            # Not at first sight: between a commit and its socket's session is a moment.
            if self._unheld.get(charge_point_id) == link:
                self._end(charge_point_id, link)
        self._unheld = unheld
        await self.server.contests.look(self._database, self.node_id, contests, beating=beating)

    def _compare(self, session: Session, link: connections.OwnedLink | None) -> None:
        peer = session.peer
        if link is None or peer.generation not in {link.generation, link.adopts}:
            self.server.drop(session, "replaced by a newer connection")
        elif link.withdrawn:
            self._part_with(session)
        elif not link.open:  # it was taken for gone while this node was away, and comes anew
            self.server.drop(session, "its link was taken for gone")
        elif peer.contested or peer.generation != link.generation:
            peer.generation = link.generation
            for loser in self.registry.add(session):
                self.server.drop(loser, "another link was kept")
            peer.tell("contest_over")
            self._forwarder.committed([peer.still_connected(datetime.now(UTC))])

    def _take_part(self, session: Session, contest: Contest) -> None:
        """Begin or go on to speak as one of several; who is none of them any more is dropped."""
        if not any(link.is_one_of({session.peer.generation}) for link in contest.links):
            self.server.drop(session, "replaced by a newer connection")
        elif not session.peer.contested:
            for loser in self.registry.contest(session, contest):
                self.server.drop(loser, "replaced by a newer connection")

    def _part_with(self, session: Session) -> None:
        """Take from a charge point that was withdrawn what it got for its site, and drop it."""
        identity = session.peer.charge_point_id
        if identity not in self._parting:
            self._parting[identity] = _background(self._farewell(session), f"part with {identity}")

    async def _farewell(self, session: Session) -> None:
        try:
            await self.local_lists.farewell(session)
        except ChargePointGoneError:
            pass  # it comes back no more, and the list is of no use to anybody else
        except Exception as error:  # noqa: BLE001 - it is to go in any case
            failure = repr(error)[:200]
            session.peer.tell("farewell_failed", level=LogLevel.WARNING, error=failure)
        finally:
            del self._parting[session.peer.charge_point_id]
            self.server.drop(session, "this charge point was withdrawn")

    def _holds(self, charge_point_id: str, link: connections.OwnedLink) -> bool:
        return any(
            session.peer.generation == link.adopts or session.peer.generation >= link.generation
            for session in self.registry.all_of(charge_point_id)
        )

    def _end(self, charge_point_id: str, link: connections.OwnedLink) -> None:
        self._lines.tell(
            "connection_without_socket",
            charge_point_id,
            level=LogLevel.WARNING,
            generation=link.generation,
        )
        self.writer.note(
            Disconnected(
                charge_point_id=charge_point_id,
                node_id=self.node_id,
                generation=link.generation,
                ocpp_version=link.ocpp_version,
                remote_address=link.remote_address,
                at=datetime.now(UTC),
            )
        )


async def _for_ever(work: Callable[[], Coroutine[Any, Any, None]], outage: Outage) -> None:
    while True:
        await asyncio.sleep(nodes.NODE_BEAT.total_seconds())
        await _attempt(work, outage)


async def _attempt(work: Callable[[], Coroutine[Any, Any, None]], outage: Outage) -> bool:
    """Try it once, within its time; return False, and tell the outage, when it fails."""
    try:
        async with asyncio.timeout(_MAY_PASS_FOR_DEAD.total_seconds()):
            await work()
    except Exception as error:  # noqa: BLE001 - a database that is away comes back
        outage.failed(error)
        return False
    outage.over()
    return True


def _background(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_report)
    return task


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.critical("background_task_died", task=task.get_name(), exc_info=task.exception())
