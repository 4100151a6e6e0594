"""Every table has an owner, a bound and an age; a new one without them fails here."""

import re

from runtime.settings import Settings
from storage.bounds import BOUNDS
from storage.models.base import TableModel


def test_every_table_has_its_row() -> None:
    assert set(BOUNDS) == set(TableModel.metadata.tables)


def test_each_says_who_how_large_and_for_how_long() -> None:
    assert [name for name, one in BOUNDS.items() if not (one.owner and one.bound and one.age)] == []


def test_the_settings_that_decide_are_there() -> None:
    said = {
        name
        for one in BOUNDS.values()
        for name in re.findall(r"`DYNAMO_(\w+)`", f"{one.bound} {one.age}")
    }
    assert said
    assert said <= {name.upper() for name in Settings.model_fields}
