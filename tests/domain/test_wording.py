"""What pydantic finds wrong is said in our words, with the field that it concerns."""

import ast
from pathlib import Path
from typing import Annotated, Final, Literal

import pytest
from annotated_types import Ge
from pydantic import TypeAdapter, ValidationError

from domain.wording import LAST_RESORT, Matching, all_wrong, words_of

ROOT: Final = Path(__file__).parents[2]


def test_each_rule_over_several_fields_names_them() -> None:
    """What a model validator raises as a plain error would be told of the body as a whole."""
    nameless, seen = [], 0
    for path in sorted([*ROOT.glob("api/**/*.py"), *ROOT.glob("domain/**/*.py")]):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef) or not any(
                "model_validator" in ast.unparse(one) for one in function.decorator_list
            ):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Raise) and node.exc is not None:
                    seen += 1
                    if not ast.unparse(node.exc).startswith("FieldValueError("):
                        nameless.append(f"{path.relative_to(ROOT)} {function.name}")
    assert not nameless
    assert seen > 5


def test_a_field_of_several_kinds_says_them_all() -> None:
    """No kind of pydantic's gets into the path."""
    chosen = TypeAdapter(dict[str, Literal["all", "first"] | list[Annotated[int, Ge(1)]]])
    with pytest.raises(ValidationError) as raised:
        chosen.validate_python({"connectors": "some", "others": [0]})
    found = {one.name: one.words for one in all_wrong(raised.value.errors())}
    assert found == {
        "connectors": "must be 'all' or 'first', or must be a list",
        "others": "must be 'all' or 'first'",
        "others.0": "must be at least 1",
    }


def test_a_text_that_matches_no_pattern() -> None:
    hour = TypeAdapter(Annotated[str, Matching("^[0-9]{2}$", "must be two digits")])
    assert hour.json_schema() == {"type": "string", "pattern": "^[0-9]{2}$"}
    with pytest.raises(ValidationError) as raised:
        hour.validate_python("x")
    assert [one.words for one in all_wrong(raised.value.errors())] == ["must be two digits"]


def test_what_has_no_words_yet_says_none_of_the_library() -> None:
    error = {"type": "url_scheme", "loc": ("body", "url"), "msg": "URL scheme should be 'https'"}
    assert words_of(error) == LAST_RESORT
