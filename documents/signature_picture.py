"""A signature as a picture: a PNG file read within bounds, and written anew, black on white."""

import base64
import binascii
import warnings
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from documents.on_white import on_white

MOST_CHARACTERS: Final = 200_000
"""Of base64: a file of 150 kB."""
MOST_PIXELS: Final = 4_000_000
"""More than any pad has; the picture is measured before it is unpacked."""
_KEPT: Final = (900, 300)
_PREFIX: Final = "data:image/png;base64,"
_INK: Final = 40
"""How much darker than paper what is drawn has to be, of 255."""
_MARGIN: Final = 4


class SignaturePictureError(ValueError):
    """The text is no picture of a signature; it says what it must be."""


def read_signature(text: str) -> str:
    """Take the picture out of a PNG file in base64, with or without the head of a `data:` URL.

    What is transparent becomes white, colours become grey, the space around is cut off, and it is
    at most 900 by 300 pixels. Returns base64 of a PNG file that carries nothing else; read again,
    it is the same.

    Raises:
        SignaturePictureError: It is no such file, is damaged, moves, is too large, or is empty.

    """
    try:
        data = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignaturePictureError("must be base64 of a PNG file") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about size and damaged metadata
            picture = _read(data)
    except SignaturePictureError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise SignaturePictureError("must be a PNG file that is whole") from error
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def _read(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data), formats=("PNG",)) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise _too_large()
        if getattr(image, "is_animated", False):
            raise SignaturePictureError("must be one picture, not several that move")
        grey = on_white(image).convert("L")
    ink = ImageOps.invert(grey).point(lambda value: 255 if value >= _INK else 0).getbbox()
    if ink is None:
        raise SignaturePictureError("must be dark on white, or on nothing: there is no stroke")
    left, top, right, bottom = ink
    cut = grey.crop(
        (
            max(left - _MARGIN, 0),
            max(top - _MARGIN, 0),
            min(right + _MARGIN, width),
            min(bottom + _MARGIN, height),
        )
    )
    cut.thumbnail(_KEPT)
    return cut


def _too_large() -> SignaturePictureError:
    return SignaturePictureError("must have no more than 4 megapixels")
