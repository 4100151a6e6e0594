"""A simulated day of 40 bays and a mixed fleet: the fuse never trips, and everybody charges.

Charge points that take watts alone, or amperes alone, that refuse 0 A or end their sessions there,
that take no limit of the whole or none of sessions, that do not report what they took, that forget
it, that answer nothing; with one connector, or two behind one cable, on one phase or three. Some
are commissioned once more. Links break, answers are lost, nodes and workers die, the limit rises
and falls. The long version is
``make chaos ARGS="--days 20"``.
"""

import pytest

from domain.facts import EventKind
from simulator import Fault
from tests.domain.power_day import Day


@pytest.mark.parametrize("seed", [4])
async def test_a_day_of_forty_bays(seed: int) -> None:
    day = Day(seed)
    await day.pass_by()  # which looks at each moment
    assert day.never == []
    assert day.hungry == []
    chargers = day.chargers.values()
    assert sum(len(charger.connectors) for charger in chargers) == 40
    assert {fault for charger in chargers for fault in charger.faults} >= {
        Fault.SILENT,
        Fault.TAKES_WATTS,
        Fault.TAKES_AMPERES,
        Fault.REFUSES_ZERO,
        Fault.ENDS_AT_ZERO,
        Fault.IDLE_SCHEDULE,
        Fault.NO_STATION_PROFILE,
        Fault.FORGETS_PROFILES,
    }
    assert day.tested > 10, "some are commissioned once more beside the others"
    assert day.transactions > 200
    assert day.told[EventKind.BOOT] > 20
    assert {"node", "worker"} <= set(day.kills)
    assert day.worst > 300, "what there is is used"
    assert day.pauses > 200, "not all fit at once"
