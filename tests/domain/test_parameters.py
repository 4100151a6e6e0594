import pytest

from domain.catalogue import Parameter, ParameterType, ParameterValue
from domain.parameters import text_of, value_of

INTERVAL = Parameter(
    key="Interval", default=60, type=ParameterType.INTEGER, minimum=5, maximum=90, unit="seconds"
)
CACHE = Parameter(key="Cache", default=True, type=ParameterType.BOOLEAN)
NAME = Parameter(key="Name", default="x", type=ParameterType.STRING)
COUNT = Parameter(key="Count", default=1, type=ParameterType.INTEGER)


@pytest.mark.parametrize(
    ("parameter", "value", "text"),
    [(INTERVAL, 60, "60"), (CACHE, True, "true"), (CACHE, False, "false"), (NAME, "x y", "x y")],
)
def test_text_there_and_back(parameter: Parameter, value: ParameterValue, text: str) -> None:
    assert text_of(value) == text
    assert value_of(parameter, text) == value


def test_text_that_does_not_fit_stays_text() -> None:
    assert value_of(INTERVAL, "soon") == "soon"
    assert value_of(CACHE, "maybe") == "maybe"
