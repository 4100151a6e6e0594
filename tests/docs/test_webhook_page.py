"""The snippet that verifies a webhook, as the page gives it to a receiver."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.tokens import webhook_secret
from domain.webhooks import WebhookEvent, signature

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "receive-webhooks.md"
SECRET = webhook_secret("a secret that is long enough here", "whk_1", 1)
OTHER = webhook_secret("a secret that is long enough here", "whk_1", 2)
BODY = '{"type":"webhook.test","data":{"name":"Café"}}'
Verify = Callable[[str, dict[str, str], bytes], bool]


@pytest.fixture
def verify() -> Verify:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    found: Verify = names["verify"]
    return found


def headers(*secrets: str, at: int | None = None) -> dict[str, str]:
    timestamp = int(time.time()) if at is None else at
    signatures = [
        signature(secret, event_id="evt_1", timestamp=timestamp, body=BODY) for secret in secrets
    ]
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def test_a_call_of_ours_is_verified_also_while_the_secret_is_rotated(verify: Verify) -> None:
    assert verify(SECRET, headers(SECRET), BODY.encode())
    assert verify(SECRET, headers(OTHER, SECRET), BODY.encode())
    assert verify(OTHER, headers(OTHER, SECRET), BODY.encode())


def test_anything_else_is_not(verify: Verify) -> None:
    good = headers(SECRET)
    assert not verify(OTHER, good, BODY.encode())
    assert not verify(SECRET, good, BODY.encode() + b" ")
    assert not verify(SECRET, good | {"webhook-id": "evt_2"}, BODY.encode())
    assert not verify(SECRET, good | {"webhook-signature": "v1,"}, BODY.encode())
    assert not verify(SECRET, headers(SECRET, at=int(time.time()) - 3600), BODY.encode())


def test_the_vector_of_standard_webhooks() -> None:
    """As their reference libraries sign it."""
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        event_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body='{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_every_event_is_told() -> None:
    text = PAGE.read_text()
    for event in WebhookEvent:
        assert f"| `{event}` |" in text
