"""A signature as a picture: nothing but its strokes is kept, and nothing harmful is unpacked."""

import base64
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from documents.photos import read_photo
from documents.signature_picture import SignaturePictureError, read_signature
from tests.documents.pictures import chunk, encoded, hand, png
from tests.support.figures import Figure

DARK = 110


def opened(kept: str) -> Image.Image:
    image = Image.open(BytesIO(base64.b64decode(kept)))
    image.load()
    return image


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "L", "1", "P", "LA"])
def test_it_is_kept_in_grey_on_white_and_cut_to_its_strokes(mode: str) -> None:
    kept = opened(read_signature(encoded(hand(mode=mode))))
    assert (kept.format, kept.mode, kept.info) == ("PNG", "L", {})
    assert 460 < kept.width < 490
    assert 110 < kept.height < 140
    assert kept.getpixel((0, 0)) == 255
    shades = set(kept.tobytes())
    assert min(shades) < DARK
    assert max(shades) == 255


def test_read_again_it_is_the_same() -> None:
    for size in ((600, 200), (2400, 1600)):
        kept = read_signature(encoded(hand(size)))
        assert read_signature(kept) == kept
        assert read_signature(f"data:image/png;base64,{kept}") == kept


def test_a_large_one_is_reduced() -> None:
    kept = opened(read_signature(encoded(hand((2400, 1600)))))
    assert kept.width <= 900
    assert kept.height <= 300


def test_what_it_carried_is_not_kept() -> None:
    info = PngInfo()
    info.add_text("Author", "Jane of Elm Street 4", zip=True)
    sent = encoded(hand(), pnginfo=info, dpi=(72, 72))
    assert b"Author" in base64.b64decode(sent)
    assert b"Author" not in base64.b64decode(read_signature(sent))


def test_a_colour_that_stands_for_nothing_is_white() -> None:
    sent = encoded(hand(mode="L").point(lambda value: 0 if value < 200 else 7), transparency=7)
    kept = opened(read_signature(sent))
    assert kept.getpixel((0, 0)) == 255


def _deep(*values: int) -> bytes:
    return b"".join(b"\0" + struct.pack(">8H", *(values * 4)) for _ in range(8))


def test_sixteen_bits_are_not_cut_off() -> None:
    sent = png(8, 8, depth=16, rows=_deep(30_000, 65_535))
    kept = opened(read_signature(sent))
    assert set(kept.tobytes()) == {117, 255}
    assert (
        read_photo(base64.b64decode(sent)).picture
        != read_photo(base64.b64decode(png(8, 8, depth=16, rows=_deep(65_535, 65_535)))).picture
    )


def _moving() -> str:
    return encoded(hand(), save_all=True, append_images=[hand(dark=False)])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: "", "a PNG file that is whole"),
        (lambda: "M 0 0 L 9 9!", "base64"),
        (lambda: "data:image/jpeg;base64,AAAA", "base64"),
        (lambda: base64.b64encode(b"hello").decode(), "a PNG file that is whole"),
        (lambda: base64.b64encode(b"<svg/>").decode(), "a PNG file that is whole"),
        (lambda: encoded(hand())[:400], "a PNG file that is whole"),
        (
            lambda: base64.b64encode(base64.b64decode(encoded(hand()))[:-60]).decode(),
            "that is whole",
        ),
        (lambda: png(9, 9, rows=b""), "a PNG file that is whole"),
        (_moving, "not several that move"),
        (lambda: encoded(hand(dark=False)), "there is no stroke"),
        (lambda: encoded(Image.new("RGB", (300, 100), "white")), "there is no stroke"),
        (lambda: encoded(Image.new("RGBA", (300, 100), (0, 0, 0, 0))), "there is no stroke"),
        (lambda: encoded(Image.new("1", (2001, 2000))), "4 megapixels"),
        (lambda: png(40_000, 40_000, rows=b""), "4 megapixels"),
        (lambda: png(0, 0), "that is whole"),
    ],
)
def test_what_is_none_is_refused(make: Callable[[], str], said: str) -> None:
    sent = make()
    with pytest.raises(SignaturePictureError, match=said):
        read_signature(sent)


@pytest.mark.parametrize(
    ("kind", "head"), [(b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"a\0\0")]
)
def test_a_bomb_is_not_unpacked(kind: bytes, head: bytes, figure: Figure) -> None:
    sent = png(300, 100, chunk(kind, head + zlib.compress(b"\0" * 60_000_000, 9)))
    assert len(sent) < 200_000
    tracemalloc.start()
    try:
        try:
            kept = opened(read_signature(sent))
        except SignaturePictureError:
            pass
        else:
            assert kept.info == {}
        most = tracemalloc.get_traced_memory()[1]
        figure(f"a signature with 60 MB of text packed into it: {most / 1e6:.1f} MB at most")
        assert most < 16_000_000
    finally:
        tracemalloc.stop()


def test_pixels_beyond_those_that_were_measured_are_not_unpacked() -> None:
    sent = png(10, 10, rows=b"\0" * 60_000_000)
    assert opened(read_signature(sent)).size == (10, 10)
