"""Following the advice of a failure: what a person does on site, or here by the API.

Nothing but what the failure's action says is done; then the next run has to pass.
"""

from functools import partial

from sqlalchemy import select
from sqlmodel import col

from domain.reported import ConnectorError
from domain.states import ConnectorStatus
from simulator import Fault
from simulator.payload_faults import WRONG_SERIAL
from simulator.profile import ABB_TERRA_AC_W22
from storage.models.facts import Connector
from tests.faults.encores import Act
from tests.support.eventually import eventually

SAMPLED = "MeterValueSampleInterval"
FACTORY = "60"
"""What a charge point samples at before anybody changes it, in seconds."""
APPROVED = ABB_TERRA_AC_W22.firmware


async def on_site(act: Act) -> None:
    """What is broken there is mended there."""
    act.charge_point.clear_fault(act.fault)
    await eventually(partial(_no_connector_is_faulted, act))  # whoever mends it sees the light


async def switched_off_and_on(act: Act) -> None:
    """A restart by hand; what was wrong is still wrong with it, and does no harm then."""
    act.charge_point.power_cycle()
    await act.charge_point.until(lambda: not act.charge_point.connected)
    await act.charge_point.until(lambda: act.charge_point.connected)


async def mended_and_switched_off_and_on(act: Act) -> None:
    """A restart that helps."""
    for fault in act.charge_point.faults:
        act.charge_point.clear_fault(fault)
    await switched_off_and_on(act)


async def its_serial_number_is_corrected(act: Act) -> None:
    """The type plate says what it reports. It is the other way round in test_advice.py."""
    body = {"serial_number": WRONG_SERIAL}
    answer = await act.stage.front.patch(f"/charge-points/{act.charge_point.identity}", body)
    assert answer.is_success, answer.text


async def customised_to_what_it_takes(act: Act) -> None:
    """It never takes a change of this key, so what it has is what it gets."""
    await customised(act, SAMPLED, int(FACTORY))


async def set_back_and_customised(act: Act) -> None:
    """The value that it cannot live with is gone, there and here; the firmware is as it was."""
    act.charge_point.set_back(SAMPLED, FACTORY)
    await customised(act, SAMPLED, int(FACTORY))


async def a_firmware_by_hand(act: Act) -> None:
    """In its vendor's app, or by its vendor."""
    act.charge_point.install_firmware(APPROVED)
    await act.charge_point.until(lambda: not act.charge_point.connected)
    await act.charge_point.until(lambda: act.charge_point.connected)


async def the_download_is_possible(act: Act) -> None:
    act.charge_point.clear_fault(Fault.DOWNLOAD_FAILS)


async def unplugged(act: Act) -> None:
    """The engine has kept trying; now there is nothing left to stop."""
    act.charge_point.unplug()
    act.charge_point.clear_fault(act.fault)


async def customised(act: Act, key: str, value: object) -> None:
    """Choose a value, and see it get there."""
    identity = act.charge_point.identity
    body = {"parameters": [{"key": key, "value": value}]}
    answer = await act.stage.front.post(f"/charge-points/{identity}/config/customize", body)
    assert answer.is_success, answer.text


async def _no_connector_is_faulted(act: Act) -> None:
    async with act.stage.database.read() as connection:
        query = select(Connector.__table__).where(
            col(Connector.charge_point_id) == act.charge_point.identity
        )
        known = (await connection.execute(query)).all()
    told = {one.status for one in known}
    assert not {ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE} & told
    # It may stand beside another status.
    assert {one.error_code for one in known} <= {ConnectorError.NONE}
