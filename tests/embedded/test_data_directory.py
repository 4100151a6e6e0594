import errno
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from documents.check import local_keys
from documents.keys import seed_from_hex
from documents.signer import Signer
from embedded.data_directory import DataDirectory, explain
from embedded.errors import StartError


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    data = DataDirectory.open(tmp_path / "deep" / "data")
    data.secret_key()
    assert mode(data.path) == 0o700
    assert mode(data.path / "secret_key") == 0o600
    assert mode(data.log("api").parent) == 0o700
    data.close()


def test_one_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    (empty := tmp_path / "empty").mkdir(mode=0o755)
    DataDirectory.open(empty).close()
    assert mode(empty) == 0o700
    empty.chmod(0o755)
    with closing(DataDirectory.open(empty)) as data:
        data.secret_key()
    empty.chmod(0o750)
    DataDirectory.open(empty).close()
    assert mode(empty) == 0o700


@pytest.mark.parametrize("before", [(), ("secret_key", "engine.sqlite3", "lock")])
def test_one_that_is_shared_with_others_stays_theirs(
    tmp_path: Path, before: tuple[str, ...]
) -> None:
    """Somebody may give his home, at the first start or a later one: nothing is changed there."""
    tmp_path.chmod(0o755)
    for name in ("of somebody", *before):
        (tmp_path / name).touch()
    with pytest.raises(StartError, match=r"not the engine's \(of somebody\)\. .*chmod 700"):
        DataDirectory.open(tmp_path)
    assert mode(tmp_path) == 0o755
    assert {file.name for file in tmp_path.iterdir()} == {"of somebody", *before}
    tmp_path.chmod(0o700)
    DataDirectory.open(tmp_path).close()


def test_what_the_demo_has_left_is_in_nobodys_way(tmp_path: Path) -> None:
    """It makes .dynamo/demo as any program makes a folder."""
    tmp_path.chmod(0o755)
    for name in ("demo", "lost+found"):
        (tmp_path / name).mkdir()
    DataDirectory.open(tmp_path).close()
    assert mode(tmp_path) == 0o700


def test_logs_and_mail_alone_do_not_make_it_the_engines(tmp_path: Path) -> None:
    """As in /var/spool: many folders are called so."""
    tmp_path.chmod(0o755)
    (tmp_path / "mail").mkdir()
    with pytest.raises(StartError, match=r"not the engine's \(mail\)"):
        DataDirectory.open(tmp_path)
    assert mode(tmp_path) == 0o755


def test_the_folder_of_everybodys_temporary_files_is_refused_though_it_is_empty(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(StartError, match=r"is everybody's\. .*/dynamo$"):
        DataDirectory.open(tmp_path)
    assert mode(tmp_path) == 0o777


def test_all_that_an_engine_leaves_there_is_its_own(tmp_path: Path) -> None:
    """So the second start takes others' rights off what was restored with them."""
    for name in ("engine.sqlite3", "engine.sqlite3-wal", "temporal.sqlite3-shm", "mail", "demo"):
        (tmp_path / name).touch()
    with closing(DataDirectory.open(tmp_path)) as data:
        data.secret_key()
        data.certificate_key()
        data.log("api")
    tmp_path.chmod(0o755)
    DataDirectory.open(tmp_path).close()
    assert mode(tmp_path) == 0o700


def test_the_secret_is_made_once(tmp_path: Path) -> None:
    data = DataDirectory.open(tmp_path)
    secret = data.secret_key()
    data.close()
    again = DataDirectory.open(tmp_path)
    assert len(secret) >= 32
    assert again.secret_key() == secret
    again.close()
    other = DataDirectory.open(tmp_path / "other")
    assert other.secret_key() != secret
    other.close()


def test_a_secret_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("s" * 43)
    (tmp_path / "secret_key").chmod(0o644)
    data = DataDirectory.open(tmp_path)
    assert data.secret_key() == "s" * 43
    assert mode(tmp_path / "secret_key") == 0o600
    data.close()


def test_a_damaged_secret_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    data = DataDirectory.open(tmp_path)
    with pytest.raises(StartError, match="is damaged"):
        data.secret_key()
    data.close()


def test_one_at_a_time(tmp_path: Path) -> None:
    first = DataDirectory.open(tmp_path)
    with pytest.raises(StartError, match=rf"in use by another .* \(process {os.getpid()}\)"):
        DataDirectory.open(tmp_path)
    first.close()
    DataDirectory.open(tmp_path).close()


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StartError, match="is not a directory"):
            DataDirectory.open(path)


def test_a_full_disk_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1, 1, 3 * 1024 * 1024))
    with pytest.raises(StartError, match="is full: 3 MB are free"):
        DataDirectory.open(tmp_path)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk of /data is full."),
        (errno.EDQUOT, "The disk of /data is full."),
        (errno.EACCES, "/data/lock cannot be written."),
        (errno.EROFS, "/data/lock cannot be written."),
        (errno.EIO, "/data/lock: Input/output error."),
    ],
)
def test_every_error_is_a_sentence(number: int, sentence: str) -> None:
    error = OSError(number, os.strerror(number), "/data/lock")
    assert str(explain(error, Path("/data"))).startswith(sentence)


def test_a_long_log_is_put_aside_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedded.rotation.LONG", 10)
    data = DataDirectory.open(tmp_path)
    folder = tmp_path / "logs"
    with data.log("api").open("a") as log:
        for line in ("short", ", and too long", "the next", ", and too long", "the last"):
            log.write(line)
            log.flush()
            data.rotate()
    assert (folder / "api.log").read_text() == "the last"
    assert (folder / "api.old.log").read_text() == "the next, and too long"
    assert data.log("api").read_text() == "the last"
    assert sorted(file.name for file in folder.iterdir()) == ["api.log", "api.old.log"]
    data.close()


def test_a_long_log_on_a_full_disk_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copyfile(_source: Path, to: Path) -> None:
        to.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("embedded.rotation.LONG", 10)
    monkeypatch.setattr("embedded.rotation.shutil.copyfile", copyfile)
    data = DataDirectory.open(tmp_path)
    data.log("api").write_text("long, too long")
    data.rotate()
    assert [file.read_text() for file in (tmp_path / "logs").iterdir()] == [""]
    data.close()


def test_the_certificate_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    with closing(DataDirectory.open(tmp_path)) as data:
        seed = data.certificate_key()
        assert mode(tmp_path / "certificate_key") == 0o600
        assert data.certificate_key() == seed
        assert local_keys(tmp_path)[0] == Signer.from_seed(seed_from_hex(seed)).public
        (tmp_path / "certificate_key").write_text("")
        with pytest.raises(StartError, match="Put it back from a backup"):
            data.certificate_key()
