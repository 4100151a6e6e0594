"""Decides on a WebSocket handshake before the upgrade, and records each refusal."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import MultipleValuesError
from websockets.exceptions import InvalidHeader
from websockets.headers import parse_subprotocol
from websockets.http11 import Request, Response

from domain.proxies import Network, source_address
from ocpp_server import auth
from ocpp_server.auth import RefusalCode
from ocpp_server.handshake import asks_for_a_websocket, judge_handshake
from ocpp_server.protocol import Protocols
from ocpp_server.queues import Pauses
from ocpp_server.socket import ChargerSocket
from ocpp_server.throttle import Arrivals, Failures
from ocpp_server.writer import Writer
from storage.credentials import Credential, read_credentials, sole_project_at
from storage.engine import Database
from storage.fact_records import RefusedConnection
from storage.outages import Outage

_RETRY_SECONDS: Final = "5"
_MAX_RECORDED_IDENTITY: Final = 100
_log = structlog.get_logger(__name__)


class Credentials:
    """Reads credentials for all handshakes that wait in one query: a storm costs few of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[str, asyncio.Future[Credential | None]]] = []
        self._reading: asyncio.Task[None] | None = None

    async def get(self, identity: str) -> Credential | None:
        """Return what admission needs to know; None for an unknown charge point."""
        answer: asyncio.Future[Credential | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((identity, answer))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="read credentials")
        return await answer

    async def _read(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._read_batch(batch)
        finally:
            self._reading = None

    async def _read_batch(self, batch: list[tuple[str, asyncio.Future[Credential | None]]]) -> None:
        try:
            async with self._database.read() as connection:
                found = await read_credentials(connection, {identity for identity, _ in batch})
        except Exception as error:  # noqa: BLE001 - handed to each handshake that waits
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for identity, answer in batch:
            if not answer.done():
                answer.set_result(found.get(identity))


@dataclass(kw_only=True, eq=False)
class Admission:
    """Lets handshakes in, or refuses them."""

    database: Database
    writer: Writer
    protocols: Protocols
    secret: bytes
    trusted_proxies: Sequence[Network] = ()
    trouble: Callable[[], str | None]
    """Says why this node cannot serve for the moment."""
    _outage: Outage = field(default_factory=lambda: Outage("admission_unavailable", log=_log))
    _credentials: Credentials = field(init=False)
    _failures: Failures = field(default_factory=Failures)
    _arrivals: Arrivals = field(default_factory=Arrivals)
    _pauses: Pauses = field(default_factory=Pauses)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_draining: bool = False
    _is_open: bool = False

    def __post_init__(self) -> None:
        self._credentials = Credentials(self.database)

    def open(self) -> None:
        """Admit from now on; before, only the probe is answered."""
        self._is_open = True

    def drain(self) -> None:
        """Send whoever comes from now on to another node."""
        self._is_draining = True
        self._pauses.end()

    async def admit_or_refuse(self, socket: ServerConnection, request: Request) -> Response | None:
        """Let the handshake go on (None), or answer with the refusal."""
        answer = self._before_any(socket, request)
        if answer is not None:
            return answer
        source = self.source(_peer(socket), request.headers.get_all)
        wanted = " or ".join(one.name for one in self.protocols.values())
        flaw = judge_handshake(socket.protocol, request, wanted=wanted)
        if flaw is not None and flaw.code is RefusalCode.TLS_ON_PLAIN_PORT:
            await self._record_tls(flaw, source)
            return _answer(socket, flaw)
        identity = auth.identity_of(request.path)
        try:
            refusal, credential = await self._judge(identity, request, flaw)
        except Exception as error:  # noqa: BLE001 - the charge point is asked to come back
            self._outage.failed(error)
            return _service_unavailable(socket, "Try again later.\n")
        self._outage.over()
        if refusal is None and credential is not None:
            return await self._let_in(socket, credential, source)
        assert refusal is not None, "an unknown one is refused"  # noqa: S101
        charge_point_id = None if credential is None else credential.charge_point_id
        if charge_point_id is None and not asks_for_a_websocket(request):
            return _answer(socket, refusal)  # a browser, or a probe, that looks by
        self._record(identity, charge_point_id, refusal, source)
        # Whoever guesses keys is slowed down; the real charge point, at the same address, is not.
        await self._pause(socket, self._failures.pause(source or ""), source)
        return _answer(socket, refusal)

    async def _pause(self, socket: ServerConnection, seconds: float, source: str | None) -> bool:
        """Wait, and keep nobody out meanwhile; False when it is cut short."""
        if not seconds:
            return True
        if isinstance(socket, ChargerSocket):
            socket.make_room()
        return await self._pauses.wait(seconds, source)

    async def _let_in(
        self, socket: ServerConnection, credential: Credential, source: str | None
    ) -> Response | None:
        charge_point_id = credential.charge_point_id
        if credential.hash is None:  # nobody else has used up what is left to who has the key
            pause = self._arrivals.pause(source, charge_point_id)
            if pause is None or not await self._pause(socket, pause, source):
                return _service_unavailable(socket, "You connect too often; try again later.\n")
        if isinstance(socket, ChargerSocket):
            # From here on a claimed identity goes under the charge point's own id.
            socket.identity, socket.source = charge_point_id, source
            socket.has_key = credential.hash is not None
        return None

    def _before_any(self, socket: ServerConnection, request: Request) -> Response | None:
        """Answer the probe, and whoever comes before or after this node serves."""
        if request.path == "/health/live":
            return socket.respond(HTTPStatus.OK, "ok\n")
        if self._is_draining:
            return _service_unavailable(socket, "This server is stopping; connect again.\n")
        if not self._is_open:
            return _service_unavailable(
                socket, "This server waits for its database; connect again.\n"
            )
        if request.path != "/health/ready":
            return None
        trouble = self.trouble()
        if trouble is not None:
            return _service_unavailable(socket, f"Not ready: {trouble}.\n")
        return socket.respond(HTTPStatus.OK, "ok\n")

    def source(self, peer: str | None, header: Callable[[str], Sequence[str]]) -> str | None:
        """Return the address that a request came from; ``header`` gives all values of one name."""
        return source_address(
            peer,
            forwarded=header("Forwarded"),
            x_forwarded_for=header("X-Forwarded-For"),
            trusted=self.trusted_proxies,
        )

    async def _judge(
        self, identity: str, request: Request, flaw: auth.Refusal | None
    ) -> tuple[auth.Refusal | None, Credential | None]:
        is_plausible = 0 < len(identity) <= _MAX_RECORDED_IDENTITY and identity.isprintable()
        credential = await self._credentials.get(identity) if is_plausible else None
        if credential is None:
            is_bystander = flaw is not None and not asks_for_a_websocket(request)
            return flaw if is_bystander else auth.unknown_identity(identity), None
        if credential.withdrawn_at is not None:
            return auth.withdrawn(credential.withdrawn_at), credential
        if flaw is not None:
            return flaw, credential
        refusal = auth.judge_credential(
            identity,
            _authorization(request),
            stored_hash=credential.hash,
            secret=self.secret,
        ) or auth.judge_subprotocol(_offered(request), self.protocols)
        return refusal, credential

    async def _record_tls(self, refusal: auth.Refusal, source: str | None) -> None:
        """Tell the one project whose charge points come from there; it has no path to tell by."""
        if self._failures.exceeded(source or ""):
            return
        _log.info("connection_refused", code=refusal.code, remote_address=source)
        try:
            async with self._looking, self.database.read() as connection:
                project_id = await sole_project_at(connection, source) if source else None
        except Exception as error:  # noqa: BLE001 - the log has it
            self._outage.failed(error)
            return
        if project_id is not None:
            self._note("", None, refusal, source, project_id=project_id)

    def _record(
        self, identity: str, charge_point_id: str | None, refusal: auth.Refusal, source: str | None
    ) -> None:
        if self._failures.exceeded(source or ""):
            return
        _log.info(
            "connection_refused", identity=identity[:100], code=refusal.code, remote_address=source
        )
        self._note(identity, charge_point_id, refusal, source)

    def _note(
        self,
        identity: str,
        charge_point_id: str | None,
        refusal: auth.Refusal,
        source: str | None,
        *,
        project_id: str | None = None,
    ) -> None:
        self.writer.note(
            RefusedConnection(
                identity=identity.replace("\0", "")[:_MAX_RECORDED_IDENTITY],
                charge_point_id=charge_point_id,
                at=datetime.now(UTC),
                code=refusal.code,
                reason=refusal.reason.replace("\0", ""),
                remote_address=source,
                project_id=project_id,
            )
        )


def _peer(socket: ServerConnection) -> str | None:
    address = socket.remote_address
    return str(address[0])[:100] if isinstance(address, tuple) and address else None


def _answer(socket: ServerConnection, refusal: auth.Refusal) -> Response:
    """Refuse, in words for whoever looks at the charge point's own log, or came by browser."""
    response = socket.respond(refusal.code.status, f"{refusal.reason}\n")
    match refusal.code.status:
        case HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Basic realm="OCPP", charset="UTF-8"'
        case HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = "GET"
        case HTTPStatus.UPGRADE_REQUIRED:
            response.headers["Upgrade"] = "websocket"
        case HTTPStatus.BAD_REQUEST:
            response.headers["Sec-WebSocket-Version"] = "13"
    return response


def _service_unavailable(socket: ServerConnection, text: str) -> Response:
    """Answer 503: a balancer tries another node, a charge point comes back."""
    response = socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, text)
    response.headers["Retry-After"] = _RETRY_SECONDS
    return response


def _authorization(request: Request) -> str | None:
    try:
        return request.headers.get("Authorization")
    except MultipleValuesError:
        return ""


def _offered(request: Request) -> list[str]:
    try:
        return [
            str(name)
            for value in request.headers.get_all("Sec-WebSocket-Protocol")
            for name in parse_subprotocol(value)
        ]
    except InvalidHeader:
        return []
