"""`dynamo`: one command for each process, and `up` for all of them on this machine."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from runtime.settings import Settings

app = typer.Typer(
    name="dynamo",
    help="Commissioning of EV charge points: durable, over OCPP, on Temporal.",
    epilog="Settings come from environment variables (DYNAMO_…, TEMPORAL_…); see docs/reference.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show locals, so secrets
)

_FAILED, _MISUSED = 1, 2
_LocalDataDir = Annotated[
    Path,
    typer.Option(envvar="DYNAMO_DATA_DIR", metavar="DIR", help="Of the engine on this machine."),
]
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def _port(variable: str | None = None) -> Any:
    return typer.Option(envvar=variable, min=0, max=65535, metavar="N", help="0: a free one.")


def _show_version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"dynamo {version('dynamo-commissioning')}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options of every command."""


@app.command()
def up(
    *,
    data_dir: Annotated[
        Path,
        typer.Option(envvar="DYNAMO_DATA_DIR", metavar="DIR", help="Where everything is kept."),
    ] = Path(".dynamo"),
    host: Annotated[
        str, typer.Option(metavar="H", help="Address that API and OCPP server listen on.")
    ] = "127.0.0.1",
    api_port: Annotated[int, _port("DYNAMO_API_PORT")] = 8000,
    ocpp_port: Annotated[int, _port("DYNAMO_OCPP_PORT")] = 9000,
    temporal_port: Annotated[int, _port()] = 7233,
    temporal_ui_port: Annotated[int, _port()] = 8233,
) -> None:
    """Run everything on this machine: Temporal, API, OCPP server, worker, SQLite.

    It stops on Ctrl-C; what was in progress goes on at the next start.
    """
    import asyncio

    from embedded.errors import StartError
    from embedded.layout import Options
    from embedded.up import up as run_up

    options = Options(
        data_dir=data_dir,
        host=host,
        api_port=api_port,
        ocpp_port=ocpp_port,
        temporal_port=temporal_port,
        temporal_ui_port=temporal_ui_port,
    )
    try:
        asyncio.run(run_up(options))  # the plain loop: it spawns and waits, and serves nobody
    except StartError as error:
        _refuse(str(error), error.exit_code)


@app.command()
def api() -> None:
    """Serve the REST API."""
    settings = _settings("api")
    with _loading():
        from api.app import run_api
        from runtime.process import run, serve

    run(serve(settings, run_api, listens="api"))


@app.command()
def worker() -> None:
    """Run workflows and the activities that need no charger."""
    settings = _settings("worker")
    with _loading():
        from runtime.process import run, serve
        from worker import run_worker

    run(serve(settings, run_worker, listens="worker"))


@app.command()
def ocpp_server() -> None:
    """Hold the connections of the chargers; run as many of these as you need."""
    settings = _settings("ocpp-server")
    with _loading():
        from ocpp_server.main import run_node
        from runtime.process import run, serve

    run(serve(settings, run_node, listens="ocpp"))


@app.command()
def migrate(
    *,
    temporal: Annotated[
        bool, typer.Option("--temporal", help="Register the search attributes at Temporal, too.")
    ] = False,
    new_keys: Annotated[
        bool,
        typer.Option(
            "--new-keys",
            help="From now on every process must have the DYNAMO_SECRET_KEY, and the "
            "DYNAMO_CERTIFICATE_KEY, that this one has, and every API the key of its "
            "DYNAMO_CERTIFICATE_SIGNER. Stop all others first.",
        ),
    ] = False,
) -> None:
    """Bring the database to the schema of this release."""
    settings = _settings("migrate", secret=new_keys)
    with _loading():
        from runtime.process import migrate as bring_up_to_date
        from runtime.process import run

    run(bring_up_to_date(settings, temporal=temporal, new_keys=new_keys))


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The certificate, a PDF.")],
    *,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Public keys of the engine, as GET /api/v1/certificate-keys gives them, or PEM; "
            "left out: the keys of the engine on this machine.",
        ),
    ] = None,
    data_dir: _LocalDataDir = Path(".dynamo"),
) -> None:
    """Check a certificate offline: has the engine signed exactly this file?

    Exit codes: 0 valid, 1 altered or not signed, 2 cannot be read, 3 signed with a key not given.
    """
    from documents.check import check

    outcome = check(file, keys=key or [], data_dir=data_dir)
    typer.echo(outcome.said, err=outcome.exit_code != 0)
    raise typer.Exit(outcome.exit_code)


@app.command()
def certificate_key(
    *,
    pem: Annotated[bool, typer.Option("--pem", help="As PEM, for other tools.")] = False,
    certificate: Annotated[
        bool,
        typer.Option("--certificate", help="The X.509 certificate, as PDF readers import it."),
    ] = False,
    data_dir: _LocalDataDir = Path(".dynamo"),
) -> None:
    """Print the public key that certificates of this engine are signed with.

    It is that of DYNAMO_CERTIFICATE_SIGNER, of DYNAMO_CERTIFICATE_KEY, or of the data directory;
    then the one that older engines signed with. Keys that signed before are at GET
    /api/v1/certificate-keys.
    """
    from documents.check import NoKeyError, local_keys, local_signer

    try:
        if certificate:
            typer.echo(local_signer(data_dir).certificate_pem(), nl=False)
            return
        keys = local_keys(data_dir)
    except NoKeyError as error:
        _refuse(str(error), _MISUSED)
    if pem:
        typer.echo("".join(key.pem() for key in keys), nl=False)
        return
    import json

    listed = [key.jwk() | {"fingerprint": key.fingerprint} for key in keys]
    typer.echo(json.dumps({"keys": listed}, indent=2))


@app.command(add_help_option=False, context_settings=_PASS_ON)
def simulate(context: typer.Context) -> None:
    """Run virtual charge points that speak OCPP over a real WebSocket."""
    from simulator.command import simulate as command

    simulator = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    simulator.command()(command)  # its options are read here, so that --help above imports nothing
    simulator(args=context.args, prog_name="dynamo simulate")


@app.command()
def demo(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running, with its URLs.")] = False,
    papers: Annotated[
        Path, typer.Option(metavar="DIR", help="Where certificates and statement are left.")
    ] = Path(".dynamo/demo"),
) -> None:
    """Play the whole guide against real parts, on free ports and a temporary folder."""
    import asyncio

    from demo.run import demo as play
    from embedded.errors import StartError

    try:
        papers.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _refuse(f"--papers: {papers} cannot be made: {error.strerror}.", _MISUSED)
    try:
        held = asyncio.run(play(keep=keep, papers=papers))
    except StartError as error:
        _refuse(str(error), error.exit_code)
    if not held:
        raise typer.Exit(_FAILED)


@contextmanager
def _loading() -> Iterator[None]:
    """Look for no garbage while modules are imported: they stay, and looking is a fifth of it."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # nor later among what was imported
        gc.enable()


def _settings(process: str, *, secret: bool = True) -> "Settings":
    """Read the settings and set up logging, or say in one line what is wrong."""
    from pydantic import ValidationError

    from domain.wording import all_wrong
    from runtime.logs import configure
    from runtime.settings import Settings

    try:
        settings = Settings()
    except ValidationError as error:
        found = all_wrong(error.errors())
        _refuse("; ".join(f"DYNAMO_{one.name.upper()}: {one.words}" for one in found), _FAILED)
    if secret and settings.secret_key is None:
        _refuse(
            "DYNAMO_SECRET_KEY is not set. It signs tokens and hashes keys: give 32 random "
            "characters or more, the same to every process.",
            _FAILED,
        )
    if not settings.database_url:
        _refuse(
            "DYNAMO_DATABASE_URL is not set. Give every process the same, such as "
            "postgresql://user:password@host/dynamo; only `dynamo up` does without it.",
            _FAILED,
        )
    configure(process, settings.log_level)
    return settings


def _refuse(sentence: str, code: int) -> NoReturn:
    typer.echo(f"dynamo: {sentence}", err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
