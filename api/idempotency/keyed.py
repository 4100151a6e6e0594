"""Serves POSTs with an ``Idempotency-Key``: the first is carried out, a repeat gets its answer."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import uuid4

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.deps import PARTS, account_of, now
from api.idempotency.decisions import HEADER, NOT_KEYED, REPLAYED, SECRET
from api.idempotency.work import KeyedWork
from api.middleware import replayed
from api.parts import Parts, derive_key
from api.protocol.methods import POST, Operations
from domain.errors import ConflictError, EngineError, UnauthorizedError
from storage.kept_answers import KeptAnswers, Keyed, StoredAnswer, UsedKey

KEPT: Final = timedelta(days=1)
"""How long an answer is kept, from the first request on."""
_TRY: Final = timedelta(seconds=60)
"""How long one try has the key; then it is taken for dead, and a repeat is a new try."""
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')  # RFC 8941, 3.3.3
_OF_THE_ANSWER: Final = ("content-type", "location")
_SERVER_ERROR: Final = 500
_REFUSED: Final = 400


class KeyInvalidError(EngineError):
    """The header is no key."""

    status = 400
    title = "Not a key"


class KeyedMiddleware:
    """Wraps the router; a request without a key passes through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] == POST:
            headers = Headers(scope=scope)
            given = headers.getlist(HEADER)
            operation = _operation_id(scope) if given else None
            if operation is not None:
                parts: Parts = scope["app"].state.parts
                account_id = await _account_id(parts, headers)
                if account_id is not None:
                    await self._keyed(
                        scope, receive, send, parts=parts, account_id=account_id,
                        key=_key(given), operation=operation,
                    )  # fmt: skip
                    return
        await self._app(scope, receive, send)

    async def _keyed(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        parts: Parts,
        account_id: str,
        key: str,
        operation: str,
    ) -> None:
        body = await _body(receive)
        keyed = _named(parts, scope, body, account_id=account_id, key=key)
        at = now()
        async with parts.database.write() as connection:
            found = await KeptAnswers(connection).claim(
                keyed, now=at, until=at + _TRY, expires_at=at + KEPT
            )
        if isinstance(found, UsedKey):
            await _told_again(found, operation)(scope, receive, send)
            return
        work = KeyedWork(parts.database, keyed, found)
        scope[PARTS] = work.parts(parts)
        sent: list[Message] = []

        async def hold(message: Message) -> None:
            sent.append(message)

        try:
            await self._app(scope, replayed(body, receive), hold)
            await _store(work, sent, operation)
        except Exception:
            await work.failed(refused=False)
            raise
        finally:
            await work.abandon()
        for message in sent:
            await send(message)


async def _store(work: KeyedWork, sent: Sequence[Message], operation: str) -> None:
    status: int = sent[0]["status"]
    if status >= _REFUSED:
        # A refusal has had no effect, and an error none that a repeat would have twice.
        await work.failed(refused=status < _SERVER_ERROR)
        return
    headers = MutableHeaders(raw=sent[0]["headers"])
    body = b"".join(message.get("body", b"") for message in sent[1:])
    if operation in SECRET:
        await work.answered(None, orjson.loads(body)["id"])
        return
    kept = {name: headers[name] for name in _OF_THE_ANSWER if name in headers}
    await work.answered(StoredAnswer(status=status, headers=kept, body=body), None)


def _told_again(kept: UsedKey, operation: str) -> Response:
    if kept.answer is not None:
        response = Response(kept.answer.body, kept.answer.status)
        response.headers.update(kept.answer.headers)
        response.headers[REPLAYED] = "true"
        return response
    how = SECRET.get(operation, "Its answer was lost: look at what is there now.")
    if kept.reference is not None:
        how = how.replace("{id}", kept.reference)
    raise ConflictError(
        "done",
        f"This was carried out already, at {kept.done_at:%Y-%m-%d %H:%M:%S} UTC. {how}",
        **({} if kept.reference is None else {"id": kept.reference}),
    )


def _operation_id(scope: Scope) -> str | None:
    """Return the operation, if it takes a key."""
    operations: Operations = scope["app"].state.operations
    operation = operations.of(POST, scope["path"])
    name = None if operation is None else operation.operation_id
    return None if name in NOT_KEYED else name


async def _account_id(parts: Parts, headers: Headers) -> str | None:
    """Return who asks; a missing token is left to the route."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        return (await account_of(parts, parts.tokens.read(token.strip()))).id
    except UnauthorizedError:
        return None


def _key(given: Sequence[str]) -> str:
    text = given[0].strip()
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if len(given) > 1 or not _KEY.fullmatch(key):
        raise KeyInvalidError(
            "idempotency_key_invalid",
            "Send one Idempotency-Key of 1 to 255 printable ASCII characters, such as a UUID.",
        )
    return key


def _named(parts: Parts, scope: Scope, body: bytes, *, account_id: str, key: str) -> Keyed:
    secret = derive_key(parts.settings.required_secret(), "idempotency")

    def digest(*what: bytes) -> str:
        # Each with its length, so that no two lists are the same text.
        text = b"".join(b"%d:%b" % (len(one), one) for one in what)
        return hmac.new(secret, text, hashlib.sha256).hexdigest()

    path = scope["path"].encode(errors="surrogateescape")
    return Keyed(
        key=digest(account_id.encode(), path, key.encode()),
        account_id=account_id,
        fingerprint=digest(scope["query_string"], _meaning(body)),
        claim=uuid4().hex,
    )


def _meaning(body: bytes) -> bytes:
    """Return the body, and of JSON what it says, however it is written."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return body


async def _body(receive: Receive) -> bytes:
    # Read whole already by the middleware around us.
    body: bytes = (await receive())["body"]
    return body
