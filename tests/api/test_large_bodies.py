"""Large bodies are in memory a few at a time, however many come at once."""

import asyncio
from collections import Counter

from starlette.types import Message, Receive, Scope, Send

from api.middleware import LARGE_AT_ONCE, MAX_BODY, RequestMiddleware
from tests.support.eventually import eventually


class Upload:
    """A file on its way: first as much as any body may have, then the rest."""

    def __init__(self) -> None:
        self.asked = 0

    async def receive(self) -> Message:
        self.asked += 1
        more = self.asked == 1
        body = b"x" * MAX_BODY if more else b"x"
        return {"type": "http.request", "body": body, "more_body": more}


async def test_more_than_a_few_large_bodies_wait_for_room() -> None:
    done, served = asyncio.Event(), Counter[str]()

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        assert len((await receive())["body"]) == MAX_BODY + 1
        served["begun"] += 1
        await done.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        served["ended"] += 1

    async def sent(_message: Message) -> None: ...

    middleware = RequestMiddleware(app)
    scope: Scope = {"type": "http", "method": "POST", "headers": [], "path": "/x/photos"}
    uploads = [Upload() for _ in range(LARGE_AT_ONCE + 3)]

    def all_are_on_their_way() -> None:
        assert all(upload.asked == 2 for upload in uploads)
        assert served["begun"] >= LARGE_AT_ONCE

    async with asyncio.TaskGroup() as group:
        for upload in uploads:
            group.create_task(middleware(dict(scope), upload.receive, sent))
        await eventually(all_are_on_their_way)
        assert served["begun"] == LARGE_AT_ONCE
        done.set()
    assert served["ended"] == len(uploads)
