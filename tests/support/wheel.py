"""The engine as the Dockerfile installs it: its own commands, its own files, nothing else there.

What is read of the Dockerfile is its build stage: COPY and RUN. Three things are other than there:
the folders are below one of ours, pip's work is done by uv (with the same check of hashes, from
what it has in its cache), and so no pip is put into the environments.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLAIN_PATH = "/usr/local/bin:/usr/bin:/bin"
"""Where the programs of the machine are, and none of the checkout's environment."""

_BUILD_STAGE = re.compile(r"^FROM \S+ AS build$(.*?)^FROM ", re.MULTILINE | re.DOTALL)
_FOLDERS = re.compile(r"(?<![\w.])/(opt|tmp|source)\b")
_PIP_INSTALL = re.compile(r"(\S+/bin/)pip install\b")


def install(folder: Path) -> Path:
    """Build the wheel and install it below a folder; return its `dynamo`.

    Raises:
        RuntimeError: a command of the Dockerfile failed, with what it said.

    """
    workdir = folder
    for word, rest in _instructions((ROOT / "Dockerfile").read_text()):
        match word:
            case "WORKDIR":
                workdir = Path(_ours(rest, folder))
                workdir.mkdir(parents=True)
            case "COPY":
                *sources, target = rest.split()
                for source in sources:
                    _copy(source, workdir / target)
            case "RUN":
                _run(_ours(rest, folder), workdir)
            case "ENV":
                continue  # of pip alone
            case _:
                raise RuntimeError(f"the build stage has an instruction that is not known: {word}")
    return folder / "opt" / "dynamo" / "bin" / "dynamo"


def build(
    folder: Path, *, umask: int = 0o022, modified: float | None = None, **variables: str
) -> Path:
    """Build the wheel alone below a folder, by the same command; return the file.

    The backend is the checkout's, which the same lock pins. ``modified`` is when every source was
    written, in seconds since 1970.
    """
    source = folder / "source"
    _copy(".", source)
    for path in source.rglob("*"):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
        if modified is not None:
            os.utime(path, (modified, modified))
    commands = [
        rest for word, rest in _instructions((ROOT / "Dockerfile").read_text()) if word == "RUN"
    ]
    (command,) = re.findall(r"\S+/hatchling build [^&]*", " ".join(commands))
    ours = _ours(command, folder).replace(
        f"{folder}/opt/build/bin", str(Path(sys.executable).parent)
    )
    _run(ours, source, umask=umask, **variables)
    (built,) = folder.rglob("*.whl")
    return built


def context(pattern: str = "*") -> Iterator[Path]:
    """Files that an image is built from, as `.dockerignore` says."""
    for line in (ROOT / ".dockerignore").read_text().split():
        if not line.startswith("!"):
            continue
        for kept in ROOT.glob(line[1:]):
            for path in kept.rglob("*") if kept.is_dir() else [kept]:
                relative = path.relative_to(ROOT)
                if path.is_file() and "__pycache__" not in path.parts and relative.match(pattern):
                    yield relative


def _instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    stage = _BUILD_STAGE.search(dockerfile)
    if stage is None:
        raise RuntimeError("the Dockerfile has no build stage")
    text = re.sub(r"^#.*\n", "", stage[1], flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        yield word, rest


def _copy(source: str, target: Path) -> None:
    """Copy a file into a folder, or with `.` all of them to their places there."""
    for path in context():
        if source == ".":
            place = target / path
        elif source == str(path):
            place = target / path.name
        else:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, place)


def _ours(command: str, folder: Path) -> str:
    return _FOLDERS.sub(lambda match: f"{folder}/{match[1]}", command)


def _run(command: str, workdir: Path, *, umask: int = -1, **variables: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    command = _PIP_INSTALL.sub(rf"{uv} pip install --python \1python", command)
    command = command.replace("-m venv ", "-m venv --without-pip ")
    outcome = subprocess.run(
        ["/bin/sh", "-euc", command],
        cwd=workdir,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        | {"PATH": f"{Path(sys.executable).parent}:{PLAIN_PATH}"}
        | variables,
        umask=umask,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if outcome.returncode:
        raise RuntimeError(f"{command}\nsaid:\n{outcome.stdout}")
