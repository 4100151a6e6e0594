"""docker-compose.yml and the Dockerfile against the settings, the commands and the files."""

import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
import yaml
from temporalio.envconfig import ClientConfig
from typer.core import TyperGroup

from cli import app
from settings import Settings

ROOT = Path(__file__).parents[2]
GIVEN = {
    "DYNAMO_SECRET_KEY": "s" * 43,
    "DYNAMO_CERTIFICATE_KEY": "0123456789abcdef" * 4,
    "POSTGRES_PASSWORD": "letters4nd8digits",
}
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<kind>:-|:\?)?(?P<rest>[^}]*)\}")
_SECRET = re.compile(r"SECRET|PASSWORD|PWD|_KEY$")


def interpolate(text: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match["name"] in GIVEN:
            return GIVEN[match["name"]]
        assert match["kind"] == ":-", f"{match['name']} has no default and is not asked for"
        return match["rest"]

    return _VARIABLE.sub(value, text).replace("$$", "$")


RAW: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load(interpolate((ROOT / "docker-compose.yml").read_text()))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ENGINE = {name: s for name, s in SERVICES.items() if s["image"].startswith("dynamo-commissioning:")}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WHEEL = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def environment(name: str) -> dict[str, str]:
    return dict(ENGINE[name].get("environment", {}))


def test_the_services_are_those_of_the_architecture() -> None:
    assert set(ENGINE) == {"api", "worker", "ocpp-server-1", "ocpp-server-2", "migrate"}
    assert set(SERVICES) - set(ENGINE) == {
        "postgresql",
        "temporal",
        "temporal-schema",
        "temporal-namespace",
        "temporal-ui",
        "mail",
    }


@pytest.mark.parametrize("name", ENGINE)
def test_each_command_is_one_of_ours(name: str) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    command, *arguments = ENGINE[name]["command"]
    parent = group.make_context("dynamo", [], resilient_parsing=True)
    found = group.get_command(parent, command)
    assert found is not None, f"dynamo has no command {command}"
    found.make_context(command, list(arguments), parent=parent)  # raises on a wrong option
    assert command == name.removesuffix("-1").removesuffix("-2")


@pytest.mark.parametrize("name", ENGINE)
def test_each_setting_exists_and_its_value_is_accepted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {key: v for key, v in environment(name).items() if key.startswith("DYNAMO_")}
    unknown = {key.removeprefix("DYNAMO_").lower() for key in ours} - set(Settings.model_fields)
    assert not unknown
    for key, value in ours.items():
        monkeypatch.setenv(key, value)
    settings = Settings()
    assert settings.secret_key is not None
    assert settings.resolved_database_url.startswith("postgresql+asyncpg://")


@pytest.mark.parametrize("name", ENGINE)
def test_the_sdk_reads_each_temporal_variable(name: str) -> None:
    theirs = {key: v for key, v in environment(name).items() if key.startswith("TEMPORAL_")}
    config = ClientConfig.load_client_connect_config(disable_file=True, override_env_vars=theirs)
    assert (config["target_host"], config["namespace"]) == ("temporal:7233", "default")
    assert set(theirs) == {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}


def test_nothing_else_is_set_for_the_engine() -> None:
    for name in ENGINE:
        assert all(key.startswith(("DYNAMO_", "TEMPORAL_")) for key in environment(name)), name


def test_no_secret_has_a_default() -> None:
    for name, service in RAW["services"].items():
        for key, value in service.get("environment", {}).items():
            if _SECRET.search(key):
                assert re.fullmatch(r"\$\{\w+:\?.+\}", value), f"{name}: {key}"
    assert "${POSTGRES_PASSWORD:?" in RAW["services"]["api"]["environment"]["DYNAMO_DATABASE_URL"]


@pytest.mark.parametrize("name", SERVICES)
def test_who_is_waited_for_can_be(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "on-failure"


@pytest.mark.parametrize("name", ENGINE)
def test_each_host_is_a_service(name: str) -> None:
    settings = environment(name)
    for key in ("DYNAMO_DATABASE_URL", "DYNAMO_SMTP_URL"):
        assert urlsplit(settings[key]).hostname in SERVICES
    assert settings["TEMPORAL_ADDRESS"].split(":")[0] in SERVICES


@pytest.mark.parametrize(
    ("name", "port_setting"),
    [
        ("api", "DYNAMO_API_PORT"),
        ("ocpp-server-1", "DYNAMO_OCPP_PORT"),
        ("ocpp-server-2", "DYNAMO_OCPP_PORT"),
    ],
)
def test_the_port_that_is_listened_on_is_published_and_probed(name: str, port_setting: str) -> None:
    port = environment(name)[port_setting]
    (published,) = ENGINE[name]["ports"]
    assert published.endswith(f":{port}")
    assert published.startswith("127.0.0.1:")
    assert f"http://127.0.0.1:{port}/health/" in ENGINE[name]["healthcheck"]["test"][-1]
    assert f" {port}" in re.search(r"^EXPOSE.*$", DOCKERFILE, re.MULTILINE)[0]  # type: ignore[index]


def test_two_services_share_no_port() -> None:
    published = [p.rsplit(":", 1)[0] for s in SERVICES.values() for p in s.get("ports", [])]
    assert len(published) == len(set(published))


@pytest.mark.parametrize("name", ENGINE)
def test_the_engine_has_no_rights_that_it_does_not_need(name: str) -> None:
    service = ENGINE[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]


def test_the_image_runs_the_command_as_nobody_special_from_the_locked_packages() -> None:
    assert 'ENTRYPOINT ["dynamo"]' in DOCKERFILE
    assert PYPROJECT["project"]["scripts"] == {"dynamo": "cli:app"}
    assert re.search(r"^USER (?!root)\w+$", DOCKERFILE, re.MULTILINE)
    for lock in ("runtime.lock", "bootstrap.lock"):
        assert f"--require-hashes --requirement requirements/{lock}" in DOCKERFILE
        assert (ROOT / "requirements" / lock).exists()


def test_wheel_and_image_hold_every_package_and_module() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    modules = {path.name for path in ROOT.glob("*.py")}
    assert set(WHEEL["packages"]) == packages
    assert set(WHEEL["include"]) == modules
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    assert packages <= kept
    assert {"*.py", "pyproject.toml", "README.md", "requirements/runtime.lock"} <= kept
    assert "requirements/bootstrap.lock" in kept
