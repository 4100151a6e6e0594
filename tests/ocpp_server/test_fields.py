"""What a charge point's fields are read as."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.states import RegistrationStatus
from ocpp_server.frames import Call
from ocpp_server.peer import Peer
from ocpp_server.v16.boot import handler
from ocpp_server.v16.fields import moment
from storage.fact_records import Boot

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NINE = datetime(2026, 5, 1, 9, tzinfo=UTC)


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server's own clock shows another zone."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2026-05-01T09:00:00", NINE),  # without a zone it is UTC, wherever the server stands
        ("2026-05-01T09:00:00Z", NINE),
        ("2026-05-01T11:00:00+02:00", NINE),
        ("yesterday", NOW),
        (7, NOW),
    ],
)
def test_a_time_stamp(value: object, at: datetime) -> None:
    assert moment(value, NOW) == at


@pytest.mark.parametrize(
    ("desired", "told"), [("30", 30), ("0", 60), ("", 60), ("often", 60), (None, 60)]
)
def test_the_interval_of_an_accepted_boot(desired: str | None, told: int) -> None:
    """With 0 the charge point would choose by itself (OCPP 1.6 §6.10)."""
    peer = Peer(
        charge_point_id="cp_1",
        node_id="node_1",
        ocpp_version="1.6",
        remote_address=None,
        connected_at=NOW,
    )
    on_boot = handler(boot_retry_interval=1, heartbeat_interval=60)
    call = Call("1", "BootNotification", {"chargePointVendor": "ABB", "chargePointModel": "T"})
    reply = on_boot(peer, call.payload, NOW)
    (boot,) = reply.facts
    assert isinstance(boot, Boot)
    boot.fact = replace(boot.fact, registration=RegistrationStatus.ACCEPTED)
    boot.heartbeat_interval = desired
    assert reply.payload()["interval"] == told
