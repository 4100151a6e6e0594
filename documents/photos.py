"""Photos: read within bounds, and written anew, so that nothing but the picture is kept."""

import hashlib
import warnings
from dataclasses import dataclass
from enum import Enum
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from documents.on_white import on_white

MOST_PIXELS: Final = 8192 * 6144
"""Of a JPEG: what a phone's camera makes at its most, of those that fit into a request.

The largest sensors that are sold as 48 and 50 megapixels have as many; those of 108 and 200 give
12 to 16 unless asked for all, and such a file is too large to be sent. The picture is measured
before it is unpacked.
"""
MOST_UNPACKED: Final = 4096 * 4096
"""Of a PNG or WebP, which no camera makes: they are unpacked whole, where a JPEG is reduced."""
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_SIDE: Final = 1600
_PICTURE: Final = (_SIDE, _SIDE)
_THUMBNAIL: Final = (640, 640)
_REDUCED_AS_THEY_ARE: Final = frozenset({"L", "RGB", "RGBA", "CMYK"})
"""Modes in which pixels can be averaged, without loss to what follows."""
_PICTURE_QUALITY, _THUMBNAIL_QUALITY = 85, 75
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1"})


class PhotoFault(Enum):
    """Why a photo is refused."""

    HEIC = "heic"
    NOT_A_PHOTO = "not_a_photo"
    TOO_MANY_PIXELS = "too_many_pixels"


class PhotoRefusedError(Exception):
    """The bytes are no photo that can be taken."""

    def __init__(self, fault: PhotoFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """A photo as it is kept: JPEG, at most 1600 pixels a side, without metadata."""

    picture: bytes
    thumbnail: bytes
    width: int
    height: int

    @property
    def sha256(self) -> str:
        """Hash of the picture, hex; the same photo has the same."""
        return hashlib.sha256(self.picture).hexdigest()


def read_photo(data: bytes) -> Photo:
    """Take the picture out of a JPEG, PNG or WebP file, upright, and nothing else.

    Position, time, device, owner and whatever else a camera adds are not in what is written anew.

    Raises:
        PhotoRefusedError: It is no such file, it is damaged, or it has too many pixels.

    """
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        raise PhotoRefusedError(PhotoFault.HEIC)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about size and damaged metadata
            return _read(data)
    except PhotoRefusedError:
        raise
    except Image.DecompressionBombError as error:
        raise PhotoRefusedError(PhotoFault.TOO_MANY_PIXELS) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise PhotoRefusedError(PhotoFault.NOT_A_PHOTO) from error


def _read(data: bytes) -> Photo:
    with Image.open(BytesIO(data), formats=_FORMATS) as image:
        width, height = image.size
        if width * height > (MOST_PIXELS if image.format == "JPEG" else MOST_UNPACKED):
            raise PhotoRefusedError(PhotoFault.TOO_MANY_PIXELS)
        longest = max(width, height)
        kept = (width * _SIDE // longest, height * _SIDE // longest)
        image.draft("RGB", kept)  # a JPEG is unpacked no larger than needed
        if image.mode in _REDUCED_AS_THEY_ARE and "transparency" not in image.info:
            image.thumbnail(_PICTURE)  # before anything copies it
        ImageOps.exif_transpose(image, in_place=True)
        picture = on_white(image)
    picture.thumbnail(_PICTURE)
    small = picture.copy()
    small.thumbnail(_THUMBNAIL)
    return Photo(
        picture=_jpeg(picture, _PICTURE_QUALITY),
        thumbnail=_jpeg(small, _THUMBNAIL_QUALITY),
        width=picture.width,
        height=picture.height,
    )


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=quality, optimize=True)
    return file.getvalue()
