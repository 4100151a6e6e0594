import dataclasses
from pathlib import Path

import pytest

from embedded.layout import Layout

LAYOUT = Layout(
    host="127.0.0.1", api_port=8000, ocpp_port=9000, temporal_port=7233, temporal_ui_port=8233
)


def environment(inherited: dict[str, str], layout: Layout = LAYOUT) -> dict[str, str]:
    return layout.environment(
        inherited, data_dir=Path("/data"), secret_key="s" * 43, certificate_key="c" * 64
    )


def test_what_the_caller_set_goes_on() -> None:
    ours = environment(
        {
            "PATH": "/bin",
            "DYNAMO_SMTP_URL": "smtp://h",
            "DYNAMO_SECRET_KEY": "k" * 32,
            "DYNAMO_PUBLIC_OCPP_URL": "wss://ocpp.example",
        }
    )
    assert ours["PATH"] == "/bin"
    assert ours["DYNAMO_SMTP_URL"] == "smtp://h"
    assert ours["DYNAMO_SECRET_KEY"] == "k" * 32
    assert ours["DYNAMO_PUBLIC_OCPP_URL"] == "wss://ocpp.example"
    assert ours["DYNAMO_PUBLIC_API_URL"] == "http://127.0.0.1:8000"


def test_what_up_decides_wins() -> None:
    ours = environment({"DYNAMO_API_PORT": "1", "DYNAMO_DATA_DIR": "/elsewhere"})
    assert ours["DYNAMO_API_PORT"] == "8000"
    assert ours["DYNAMO_DATA_DIR"] == "/data"
    assert ours["DYNAMO_SECRET_KEY"] == "s" * 43
    assert ours["DYNAMO_CERTIFICATE_KEY"] == "c" * 64


def test_no_setting_for_another_temporal_reaches_the_children() -> None:
    ours = environment({"TEMPORAL_ADDRESS": "cloud:7233", "TEMPORAL_API_KEY": "k"})
    assert ours["TEMPORAL_ADDRESS"] == "127.0.0.1:7233"
    assert "TEMPORAL_API_KEY" not in ours


@pytest.mark.parametrize(
    ("host", "api_url", "ocpp_health_url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", "http://127.0.0.1:9000"),
        ("0.0.0.0", "http://127.0.0.1:8000", "http://127.0.0.1:9000"),
        ("::", "http://[::1]:8000", "http://[::1]:9000"),
        ("::1", "http://[::1]:8000", "http://[::1]:9000"),
    ],
)
def test_a_wildcard_is_no_address_to_connect_to(
    host: str, api_url: str, ocpp_health_url: str
) -> None:
    layout = dataclasses.replace(LAYOUT, host=host)
    assert layout.api_url == api_url
    assert layout.ocpp_health_url == ocpp_health_url
    assert "0.0.0.0" not in environment({}, layout)["DYNAMO_PUBLIC_OCPP_URL"]


def test_temporal_hears_no_stranger() -> None:
    command = dataclasses.replace(LAYOUT, host="0.0.0.0").temporal_command(Path("/data/t.db"))
    assert command[command.index("--ip") + 1] == "127.0.0.1"
