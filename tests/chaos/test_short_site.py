"""The experiment at a site in short: it is handed over, and bills, while processes are killed."""

from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.experiment import Plan, experiment
from tests.chaos.report import show

_SITE = 3
_PLAN = Plan(seed=3, runs=0, chargers=0, site=_SITE, seconds=12, settle=200)


@pytest.mark.timeout(900)  # more than all that is waited for: the table is always printed
async def test_a_site_keeps_its_limit_and_bills_each_session_once(tmp_path: Path) -> None:
    outcome = await experiment(_PLAN, tmp_path)
    show(outcome, Console(width=140))
    assert {what: which for what, which in outcome.broken.items() if which} == {}
    assert outcome.answers.wrong == []
    assert outcome.kills
    assert outcome.site is not None
    assert outcome.records + outcome.waiting >= len(outcome.site.sessions) >= _SITE
    assert outcome.waiting
    assert outcome.site.moments
