"""Configurations that no charge point should have, and what becomes of its run and of others."""

from dataclasses import replace

import pytest

from domain.states import CheckName, RunStatus
from simulator.profile import ABB_TERRA_AC_W22
from tests.faults.stage import Stage

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("said", [str(2**31), "9" * 5_000], ids=["2^31", "5000 digits"])
async def test_a_number_of_connectors_harms_nobody(stage: Stage, said: str) -> None:
    odd = replace(ABB_TERRA_AC_W22, configuration={"NumberOfConnectors": said})
    async with stage.powered(profile=odd) as one, stage.powered() as neighbour:
        run, other = await stage.start(one.identity), await stage.start(neighbour.identity)
        view, beside = await stage.verdict(run), await stage.verdict(other)
    assert (view.status, beside.status) == (RunStatus.COMPLETED, RunStatus.COMPLETED)
    checks = {check.name: check for check in view.checks}
    (note,) = checks[CheckName.OCPP_HANDSHAKE].notes
    shown = said if len(said) <= 30 else said[:30] + "…"
    assert note.startswith(
        f"It reports {shown} as its number of connectors, which is not plausible: "
    )
    seen = [step.name for step in checks[CheckName.CONNECTOR_AVAILABLE].steps]
    assert seen == ["connector.0", "connector.1"]
