"""A picture of a charge point, drawn: the installer of a demo has no camera."""

import io

from PIL import Image, ImageDraw

_SIZE = (960, 720)
_WALL, _FLOOR, _BOX, _DARK, _LIGHT = "#c9cdd2", "#6d747c", "#f4f5f7", "#1d242c", "#27b36a"


def photo_of_a_charge_point() -> bytes:
    """Draw a charge point on its wall, as JPEG."""
    picture = Image.new("RGB", _SIZE, _WALL)
    pen = ImageDraw.Draw(picture)
    for course in range(0, 560, 40):  # bricks
        pen.line((0, course, 960, course), fill="#b6bbc2", width=3)
        for joint in range(-60 * (course // 40 % 2), 960, 120):
            pen.line((joint, course, joint, course + 40), fill="#b6bbc2", width=3)
    pen.rectangle((0, 560, 960, 720), fill=_FLOOR)
    pen.arc((430, 330, 640, 610), 300, 180, fill=_DARK, width=16)  # the cable
    pen.rounded_rectangle((360, 110, 600, 470), radius=36, fill=_BOX, outline=_DARK, width=5)
    pen.rounded_rectangle((400, 160, 560, 250), radius=12, fill=_DARK)
    pen.ellipse((462, 280, 498, 316), fill=_LIGHT)
    pen.ellipse((432, 350, 528, 446), fill=_DARK)
    for number in range(-1, 2):  # the contacts of a Type 2 socket
        pen.ellipse((472 + 24 * number, 380, 488 + 24 * number, 396), fill=_BOX)
        pen.ellipse((472 + 18 * number, 408, 488 + 18 * number, 424), fill=_BOX)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=88)
    return written.getvalue()
