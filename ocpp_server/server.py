"""The WebSocket server: admitted sockets become sessions, newest connection wins."""

import asyncio
from collections import Counter
from collections.abc import Callable, Container, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.frames import CloseCode
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from domain.cancellation import end
from domain.contests import Contest, Refused, why_refused
from domain.flapping import FLAPPING_WINDOW, Flapping
from domain.proxies import source_network
from domain.states import LogLevel
from ocpp_server.acceptor import Acceptor
from ocpp_server.admission import Admission
from ocpp_server.budget import DAILY_BYTES, Budgets
from ocpp_server.charge_point_log import ChargePointLog
from ocpp_server.contests import Contests, Found
from ocpp_server.frame_splitter import MAX_MESSAGE
from ocpp_server.peer import Peer
from ocpp_server.protocol import OcppProtocol, Protocols
from ocpp_server.registry import Registry
from ocpp_server.session import Session
from ocpp_server.socket import ChargerSocket
from ocpp_server.throttle import Allowance, Guesses
from ocpp_server.writer import NotStoredError, Writer
from storage.fact_records import Connected, Disconnected, RefusedConnection

_HANDSHAKE_SECONDS: Final = 10
_PING_SECONDS: Final = 20
_SILENT_SECONDS: Final = 35
_UNREAD_SECONDS: Final = 30
_USUAL_INTERVAL: Final = 300
_LONGEST_INTERVAL: Final = 900
_KEEPER_SECONDS: Final = 5
_CLOSE_SECONDS: Final = 5
_ARRIVING: Final = 4
"""Connections of one charge point that are stored at a time, and half of them from one address."""
_RESTARTS: Final = "the server restarts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one charge point may cost. ``rate`` in messages per second; None: no limit."""

    rate: float | None = 20.0
    burst: float = 200.0
    call_timeout: float = 20.0
    daily_bytes: int = DAILY_BYTES


@dataclass(kw_only=True, eq=False)
class ChargerServer:
    """Listens, admits, and serves each socket until it closes."""

    node_id: str
    protocols: Protocols
    writer: Writer
    registry: Registry
    admission: Admission
    limits: Limits
    lines: ChargePointLog
    contests: Contests = field(init=False)
    _server: Server | None = None
    _closing: set[asyncio.Task[None]] = field(default_factory=set)
    _arriving: Counter[str | tuple[str, str]] = field(default_factory=Counter)
    """Connections of each charge point that are on their way into the database."""
    _budgets: Budgets = field(init=False)
    _guesses: Guesses = field(default_factory=Guesses)
    _keeper: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.contests = Contests(self.registry)
        self._budgets = Budgets(limit=self.limits.daily_bytes)

    async def listen(self, host: str, port: int) -> int:
        """Listen, and return the port; raise OSError when it is taken."""
        server = serve(
            self._serve,
            process_request=self.admission.admit_or_refuse,
            server_header=None,
            open_timeout=_HANDSHAKE_SECONDS,
        )

        def make(said: bytes, answered: Callable[[], None]) -> ChargerSocket:
            return ChargerSocket(
                ServerProtocol(
                    subprotocols=[Subprotocol(one) for one in self.protocols],
                    max_size=MAX_MESSAGE,
                    logger=server.logger,
                ),
                server,
                said,
                answered,
                ping_interval=None,  # see keep_alive
                close_timeout=_CLOSE_SECONDS,
            )

        acceptor = Acceptor(make, lambda one: self.admission.source(one.peer, one.header))
        # It needs no more of it than what an acceptor offers.
        server.create_server = cast(
            "Callable[[], Coroutine[Any, Any, asyncio.Server]]",
            partial(acceptor.open, host, port),
        )
        self._server = await server
        self._keeper = asyncio.create_task(self._keep_alive_for_ever(), name="keep alive")
        bound: int = next(iter(self._server.sockets)).getsockname()[1]
        return bound

    async def close(self) -> None:
        """Close every socket with 1012, service restart."""
        if self._keeper is not None:
            await end(self._keeper)
        for session in self.registry:
            session.give_up()  # a half-open link would hold its operation for the close timeout
        if self._server is not None:
            self._server.close(code=CloseCode.SERVICE_RESTART, reason=_RESTARTS)
            await self._server.wait_closed()
        if self._closing:
            await asyncio.wait(self._closing)

    def release(self, keep: Container[str]) -> None:
        """Close the sockets of all but these charge points, with 1012, without waiting."""
        for session in self.registry:
            if session.socket.is_open and session.peer.charge_point_id not in keep:
                self._close(session, CloseCode.SERVICE_RESTART, _RESTARTS)

    def drop(self, session: Session, reason: str) -> None:
        """Close a socket that no longer speaks for its charge point, without waiting for it."""
        self._close(session, CloseCode.POLICY_VIOLATION, reason)

    def _close(self, session: Session, code: int, reason: str) -> None:
        task = asyncio.create_task(session.socket.close(code, reason), name="close socket")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def keep_alive(self) -> None:
        """Ping silent sockets, and cut off those that stay silent: offline shows within 45 s."""
        self.lines.sum_up()
        self._budgets.forget_idle(datetime.now(UTC).date(), links=self.registry.all_of)
        now = asyncio.get_running_loop().time()
        for session in self.registry:
            silent = now - session.socket.heard_at if session.socket.is_read else 0.0
            if session.socket.unread_for(now) > _UNREAD_SECONDS:
                session.peer.tell("charge_point_reads_nothing")
                session.socket.transport.abort()
            elif silent > _patience(session):
                session.socket.transport.abort()
            elif silent > _PING_SECONDS:
                session.socket.probe()
            peer = session.peer
            if peer.flapping and datetime.now(UTC) > peer.connected_at + FLAPPING_WINDOW:
                peer.flapping = False
                peer.tell("charge_point_steady")

    async def _keep_alive_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_KEEPER_SECONDS)
            self.keep_alive()

    async def _serve(self, socket: ServerConnection) -> None:
        if not isinstance(socket, ChargerSocket):
            return
        link = await self._arrive(socket)
        if link is None:
            await socket.close(CloseCode.TRY_AGAIN_LATER, "try again later")
            return
        if link.refused is not None or not link.generation:
            reason = "this charge point was removed or withdrawn"
            if link.refused is not None:
                self._note_refusal(link, link.refused)
                reason = "another link speaks as this charge point"
            await socket.close(CloseCode.POLICY_VIOLATION, reason)
            return
        session = self._make_session(socket, link)
        socket.probe()  # whether it answers pings is known before its silence counts
        if link.contest is None:
            losers = self.registry.add(session)
        else:
            losers = self.registry.contest(session, link.contest)
            if link.at in {link.contest.since, link.contest.confirmed_at}:
                self._tell_of_contest(session.peer, link.contest)
        for loser in losers:
            self.drop(loser, "replaced by a newer connection")
        session.peer.tell(
            "charge_point_connected", remote_address=link.remote_address, generation=link.generation
        )
        self._log(session.peer, f"Connected from {link.remote_address or 'an unknown address'}.")
        if link.flapping is not None and not link.was_flapping:
            self._raise_alarm(session.peer, link.flapping)
        del link, losers  # a session lasts for days
        try:
            await session.run()
        finally:
            self._ended(session)

    async def _arrive(self, socket: ChargerSocket) -> Connected | None:
        """Ask the others that are here, and store the connection; None when that cannot be now.

        One that came meanwhile is asked, too; one that has gone meanwhile has ended.
        """
        link = await self._ask_and_store(socket)
        if link is not None and link.unasked:
            link = await self._ask_and_store(socket, missing=link.unasked)
        return link

    async def _ask_and_store(
        self, socket: ChargerSocket, *, missing: frozenset[int] = frozenset()
    ) -> Connected | None:
        found = Found()
        if not socket.has_key:
            found = await self.contests.ask(socket.identity, besides=socket.source)
        link = Connected(
            charge_point_id=socket.identity,
            node_id=self.node_id,
            ocpp_version=self._protocol(socket).version,
            remote_address=socket.source,
            at=datetime.now(UTC),
            has_key=socket.has_key,
            alive=found.alive,
            gone=found.gone | (missing - found.alive),
            asked_anew=bool(missing),
            written=self._budgets.written(socket.identity),
        )
        return link if await self._store(link) else None

    def _protocol(self, socket: ChargerSocket) -> OcppProtocol:
        return self.protocols[socket.subprotocol or ""]

    async def _store(self, link: Connected) -> bool:
        """Store a connection; False when that cannot be, or not now.

        All that is stored together waits for the slowest: strangers who connect as one charge
        point by the hundred, each from another address, must not make the others wait.
        """
        network = source_network(link.remote_address or "")
        places: dict[str | tuple[str, str], int] = {
            link.charge_point_id: _ARRIVING,
            (link.charge_point_id, network): _ARRIVING // 2,
        }
        full = any(self._arriving[place] >= most for place, most in places.items())
        if full and not link.has_key:
            return False
        self._arriving.update(places.keys())
        try:
            await self.writer.store(link)
        except NotStoredError:
            return False
        finally:
            for place in places:
                self._arriving[place] -= 1
                if not self._arriving[place]:
                    del self._arriving[place]
        return True

    def _tell_of_contest(self, peer: Peer, contest: Contest) -> None:
        peer.tell(
            "charge_point_contested",
            level=LogLevel.WARNING,
            remote_addresses=[link.remote_address for link in contest.links],
            confirmed=contest.confirmed_at is not None,
        )
        if contest.confirmed_at is not None:
            self._log(peer, contest.cause, LogLevel.WARNING)

    def _note_refusal(self, link: Connected, refused: Refused) -> None:
        self.writer.note(
            RefusedConnection(
                identity=link.charge_point_id,
                charge_point_id=link.charge_point_id,
                at=link.at,
                code=refused,
                reason=why_refused(link.charge_point_id),
                remote_address=link.remote_address,
            )
        )

    def _make_session(self, socket: ChargerSocket, link: Connected) -> Session:
        peer = Peer(
            charge_point_id=link.charge_point_id,
            node_id=self.node_id,
            ocpp_version=link.ocpp_version,
            remote_address=link.remote_address,
            connected_at=link.at,
            generation=link.generation,
            watched_by=link.watched_by,
            watched_run=link.watched_run,
            flapping=link.flapping is not None,
            transactions={known.transaction_id: known for known in reversed(link.transactions)},
            budget=self._budgets.take(link.charge_point_id, link.written),
            log=self.lines,
        )
        rate = self.limits.rate
        return Session(
            socket=socket,
            peer=peer,
            protocol=self._protocol(socket),
            writer=self.writer,
            call_timeout=self.limits.call_timeout,
            allowance=None if rate is None else Allowance(rate=rate, burst=self.limits.burst),
            guesses=None if rate is None else self._guesses,
            drop=self.drop,
        )

    def _ended(self, session: Session) -> None:
        self.registry.remove(session)
        peer = session.peer
        self.writer.note(
            Disconnected(
                charge_point_id=peer.charge_point_id,
                node_id=peer.node_id,
                generation=peer.generation,
                ocpp_version=peer.ocpp_version,
                remote_address=peer.remote_address,
                at=datetime.now(UTC),
            )
        )
        code, reason = session.socket.close_code, session.socket.close_reason
        peer.tell(
            "charge_point_disconnected",
            remote_address=peer.remote_address,
            generation=peer.generation,
            code=code,
            reason=reason,
        )
        self._log(peer, f"Disconnected: code {code}{f', {reason}' if reason else ''}.")

    def _raise_alarm(self, peer: Peer, flapping: Flapping) -> None:
        peer.tell(
            "charge_point_flapping",
            level=LogLevel.WARNING,
            connections=flapping.connections,
            since=flapping.since.isoformat(),
            remote_addresses=flapping.remote_addresses,
        )
        self._log(peer, flapping.cause, LogLevel.WARNING)

    def _log(self, peer: Peer, text: str, level: LogLevel = LogLevel.INFO) -> None:
        if peer.watched_run is None:
            return
        entry = peer.entry("connection", text.replace("\0", ""), level)
        if peer.budget.allows(entry, in_run=True):
            self.writer.note(entry)


def _patience(session: Session) -> float:
    """Return how long a charge point may be silent: two heartbeats if it ignores pings."""
    if not session.socket.ignores_pings:
        return _SILENT_SECONDS
    interval = session.peer.heartbeat_interval or _USUAL_INTERVAL
    return _SILENT_SECONDS + 2 * min(interval, _LONGEST_INTERVAL)
