import pytest

from domain.catalogue import Parameter, ParameterType, ParameterValue, Template
from domain.parameters import overrides_errors, text_of, value_of

INTERVAL = Parameter(
    key="Interval", default=60, type=ParameterType.INTEGER, minimum=5, maximum=90, unit="seconds"
)
CACHE = Parameter(key="Cache", default=True, type=ParameterType.BOOLEAN)
NAME = Parameter(key="Name", default="x", type=ParameterType.STRING)
COUNT = Parameter(key="Count", default=1, type=ParameterType.INTEGER)
TEMPLATE = Template(
    template_version="1", vendor="ABB", model="X", parameters=(INTERVAL, CACHE, NAME, COUNT)
)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Interval", 5),
        ("Interval", 90),
        ("Cache", False),
        ("Name", "plain text"),
        ("Name", "x" * 500),
        ("Count", -(2**31) + 1),
    ],
)
def test_what_fits(key: str, value: object) -> None:
    assert overrides_errors(TEMPLATE, [(key, value)]) == ()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("Interval", 4, "between 5 and 90 seconds"),
        ("Interval", True, "whole number"),
        ("Interval", 5.0, "whole number"),
        ("Interval", "60", "whole number"),
        ("Count", 2**31, "between"),
        ("Cache", "true", "true or false"),
        ("Cache", 0, "true or false"),
        ("Cache", None, "true or false"),
        ("Name", 7, "text"),
        ("Name", "a\nb", "control characters"),
        ("Name", "x" * 501, "500 characters"),
    ],
)
def test_a_wrong_value_is_named(key: str, value: object, words: str) -> None:
    (error,) = overrides_errors(TEMPLATE, [(key, value)])
    assert error.field == "parameters.0.value"
    assert error.detail.startswith(key)
    assert words in error.detail


def test_an_unknown_key_tells_the_known_ones() -> None:
    (error,) = overrides_errors(TEMPLATE, [("interval", 60)])
    assert error.field == "parameters.0.key"
    assert "Interval, Cache, Name, Count" in error.detail


def test_a_key_given_twice() -> None:
    (error,) = overrides_errors(TEMPLATE, [("Interval", 60), ("Interval", 70)])
    assert error.field == "parameters.1.key"


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
