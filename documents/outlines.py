"""Some glyphs of a typeface with cubic outlines (CFF), as a TrueType font.

The PDF library embeds any typeface as TrueType, and readers complain of one that is not.
"""

from collections.abc import Iterable
from io import BytesIO
from typing import Final

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

_NOTHING: Final = ".notdef"
_EPOCH: Final = 0
_TOLERANCE: Final = 1.0
"""How far, in units of the typeface, the new outline may lie from the old one."""


def as_truetype(typeface: bytes, points: Iterable[int]) -> bytes:
    """Make a font of the glyphs for these code points, as far as the typeface has them."""
    with TTFont(BytesIO(typeface), lazy=True) as source:
        names = source.getBestCmap()
        cmap = {point: names[point] for point in sorted(points) if point in names}
        order = list(dict.fromkeys((_NOTHING, *cmap.values())))
        outlines, widths = source.getGlyphSet(), source["hmtx"].metrics
        glyphs = {}
        for name in order:
            pen = TTGlyphPen(None)
            outlines[name].draw(Cu2QuPen(pen, _TOLERANCE, reverse_direction=True))
            glyphs[name] = pen.glyph()
        header = source["hhea"]
        made = FontBuilder(source["head"].unitsPerEm, isTTF=True)
        made.updateHead(created=_EPOCH, modified=_EPOCH)
        made.setupGlyphOrder(order)
        made.setupCharacterMap(cmap)
        made.setupGlyf(glyphs)
        made.setupHorizontalMetrics({name: widths[name] for name in order})
        made.setupHorizontalHeader(ascent=header.ascent, descent=header.descent)
        made.setupNameTable({"familyName": source["name"].getDebugName(1), "styleName": "Regular"})
        made.setupOS2(sTypoAscender=header.ascent, sTypoDescender=header.descent)
        made.setupPost()
        made.font.recalcTimestamp = False
        file = BytesIO()
        made.save(file)
    return file.getvalue()
