"""PNG files: of a hand that has signed, and of those that mean harm."""

import base64
import struct
import zlib
from io import BytesIO

from PIL import Image, ImageDraw


def encoded(image: Image.Image, **named: object) -> str:
    """Write a picture as base64 of a PNG file."""
    file = BytesIO()
    image.save(file, "PNG", **named)
    return base64.b64encode(file.getvalue()).decode()


def hand(
    size: tuple[int, int] = (600, 200), *, mode: str = "RGBA", dark: bool = True
) -> Image.Image:
    """Sign on nothing, or on paper where the mode knows no nothing."""
    drawn = Image.new("RGBA", size, (0, 0, 0, 0))
    across, down = size[0] / 600, size[1] / 200
    points = ((60, 150), (140, 40), (190, 150), (250, 70), (330, 120), (520, 60))
    ImageDraw.Draw(drawn).line(
        [(x * across, y * down) for x, y in points],
        fill=(20, 30, 90, 255) if dark else (255, 255, 255, 255),
        width=7,
        joint="curve",
    )
    if mode == "RGBA":
        return drawn
    paper = Image.new("RGB", size, "white")
    paper.paste(drawn, mask=drawn.getchannel("A"))
    return paper.convert(mode)


def chunk(kind: bytes, data: bytes) -> bytes:
    """Write one chunk (PNG, section 5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes, depth: int = 8, rows: bytes | None = None) -> str:
    """Put a grey PNG file together, with more chunks before its pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * ((width + 1) * height) if rows is None else rows, 9)
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(more)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    ).decode()
