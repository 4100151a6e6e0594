"""Pictures are read in processes of their own, which are bounded, used again, and leave nobody."""

import asyncio
import errno
import os
import resource
import signal
import sys
from asyncio.subprocess import PIPE
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from time import monotonic

import psutil
import pytest
from PIL import Image

from api.pictures.pictures import Pictures, TooCostlyError
from documents.photos import MOST_PIXELS, MOST_UNPACKED, PhotoFault, PhotoRefusedError, read_photo
from documents.reading.limits import Limits
from documents.signature_picture import SignaturePictureError, read_signature
from domain.errors import TooManyRequestsError, UnavailableError
from tests.documents.pictures import encoded, hand
from tests.support.eventually import eventually
from tests.support.figures import Figure

MIB = 1024 * 1024
SMALL = Limits(memory_bytes=128 * MIB)
WHO = "usr_1"


@asynccontextmanager
async def reading(limits: Limits | None = None, *, idle: float = 60.0) -> AsyncIterator[Pictures]:
    pictures = Pictures(limits=limits, idle=idle)
    try:
        yield pictures
    finally:
        processes = pictures.processes
        await pictures.close()
        assert not [one for one in processes if psutil.pid_exists(one)]


def picture(form: str = "JPEG", *, size: tuple[int, int] = (640, 480), mode: str = "RGB") -> bytes:
    file = BytesIO()
    Image.new(mode, size, 1 if mode == "1" else "gray").save(file, form)
    return file.getvalue()


def grown_by() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def test_what_is_read_is_what_would_be_read_here() -> None:
    sent, signed = picture(), encoded(hand())
    async with reading() as pictures:
        assert await pictures.photo(sent, account_id=WHO) == read_photo(sent)
        assert await pictures.signature(signed, account_id=WHO) == read_signature(signed)


async def test_one_process_reads_them_one_after_the_other() -> None:
    async with reading() as pictures:
        assert not pictures.processes, "none before it is needed"
        seen = set[int]()
        for _ in range(5):
            await pictures.photo(picture(), account_id=WHO)
            seen |= set(pictures.processes)
        assert len(seen) == 1


async def test_when_no_more_come_the_memory_is_given_back() -> None:
    async with reading(idle=0.0) as pictures:
        await pictures.photo(picture(), account_id=WHO)
        await eventually(lambda: _none(pictures))


def _none(pictures: Pictures) -> None:
    assert not pictures.processes


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (b"hello", PhotoFault.NOT_A_PHOTO),
        (b"", PhotoFault.NOT_A_PHOTO),
        (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 100, PhotoFault.HEIC),
        (picture("PNG", size=(4097, 4096), mode="1"), PhotoFault.TOO_MANY_PIXELS),
        (picture("WEBP", size=(4097, 4096)), PhotoFault.TOO_MANY_PIXELS),
        (picture("JPEG", size=(8192, 6145), mode="L"), PhotoFault.TOO_MANY_PIXELS),
    ],
)
async def test_what_is_no_photo_is_refused(sent: bytes, fault: PhotoFault) -> None:
    async with reading() as pictures:
        with pytest.raises(PhotoRefusedError) as refused:
            await pictures.photo(sent, account_id=WHO)
        assert refused.value.fault is fault


async def test_what_a_phone_makes_at_its_most_is_read() -> None:
    # Pixel 8192 x 6144, Galaxy 8160 x 6120, iPhone 8064 x 6048: all that are sold as 48 or 50.
    async with reading() as pictures:
        photo = await pictures.photo(picture(size=(8192, 6144), mode="L"), account_id=WHO)
        assert (photo.width, photo.height) == (1600, 1200)
    assert MOST_PIXELS == 8192 * 6144
    assert MOST_UNPACKED == 4096 * 4096


async def test_what_is_no_signature_is_refused_in_words() -> None:
    async with reading() as pictures:
        with pytest.raises(SignaturePictureError, match="must be a PNG file that is whole"):
            await pictures.signature(b64encode(b"x").decode(), account_id=WHO)
        with pytest.raises(SignaturePictureError, match="must be base64"):
            await pictures.signature("\udc80", account_id=WHO)


async def test_a_bomb_takes_no_memory_of_ours(figure: Figure) -> None:
    bomb = picture("PNG", size=(4096, 4096), mode="RGBA")  # 60 kB, and 190 MiB in all
    async with reading(Limits()) as pictures:
        await pictures.photo(picture(), account_id=WHO)
        before = grown_by()
        await pictures.photo(bomb, account_id=WHO)
        more = grown_by() - before
        figure(f"a picture of {len(bomb):,} bytes that is 64 MiB: {more / MIB:.1f} MiB more here")
        assert more < 16 * MIB


async def test_a_picture_that_takes_too_much_memory_is_refused_and_the_next_is_read() -> None:
    async with reading(SMALL) as pictures:
        with pytest.raises(TooCostlyError):
            await pictures.photo(picture("PNG", size=(4096, 4096), mode="RGBA"), account_id=WHO)
        await pictures.photo(picture(), account_id=WHO)


async def test_a_picture_that_takes_too_long_ends_its_process_and_the_next_is_read(
    figure: Figure,
) -> None:
    costly = picture("PNG", size=(4096, 4096), mode="RGBA")
    async with reading(Limits(processor_seconds=0.15)) as pictures:
        began = monotonic()
        with pytest.raises(TooCostlyError):
            await pictures.photo(costly, account_id=WHO)
        figure(
            f"with 0.15 s of a processor, a picture was given up after {monotonic() - began:.2f} s"
        )
        assert not pictures.processes
        await pictures.photo(picture(size=(16, 16)), account_id=WHO)


async def test_a_process_that_somebody_ends_is_replaced() -> None:
    async with reading() as pictures:
        await pictures.photo(picture(), account_id=WHO)
        (process,) = pictures.processes
        os.kill(process, signal.SIGKILL)
        await pictures.photo(picture(), account_id=WHO)
        assert pictures.processes != [process]


async def test_a_process_that_never_begins_is_said_to_be_away() -> None:
    async with reading(Limits(memory_bytes=MIB)) as pictures:
        with pytest.raises(UnavailableError, match="smaller JPEG"):
            await pictures.photo(picture(), account_id=WHO)


async def test_while_no_process_can_be_started_they_are_said_to_be_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def none_left(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    async with reading() as pictures:
        with monkeypatch.context() as full:
            full.setattr(asyncio, "create_subprocess_exec", none_left)
            with pytest.raises(UnavailableError) as away:
                await pictures.photo(picture(), account_id=WHO)
        assert away.value.code == "pictures_away"
        await pictures.photo(picture(), account_id=WHO)


async def test_who_gives_up_leaves_no_process_at_work() -> None:
    async with reading() as pictures:
        await pictures.photo(picture(), account_id=WHO)
        (process,) = pictures.processes
        os.kill(process, signal.SIGSTOP)  # it will not answer
        waiting = asyncio.create_task(pictures.photo(picture(), account_id=WHO))
        await eventually(lambda: _busy(pictures))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert not pictures.processes
        assert not psutil.pid_exists(process)
        await pictures.photo(picture(), account_id=WHO)


def _busy(pictures: Pictures) -> None:
    assert pictures.busy


async def test_a_process_that_does_not_get_on_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with reading() as pictures:
        await pictures.photo(picture(), account_id=WHO)
        (process,) = pictures.processes
        os.kill(process, signal.SIGSTOP)
        monkeypatch.setattr("api.pictures.process._PATIENCE", 0.05)
        with pytest.raises(UnavailableError, match="Send it again in a minute"):
            await pictures.photo(picture(), account_id=WHO)
        assert not psutil.pid_exists(process)


async def test_nobody_waits_for_all_the_pictures_of_another(figure: Figure) -> None:
    order: list[str] = []

    async def send(pictures: Pictures, who: str, sent: bytes) -> None:
        await pictures.photo(sent, account_id=who)
        order.append(who)

    large, small = picture("PNG", size=(2048, 2048), mode="RGBA"), picture()
    async with reading() as pictures, asyncio.TaskGroup() as group:
        for _ in range(6):
            for one in ("a", "b"):  # as many accounts as there are processes
                group.create_task(send(pictures, one, large))
        await asyncio.sleep(0)
        group.create_task(send(pictures, "honest", small))
    before = order.index("honest")
    figure(f"a small picture beside twelve large ones of others: {before} of them came before it")
    assert before <= 3


async def test_who_has_no_turn_in_time_is_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.pictures.pictures._PATIENCE", 0.0)
    async with reading() as pictures:
        answers = await asyncio.gather(
            *(pictures.photo(picture(), account_id=f"usr_{number}") for number in range(3)),
            return_exceptions=True,
        )
    (busy,) = [one for one in answers if isinstance(one, UnavailableError)]
    assert busy.code == "pictures_busy"


async def test_an_account_has_so_many_waiting_and_no_more() -> None:
    async with reading() as pictures:
        answers = await asyncio.gather(
            *(pictures.photo(picture(), account_id=WHO) for _ in range(25)),
            pictures.photo(picture(), account_id="another"),
            return_exceptions=True,
        )
    refused = [one for one in answers if isinstance(one, TooManyRequestsError)]
    assert [one.code for one in refused] == ["too_many_pictures"] * 5
    assert len(answers) - len(refused) == sum(1 for one in answers if hasattr(one, "picture"))


_PARENT = """
import asyncio, sys
from api.pictures.pictures import Pictures

async def main():
    pictures = Pictures()
    await pictures.photo(sys.stdin.buffer.read(), account_id="usr_1")
    print(*pictures.processes, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_no_process_outlives_ours_whatever_ours_dies_of() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PARENT, stdin=PIPE, stdout=PIPE
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    parent.stdin.write(picture())
    parent.stdin.close()
    process = psutil.Process(int(await parent.stdout.readline()))
    assert "documents.reading" in process.cmdline()
    parent.kill()
    await parent.wait()
    await eventually(lambda: _gone(process))


def _gone(process: psutil.Process) -> None:
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def test_it_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMO_SECRET_KEY", "a secret")
    async with reading() as pictures:
        await pictures.photo(picture(), account_id=WHO)
        (process,) = pictures.processes
        assert "DYNAMO_SECRET_KEY" not in psutil.Process(process).environ()
