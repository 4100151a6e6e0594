"""The folder of `dynamo up`: closed to others, held by one `up` at a time, with its secret."""

import errno
import fcntl
import os
import secrets
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Self

from embedded import rotation
from embedded.errors import StartError

_MEGABYTE = 1024 * 1024
_NEEDED = 100 * _MEGABYTE
_LOCK, _SECRET, _CERTIFICATE = "lock", "secret_key", "certificate_key"
_OTHERS = 0o077
_DATABASES = ("engine.sqlite3", "temporal.sqlite3")
_MARKS = (_LOCK, _SECRET, _CERTIFICATE, *_DATABASES)
_BESIDE_THEM = {"logs", "mail"}
"""Ours where one of the marks is: many folders have such."""
_BEFORE = {"demo", "lost+found"}
"""What `dynamo demo`, or the volume itself, has left there before the first start."""
_SECRET_BYTES = 32


class DataDirectory:
    """Opened once and held until :meth:`close`.

    ``engine.sqlite3``, ``temporal.sqlite3``  the databases
    ``secret_key``                            signs tokens and hashes keys; made once, mode 0600
    ``certificate_key``                       signs certificates; made once, mode 0600
    ``logs/``, ``mail/``                      of the processes; mails where no SMTP server is set
    ``lock``                                  names the process that holds the folder
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> Self:
        """Make the folder where it is missing, and take it.

        Raises:
            StartError: It cannot be written, its disk is full, others can look into it and it
                holds what is not the engine's, or another `dynamo up` holds it.

        """
        path = path.expanduser().absolute()
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_space(path)
            _close_to_others(path)
            lock = _take(path)
        except OSError as error:
            raise explain(error, path) from error
        return cls(path, lock)

    @property
    def temporal_database(self) -> Path:
        """SQLite file of the Temporal server."""
        return self.path / "temporal.sqlite3"

    def secret_key(self) -> str:
        """Read the secret, made at the first start."""
        secret = self._made_once(_SECRET, secrets.token_urlsafe(_SECRET_BYTES))
        if len(secret) < _SECRET_BYTES:  # a disk that was full at the first start
            path = self.path / _SECRET
            raise StartError(f"{path} is damaged. Remove it; everybody then has to log in again.")
        return secret

    def certificate_key(self) -> str:
        """Read the seed of the key that signs certificates, made at the first start."""
        seed = self._made_once(_CERTIFICATE, secrets.token_hex(_SECRET_BYTES))
        if len(seed) != 2 * _SECRET_BYTES:
            path = self.path / _CERTIFICATE
            raise StartError(
                f"{path} is damaged. Put it back from a backup; if there is none, remove it: "
                "certificates are signed with a new key then, and the old ones stay valid."
            )
        return seed

    def _made_once(self, name: str, content: str) -> str:
        path = self.path / name
        try:
            with os.fdopen(_open_new(path), "w") as file:
                file.write(content)
        except FileExistsError:
            path.chmod(0o600)
        return path.read_text().strip()

    def log(self, name: str) -> Path:
        """Path of a log, open to be appended to; a long one is put aside first."""
        folder = self.path / "logs"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{name}.log"
        rotation.put_aside(path)
        return path

    def rotate(self) -> None:
        """Put the long logs aside, while they are written."""
        for path in (self.path / "logs").glob("*.log"):
            if not path.name.endswith(".old.log"):
                rotation.put_aside(path)

    def close(self) -> None:
        """Let the next `up` have it. The lock file stays: removing it would race with that one."""
        os.close(self._lock)


def _close_to_others(path: Path) -> None:
    """Take others' rights off a folder that is the engine's alone.

    Whoever names his home, or the machine's folder of temporary files, has it left alone.
    """
    mode = path.stat().st_mode
    if not mode & _OTHERS:
        return
    if mode & stat.S_ISVTX:
        raise StartError(f"{path} is everybody's. Choose a folder in it: --data-dir {path}/dynamo")
    foreign = _foreign({found.name for found in path.iterdir()})
    if foreign:
        raise StartError(
            f"Others can look into {path}, and it holds what is not the engine's ({foreign[0]}). "
            f"Choose an empty --data-dir, or take their rights off it: chmod 700 {path}"
        )
    with suppress(PermissionError):  # a volume that is somebody else's
        path.chmod(0o700)


def _foreign(names: set[str]) -> list[str]:
    """Name what is not the engine's."""
    marks = {name for name in names if name in _MARKS or name.startswith(_DATABASES)}
    ours = marks | (_BESIDE_THEM if marks else set())
    return sorted(names - ours - _BEFORE)


def explain(error: OSError, path: Path) -> StartError:
    """Say in one sentence why the folder cannot be used."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            sentence = f"The disk of {path} is full."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            sentence = f"{error.filename or path} cannot be written. Choose another --data-dir."
        case errno.ENOTDIR | errno.EEXIST:
            sentence = f"{error.filename or path} is not a directory. Choose another --data-dir."
        case _:
            sentence = f"{error.filename or path}: {error.strerror}."
    return StartError(sentence)


def _check_space(path: Path) -> None:
    free = shutil.disk_usage(path).free
    if free < _NEEDED:
        raise StartError(
            f"The disk of {path} is full: {free // _MEGABYTE} MB are free, "
            f"{_NEEDED // _MEGABYTE} MB are needed."
        )


def _take(path: Path) -> int:
    lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
    except BlockingIOError:
        holder = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise StartError(
            f"{path} is in use by another `dynamo up` (process {holder}). "
            f"Stop that one, or choose another --data-dir."
        ) from None
    except OSError:
        os.close(lock)
        raise
    return lock


def _open_new(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
