"""What was odd about a message, in words."""

import pytest

from domain.rules.oddities import in_words


@pytest.mark.parametrize(
    ("action", "what", "refused", "said"),
    [
        ("MeterValues", "a unit is odd", False, "MeterValues was read although a unit is odd."),
        ("", "it is no list", False, "A message was read although it is no list."),
        (
            "",
            "it is no JSON (char 7)",
            True,
            "A message could not be read: it is no JSON (char 7).",
        ),
        ("Authorize", "idTag is missing.", True, "Authorize could not be read: idTag is missing."),
    ],
)
def test_each_is_a_sentence(*, action: str, what: str, refused: bool, said: str) -> None:
    assert in_words(action, what, refused=refused) == said
