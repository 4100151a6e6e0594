"""The engine of `tests/faults/`; runs that the API starts do not wait longer than they must."""

from functools import partial

import pytest

from api.commissioning import schemas
from domain.commissioning import RunOptions
from tests.faults.conftest import stage
from tests.faults.stage import PATIENT

__all__ = ["stage"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "RunOptions", partial(RunOptions, pace=PATIENT))
