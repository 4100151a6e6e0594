"""Calls go where the guard looked, whatever a name server says next, and to nobody else."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from activities.webhook_sender import HttpxSender
from domain.outbound import Destination, Outbound
from tests.support.receiver import receiver


def at(port: int, *addresses: str, scheme: str = "http", host: str = "hooks.test") -> Destination:
    return Destination(scheme=scheme, host=host, port=port, target="/hook", addresses=addresses)


async def test_the_address_is_called_and_the_name_is_said() -> None:
    async with receiver() as hook:
        answer = await HttpxSender().post(
            at(hook.port, "127.0.0.1"), headers={"webhook-id": "evt_1"}, body="{}"
        )
    assert (answer.status_code, answer.text) == (200, "thanks")
    (call,) = hook.received
    assert call.headers["host"] == f"hooks.test:{hook.port}"
    assert (call.path, call.body, call.headers["webhook-id"]) == ("/hook", "{}", "evt_1")


async def test_a_name_that_changes_its_mind_is_not_asked_again() -> None:
    """DNS rebinding: the first answer is looked at, and called; the second is never heard."""
    asked: list[str] = []
    async with receiver() as good, receiver() as evil:

        async def resolve(host: str, _port: int) -> Sequence[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

        guard = Outbound(resolve, private_allowed=True)
        there = await guard.destination(f"http://rebinding.test:{good.port}/")
        await HttpxSender().post(there, headers={}, body="")
        assert len(good.received) == 1
        assert evil.received == []
    assert asked == ["rebinding.test"]


async def test_the_next_address_is_called_when_the_first_is_dead() -> None:
    async with receiver() as hook:
        answer = await HttpxSender().post(
            at(hook.port, "127.0.0.9", "127.0.0.1"), headers={}, body=""
        )
    assert answer.status_code == 200


async def test_a_redirect_is_an_answer_and_no_order() -> None:
    async with receiver() as inside, receiver(status=307) as hook:
        hook.headers["Location"] = inside.url
        answer = await HttpxSender().post(at(hook.port, "127.0.0.1"), headers={}, body="")
    assert answer.status_code == 307
    assert inside.received == []


async def test_of_an_endless_answer_the_beginning_is_read() -> None:
    async with receiver(endless=True, text="\x00\x1b[31mred") as hook:
        answer = await HttpxSender().post(at(hook.port, "127.0.0.1"), headers={}, body="")
    assert len(answer.text) == 1000
    assert answer.text.startswith("\ufffd\ufffd[31mred")


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with receiver() as hook:
        answer = await HttpxSender().post(at(hook.port, "127.0.0.1"), headers={}, body="")
    assert answer.status_code == 200


async def test_an_answer_that_does_not_come_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.webhook_sender._ANSWER_SECONDS", 0.2)
    silent = asyncio.Event()
    async with receiver(silent=silent) as hook:
        with pytest.raises(OSError, match="no answer within"):
            await HttpxSender().post(at(hook.port, "127.0.0.1"), headers={}, body="")
        silent.set()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of ``hooks.test``, with its key, made for these tests."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=hooks.test"),
            *("-addext", "subjectAltName=DNS:hooks.test"),
            *("-keyout", str(path), "-out", str(path.with_suffix(".crt"))),
        ],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


async def test_tls_is_with_the_name_though_the_address_is_called(certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=str(certificate))
    async with receiver(tls=server) as hook:
        sender = HttpxSender(trust=trust)
        answer = await sender.post(
            at(hook.port, "127.0.0.1", scheme="https"), headers={}, body="{}"
        )
        assert answer.status_code == 200
        assert hook.server_names == ["hooks.test"]
        with pytest.raises(OSError, match="certificate"):  # of another name
            await sender.post(
                at(hook.port, "127.0.0.1", scheme="https", host="other.test"), headers={}, body=""
            )
        with pytest.raises(OSError, match="certificate"):  # of nobody known
            await HttpxSender().post(
                at(hook.port, "127.0.0.1", scheme="https"), headers={}, body=""
            )
        assert len(hook.received) == 1


def test_httpx_would_follow_what_we_do_not() -> None:
    """The defaults that matter here are said, not hoped for."""
    client = HttpxSender()._client()
    assert not client.follow_redirects
    assert not client.trust_env
    assert isinstance(client, httpx.AsyncClient)
