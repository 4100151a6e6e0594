"""What a refused charge point is told to change is changed, and it is let in."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import pytest
from websockets.typing import Subprotocol

from ocpp_server.auth import RefusalCode, hash_credential
from storage.models.connections import ConnectionAttempt
from tests.ocpp_server.bed import SECRET, Bed
from tests.ocpp_server.test_admission import KEY, basic, refused
from tests.ocpp_server.test_no_handshake import answer
from tests.support.eventually import eventually

Wrong = Callable[[Bed], Awaitable[object]]


def _dial(identity: str | None = None, **options: Any) -> Wrong:
    return lambda bed: refused(bed, identity, **options)


def _with_key(user: str | None, password: bytes) -> Wrong:
    async def dial(bed: Bed) -> object:
        return await refused(bed, **basic(user or bed.charge_point_id, password))

    return dial


def _bytes(line: str, headers: str = "Host: x\r\n") -> Wrong:
    async def send(bed: Bed) -> object:
        request = line.format(path=f"/{bed.charge_point_id}")
        return await answer(bed, f"{request}\r\n{headers}\r\n")

    return send


WRONG: Final[Mapping[RefusalCode, Wrong]] = {
    RefusalCode.UNKNOWN_IDENTITY: _dial("cp_unknown"),
    RefusalCode.MISSING_SUBPROTOCOL: _dial(subprotocols=None),
    RefusalCode.UNSUPPORTED_SUBPROTOCOL: _dial(subprotocols=[Subprotocol("ocpp2.0.1")]),
    RefusalCode.MISSING_CREDENTIAL: _dial(),
    RefusalCode.BAD_CREDENTIAL: _with_key(None, b"wrong"),
    RefusalCode.WRONG_USER_NAME: _with_key("cp_other", KEY),
    RefusalCode.NOT_A_WEBSOCKET: _bytes("GET {path} HTTP/1.1"),
    RefusalCode.WRONG_METHOD: _bytes("POST {path} HTTP/1.1"),
    RefusalCode.WRONG_HTTP_VERSION: _bytes("GET {path} HTTP/1.0"),
    RefusalCode.BAD_HANDSHAKE: _bytes(
        "GET {path} HTTP/1.1",
        "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
    ),
}
ELSEWHERE: Final = {RefusalCode.TLS_ON_PLAIN_PORT, RefusalCode.WITHDRAWN}
"""TLS names no charge point, see test_no_handshake.py; a withdrawal ends here, not on site, see
test_admission.py.
"""


def test_every_refusal_has_a_row() -> None:
    assert WRONG.keys() | ELSEWHERE == set(RefusalCode)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("code", WRONG)
async def test_once_that_is_right_it_is_let_in(bed: Bed, code: RefusalCode) -> None:
    keyed = "credential" in code or "user_name" in code
    if keyed:
        await bed.set(credential_hash=hash_credential(SECRET, KEY))
    await WRONG[code](bed)

    async def recorded() -> None:
        assert [row.code for row in await bed.rows(ConnectionAttempt)] == [code]

    await eventually(recorded)
    right = basic(bed.charge_point_id, KEY) if keyed else {}
    async with bed.wire(
        **right
    ) as wire:  # the endpoint, OCPP 1.6, its key: what each sentence asks
        await wire.sync()
