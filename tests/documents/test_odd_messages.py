"""How a certificate counts what broke the standard in the run."""

from dataclasses import replace

import pytest

from documents.certificate.content import content_of
from domain.facts import Irregularity
from tests.documents.reports import PASSED


def odd(*, refused: bool, count: int) -> Irregularity:
    return Irregularity(
        action="MeterValues", what="it is odd", refused=refused, count=count, excerpt=""
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((odd(refused=False, count=3),), "3 repaired"),
        ((odd(refused=True, count=1), odd(refused=True, count=1)), "2 refused"),
        (
            (odd(refused=True, count=1), odd(refused=False, count=1_200)),
            "1 refused, 1,200 repaired",
        ),
    ],
)
def test_they_are_counted_beside_the_run(found: tuple[Irregularity, ...], said: str) -> None:
    assert ("Odd messages", said) in content_of(replace(PASSED, irregularities=found)).run


def test_nothing_is_said_where_all_was_well() -> None:
    assert "Odd messages" not in dict(content_of(PASSED).run)
