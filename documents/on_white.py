"""What is transparent in a picture, put on white."""

from typing import Final

from PIL import Image

_DEEP: Final = ("I", "F")
"""How modes of more than 8 bits begin."""


def on_white(image: Image.Image) -> Image.Image:
    """Return the picture in 8-bit red, green and blue; it carries nothing but pixels."""
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or (
        "transparency" in image.info and not image.mode.startswith(_DEEP)
    ):
        layer = image.convert("RGBA")
        flat = Image.new("RGB", layer.size, "white")
        flat.paste(layer, mask=layer.getchannel("A"))
        return flat
    if image.mode.startswith("I"):  # 16 bits, which the library would cut off at 255
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    plain = Image.new("RGB", image.size)
    plain.paste(image.convert("RGB"))
    return plain
