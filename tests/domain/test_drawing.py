"""A drawn signature is pen strokes, whatever is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.drawing import DrawingError, read_drawing


def test_lines_and_curves_become_strokes() -> None:
    drawing = read_drawing("M0,0 10 0L10-5 M 20 20 Q 30 0 40 20 C 40 30 50 30 50 20")
    first, second = drawing.strokes
    assert first == ((0, 0), (10, 0), (10, -5))
    assert second[0] == (20, 20)
    assert second[4] == (30, 10)  # the middle of the arc
    assert second[8] == (40, 20)
    assert second[-1] == (50, 20)
    assert drawing.box == pytest.approx((0, -5, 50, 32.5))


@pytest.mark.parametrize(
    "path",
    [
        "",
        " ",
        "M",
        "M 1",
        "L 1 1 2 2",
        "1 1 2 2",
        "M 0 0 l 5 5",
        "M 0 0 Z",
        "M 0 0 L 1e9 5",
        "M 0 0 L 5 5 <script>",
        "M 0 0 L 9 0",
        "M 0 0 C 1 1 2 2",
        "M 0 0 L nan 1",
        "M 0 0 L 1234567 1",
    ],
)
def test_what_is_no_drawing_is_refused(path: str) -> None:
    with pytest.raises(DrawingError):
        read_drawing(path)


@given(st.text(alphabet="MLQC0123456789.- ,\n", max_size=80))
def test_any_text_is_strokes_or_refused(path: str) -> None:
    try:
        drawing = read_drawing("M 0 0 " + path)
    except DrawingError:
        return
    assert all(drawing.box[2:])
    assert all(drawing.strokes)
