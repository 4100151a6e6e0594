"""An owner takes all data along: every site, no secret, and one can tell that it is whole."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import insert, select, update
from sqlmodel import col
from starlette.types import Message, Receive, Scope, Send

from api.deps import now
from api.export.queue import AT_ONCE, ExportResponse, Exports
from api.protocol.limits import TooManyAtOnceError
from domain.errors import UnavailableError
from storage import export as exported
from storage.engine import Database
from storage.models.accounts import Account
from storage.models.charge_points import ChargePoint
from storage.models.transactions import MeterValue, Transaction
from tests.api.callers import V1, Caller, problem
from tests.api.conftest import Own
from tests.api.serving import running
from tests.support.eventually import eventually

PATH = f"{V1}/site-owner/export"


async def lines(owner: Caller) -> list[dict[str, Any]]:
    answer = await owner.call("GET", PATH)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


async def _session(database: Database, charge_point: str, tag: str) -> None:
    async with database.write() as connection:
        transaction = await connection.scalar(
            insert(Transaction)
            .values(
                ocpp_id=f"of {tag}",
                charge_point_id=charge_point,
                evse_id=1,
                id_tag=tag,
                started_at=now(),
                meter_start=0,
                received_at=now(),
            )
            .returning(col(Transaction.id))
        )
        for digest, of in enumerate((transaction, None)):
            await connection.execute(
                insert(MeterValue).values(
                    charge_point_id=charge_point,
                    evse_id=1,
                    transaction_id=of,
                    at=now(),
                    received_at=now(),
                    samples=[{"value": tag}],
                    digest=digest,
                )
            )


async def test_anonymous_and_installers(anonymous: Caller, installer: Caller) -> None:
    problem(await anonymous.call("GET", PATH), 401, "token_missing")
    problem(await installer.call("GET", PATH), 403, "wrong_role")


async def test_the_owners_drivers_are_nothing_of_the_installers(
    installer: Caller, owner: Own
) -> None:
    project = await installer.project()
    mine = await owner("facilities@riversidebp.com", project)
    for side, tag in ((mine, "04A2"), (installer, "04A3")):
        role = "site-owner" if side is mine else "installer"
        path = f"{V1}/{role}/projects/{project}/id-tags/{tag}"
        assert (await side.call("PUT", path, {"label": f"Driver of {role}"})).status_code == 200
    for path in ("export", f"projects/{project}/audit"):
        told = (await installer.call("GET", f"{V1}/installer/{path}")).text
        assert "04A3" in told
        assert "04A2" not in told
        assert "Driver of site-owner" not in told
        assert "04A2" in (await mine.call("GET", f"{V1}/site-owner/{path}")).text


@pytest.mark.parametrize("page", [1, 500])
async def test_it_is_whole_and_mine_alone(
    installer: Caller,
    stranger: Caller,
    owner: Own,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    page: int,
) -> None:
    monkeypatch.setattr(exported, "_PAGE", page)
    monkeypatch.setattr(exported, "_TRANSACTIONS", page)
    project = await installer.project()
    charge_point = await installer.charge_point(project)
    mine = await owner("facilities@riversidebp.com", project)
    await mine.call("PUT", f"{V1}/site-owner/projects/{project}/id-tags/04A2", {"label": "Van"})
    await mine.call("PUT", f"{V1}/site-owner/projects/{project}/id-tags/04A3")
    others = await stranger.project()
    await owner("others@riversidebp.com", others)
    elsewhere = await stranger.charge_point(others, serial_number="OTHER-1")
    async with database.write() as connection:
        await connection.execute(update(ChargePoint).values(credential_hash="5ec2e7"))
    for tag in ("04A2", "04A3"):
        await _session(database, charge_point, tag)
    await _session(database, elsewhere, "NOT-MINE")
    told = await lines(mine)
    assert told[-1] == {"kind": "end", "data": {"lines": len(told) - 1}}
    kinds = [line["kind"] for line in told]
    assert kinds[:2] == ["account", "project"]
    assert [kinds.count(kind) for kind in ("id_tag", "charge_point")] == [2, 1]
    assert [kinds.count(kind) for kind in ("transaction", "meter_value")] == [2, 4]
    assert kinds.count("audit_entry") >= 3
    text = json.dumps(told)
    for secret in ("5ec2e7", "NOT-MINE", "OTHER-1", "argon2", "others@"):
        assert secret not in text


async def id_of(database: Database, caller: Caller) -> str:
    async with database.read() as connection:
        found = await connection.scalars(
            select(col(Account.id)).where(col(Account.email) == caller.email)
        )
        return str(found.one())


async def test_one_of_an_account_goes_on_at_a_time(
    installer: Caller, stranger: Caller, owner: Own, database: Database, app: FastAPI
) -> None:
    """Each keeps a page of rows for as long as somebody reads slowly."""
    project = await installer.project()
    mine = await owner("facilities@riversidebp.com", project)
    exports: Exports = app.state.parts.exports
    async with exports.of(await id_of(database, mine)):
        problem(await mine.call("GET", PATH), 429, "export_goes_on")
        assert (await stranger.call("GET", f"{V1}/installer/export")).status_code == 200
    assert (await lines(mine))[-1]["kind"] == "end"
    assert (await lines(mine))[-1]["kind"] == "end"


async def test_so_many_go_on_at_once(
    installer: Caller, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports: Exports = app.state.parts.exports
    monkeypatch.setattr(exports, "_patience", 0.05)
    async with AsyncExitStack() as stack:
        for number in range(AT_ONCE):
            await stack.enter_async_context(exports.of(f"usr_{number}"))
        problem(await installer.call("GET", f"{V1}/installer/export"), 503, "exports_busy")


class Reader:
    """Has asked for an export of its own account, and takes its first line at the most."""

    def __init__(self, exports: Exports, account: str, address: str, *, reads: bool) -> None:
        self.begun = asyncio.Event()
        self.leaves = asyncio.Event()
        self.sent: list[Message] = []
        self._reads = reads
        scope = {"type": "http", "client": (address, 1), "asgi": {"spec_version": "2.3"}}
        response = ExportResponse(
            self._lines(),
            exports=exports,
            account_id=account,
            media_type="application/x-ndjson",
            headers={},
        )
        self.answer = asyncio.create_task(response(scope, self._receive, self._send))

    async def _lines(self) -> AsyncIterator[bytes]:
        yield b"a line"
        yield b"the end"

    async def _receive(self) -> Message:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        self.begun.set()
        if not self._reads:
            await asyncio.get_running_loop().create_future()

    @property
    def is_whole(self) -> bool:
        return self.sent[-1].get("more_body") is False


async def test_who_reads_slowly_from_one_network_gives_way_to_others() -> None:
    """Accounts cost nothing: one address would keep everybody from an export for ever."""
    exports = Exports(at_once=3, patience=0.2, undisturbed=0)
    slow = [Reader(exports, f"usr_{n}", f"192.0.2.{max(n, 1)}", reads=False) for n in range(3)]
    for one in slow:
        await one.begun.wait()
    mine = Reader(exports, "usr_mine", "198.51.100.7", reads=True)
    await mine.answer
    assert mine.is_whole
    await slow[0].answer  # the oldest of the address that has two
    assert not slow[0].is_whole
    assert not any(one.answer.done() for one in slow[1:])
    last = Reader(exports, "usr_last", "198.51.100.8", reads=False)
    await last.begun.wait()
    with pytest.raises(UnavailableError):  # none of which any network has more than another
        await Reader(exports, "usr_one_more", "198.51.100.9", reads=True).answer
    for one in (*slow[1:], last):
        one.answer.cancel()


async def test_one_that_is_given_up_is_no_mistake_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exports = Exports(at_once=2, patience=0.2, undisturbed=0)

    async def lines(much: bool) -> AsyncIterator[bytes]:
        while much:
            yield b"x" * 65_536
            await asyncio.sleep(0)
        yield b"the end"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = ExportResponse(
            lines(scope["path"] != "/mine"),
            exports=exports,
            account_id=scope["path"],
            media_type="application/x-ndjson",
            headers={},
        )
        await response(scope, receive, send)

    async with running(app) as (url, _), AsyncExitStack() as stack:
        port = int(url.rpartition(":")[2])
        slow = []
        for path in ("/1", "/2"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            stack.callback(writer.close)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            slow.append(reader)
        async with AsyncClient() as client:
            assert (await client.get(f"{url}/mine")).content == b"the end"
        async with asyncio.timeout(30):
            with suppress(ConnectionError):  # the oldest of those two
                while await slow[0].read(1 << 16):
                    pass
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == []


async def test_who_leaves_while_it_waits_may_ask_anew_at_once() -> None:
    exports = Exports(at_once=1, patience=3600)
    first = Reader(exports, "usr_1", "192.0.2.1", reads=False)
    await first.begun.wait()
    waits = Reader(exports, "usr_mine", "198.51.100.7", reads=True)

    async def in_line() -> None:
        assert exports.is_crowded

    await eventually(in_line)
    with pytest.raises(TooManyAtOnceError):
        await Reader(exports, "usr_mine", "198.51.100.7", reads=True).answer
    waits.leaves.set()
    await waits.answer
    assert waits.sent == []
    assert not exports.is_crowded
    anew = Reader(exports, "usr_mine", "198.51.100.7", reads=True)
    await eventually(in_line)
    first.leaves.set()
    await anew.answer
    assert anew.is_whole


async def test_one_that_has_just_begun_is_not_given_up() -> None:
    exports = Exports(at_once=2, patience=0.1)
    slow = [Reader(exports, f"usr_{n}", "192.0.2.1", reads=False) for n in range(2)]
    for one in slow:
        await one.begun.wait()
    with pytest.raises(UnavailableError):
        await Reader(exports, "usr_mine", "198.51.100.7", reads=True).answer
    assert not any(one.answer.done() for one in slow)
    for one in slow:
        one.answer.cancel()
