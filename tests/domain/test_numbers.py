"""Numbers in sentences."""

import pytest

from domain.rules.numbers import counted, length_of


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 samples"), (1, "1 sample"), (12, "12 samples")]
)
def test_things_are_counted(number: int, said: str) -> None:
    assert counted(number, "sample") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (75.4, "75 s"),
        (599, "599 s"),
        (7_199.7, "120 min"),
        (86_400, "24 h"),
        (1_795_935_600, "20786 days"),  # a clock that stands at 1970
    ],
)
def test_a_length_is_one_that_a_person_can_picture(seconds: float, said: str) -> None:
    assert length_of(seconds) == said
