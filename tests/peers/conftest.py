"""The engine of `tests/faults/`; runs that the API starts do not wait longer than they must."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from api.commissioning import schemas
from domain.commissioning import RunOptions
from runtime.settings import Settings
from tests.faults.conftest import stage
from tests.faults.stage import PATIENT

__all__ = ["stage"]

_CALL_TIMEOUT = timedelta(seconds=10)
"""A process of its own may be slow where others are busy; that is no silence."""


def _patient_settings(**given: Any) -> Settings:
    return Settings(**(given | {"call_timeout": _CALL_TIMEOUT}))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "RunOptions", partial(RunOptions, pace=PATIENT))
    monkeypatch.setattr("tests.faults.stage.Settings", _patient_settings)
