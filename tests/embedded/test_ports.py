import socket
import sys

import pytest

from embedded import ports
from embedded.errors import StartError
from embedded.layout import Options, choose_layout


def test_a_port_in_use_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", ports.free_port())) as listening:
        assert not ports.is_free("127.0.0.1", listening.getsockname()[1])
    assert ports.is_free("127.0.0.1", ports.free_port())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere its server could not listen then")
def test_a_port_is_kept_for_its_server(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, another = ports.free_port(), ports.free_port()
    with socket.create_server(("127.0.0.1", kept)):
        assert not ports.is_free("127.0.0.1", kept)
    ports._kept.pop().close()  # the other one, which nobody keeps any more
    picked = iter([kept, another])
    monkeypatch.setattr("random.randint", lambda *_: next(picked))
    assert ports.free_port() == another


def test_a_foreign_address_is_refused() -> None:
    with pytest.raises(StartError, match=r"192\.0\.2\.1 is not an address of this machine"):
        ports.is_free("192.0.2.1", 8000)


def test_a_name_that_nobody_knows_is_refused() -> None:
    with pytest.raises(StartError, match="not an address"):
        ports.is_free("no-such-host.invalid", 8000)


def test_port_0_is_any_free_one_and_each_another() -> None:
    layout = choose_layout(Options(api_port=0, ocpp_port=0, temporal_port=0, temporal_ui_port=0))
    chosen = {layout.api_port, layout.ocpp_port, layout.temporal_port, layout.temporal_ui_port}
    assert len(chosen) == 4
    assert 0 not in chosen


def test_a_busy_port_names_its_option() -> None:
    with socket.create_server(("127.0.0.1", ports.free_port())) as listening:
        busy = listening.getsockname()[1]
        options = Options(api_port=0, ocpp_port=0, temporal_port=0, temporal_ui_port=busy)
        with pytest.raises(StartError, match=rf"Port {busy} on 127\.0\.0\.1 .*--temporal-ui-port"):
            choose_layout(options)


def test_one_port_for_two_is_a_misuse() -> None:
    port = ports.free_port()
    options = Options(api_port=port, ocpp_port=port, temporal_port=0, temporal_ui_port=0)
    with pytest.raises(StartError, match="is given twice; change --ocpp-port") as raised:
        choose_layout(options)
    assert raised.value.exit_code == 2
