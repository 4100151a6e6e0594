"""docker-compose.yml and the Dockerfile against the settings, the commands and the files."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
import yaml
from sqlalchemy import text
from temporalio.envconfig import ClientConfig
from typer.core import TyperGroup

from cli import app
from embedded import binaries
from runtime.settings import Settings
from storage.catalogue import load_catalogue
from storage.engine import Database

ROOT = Path(__file__).parents[2]
GIVEN = {
    "DYNAMO_SECRET_KEY": "s" * 43,
    "DYNAMO_CERTIFICATE_KEY": "0123456789abcdef" * 4,
    "POSTGRES_PASSWORD": "letters4nd8digits",
}
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<kind>:-|:\?)?(?P<rest>[^}]*)\}")
_SETTING = re.compile(r"\bDYNAMO_(?!TAG\b)[A-Z_]*[A-Z]\b")
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


def test_what_the_pages_rely_on_is_set() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    pages += [page for part in ("how-to", "topics") for page in (ROOT / "docs" / part).glob("*.md")]
    named = {name for page in pages for name in _SETTING.findall(page.read_text())}
    assert len(named) > 15
    of_the_image = {"DYNAMO_DATA_DIR"} & set(re.findall(r"DYNAMO_\w+(?==)", DOCKERFILE))
    for name in ENGINE:
        assert named - of_the_image <= set(environment(name)), name


def test_what_is_not_said_is_as_without_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Settings()
    for key, value in environment("api").items():
        monkeypatch.setenv(key, value)
    settings = Settings()
    other = {
        name for name in Settings.model_fields if getattr(settings, name) != getattr(plain, name)
    }
    assert other == {
        *("secret_key", "certificate_key", "database_url", "smtp_url", "catalogue_dir"),
        *("api_host", "ocpp_host", "worker_port", "temporal_ui_url"),
    }


def _tag(service: str) -> list[str]:
    """Name and tag of its image."""
    image: str = SERVICES[service]["image"]
    return image.partition("@")[0].split(":")


def test_temporal_and_its_ui_are_those_of_the_tests() -> None:
    temporal = str(binaries.find(binaries.TEMPORAL))
    said = subprocess.run([temporal, "--version"], capture_output=True, text=True, check=True)
    versions = re.search(r"\(Server (?P<server>[\d.]+), UI (?P<ui>[\d.]+)\)", said.stdout)
    assert versions is not None, said.stdout
    for name in ("temporal", "temporal-schema", "temporal-namespace"):
        assert _tag(name)[1] == versions["server"], name
    assert _tag("temporal-ui")[1] == versions["ui"]


async def test_postgresql_is_that_of_the_tests(postgresql_server_url: str) -> None:
    database = Database(postgresql_server_url)
    try:
        async with database.read() as connection:
            version = await connection.scalar(text("SHOW server_version"))
    finally:
        await database.close()
    assert _tag("postgresql") == ["postgres", str(version).split(".")[0]]


def test_the_link_of_operators_leads_to_the_ui_that_is_published() -> None:
    (published,) = SERVICES["temporal-ui"]["ports"]
    address, outside, _ = published.split(":")
    assert environment("worker")["DYNAMO_TEMPORAL_UI_URL"] == f"http://{address}:{outside}"


def test_the_catalogue_is_where_its_setting_says() -> None:
    for name in ENGINE:
        (volume,) = ENGINE[name]["volumes"]
        here, inside, mode = volume.split(":")
        assert (inside, mode) == (environment(name)["DYNAMO_CATALOGUE_DIR"], "ro")
        assert load_catalogue(ROOT / here).entries


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


def test_the_worker_is_probed_where_it_listens_and_published_nowhere() -> None:
    port = environment("worker")["DYNAMO_WORKER_PORT"]
    assert f"127.0.0.1:{port}/health/ready" in ENGINE["worker"]["healthcheck"]["test"][-1]
    assert "ports" not in ENGINE["worker"]


def test_two_services_share_no_port() -> None:
    published = [p.rsplit(":", 1)[0] for s in SERVICES.values() for p in s.get("ports", [])]
    assert len(published) == len(set(published))


@pytest.mark.parametrize("name", ENGINE)
def test_the_engine_has_no_rights_that_it_does_not_need(name: str) -> None:
    service = ENGINE[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_says_fills_no_disk(name: str) -> None:
    logging = SERVICES[name]["logging"]
    assert logging["driver"] == "json-file"
    assert all(isinstance(bound, str) for bound in logging["options"].values())
    assert re.fullmatch(r"[1-9]\d?m", logging["options"]["max-size"])
    assert 1 < int(logging["options"]["max-file"]) < 10


_PINNED = re.compile(r"(?P<image>\S+:\S+)@sha256:[0-9a-f]{64}")
_PAGE = (ROOT / "docs" / "how-to" / "run-as-services.md").read_text()


def test_every_image_of_others_is_pinned_by_its_digest_and_the_page_says_how_to_renew_it() -> None:
    named = [RAW["services"][service]["image"] for service in SERVICES.keys() - ENGINE.keys()]
    (python,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    pinned = [_PINNED.fullmatch(image) for image in {*named, python}]
    assert all(pinned), named
    (listed,) = re.findall(r"<<'END'\n(.*?)\nEND", _PAGE, re.DOTALL)
    assert sorted(listed.splitlines()) == sorted(one["image"] for one in pinned if one)


def test_the_image_runs_the_command_as_nobody_special_from_the_locked_packages() -> None:
    assert 'ENTRYPOINT ["dynamo"]' in DOCKERFILE
    assert PYPROJECT["project"]["scripts"] == {"dynamo": "cli:app"}
    assert re.search(r"^USER (?!root)\w+$", DOCKERFILE, re.MULTILINE)
    for lock in ("runtime.lock", "bootstrap.lock"):
        assert f"--require-hashes --requirement requirements/{lock}" in DOCKERFILE
        assert (ROOT / "requirements" / lock).exists()
