"""Who may charge while there is no connection: those of the local list, and those it has seen."""

from http import HTTPStatus

import pytest

from simulator import VirtualChargePoint
from tests.simulator.central_system import CentralSystem, Payload
from tests.simulator.conftest import PowerUp

LISTED, OTHER = "AB12", "CD34"


def entries(*tags: str) -> list[Payload]:
    return [{"idTag": tag, "idTagInfo": {"status": "Accepted"}} for tag in tags]


async def send(
    central: CentralSystem, version: int, kind: str = "Full", *tags: str, **entry: Payload
) -> str:
    answer = await central.call(
        "SendLocalList",
        listVersion=version,
        updateType=kind,
        localAuthorizationList=[*entries(*tags), *entry.values()],
    )
    return str(answer["status"])


async def offline(central: CentralSystem, charge_point: VirtualChargePoint) -> None:
    """Until it has noticed that the link is gone, which it is for a while."""
    central.refuse_with = HTTPStatus.SERVICE_UNAVAILABLE
    await central.hang_up()
    await charge_point.until(lambda: not charge_point.connected)


def starts(charge_point: VirtualChargePoint, tag: str) -> bool:
    charge_point.plug_in()
    charge_point.present_card(tag)
    began = [one.id_tag for one in charge_point.transactions]
    charge_point.unplug()
    assert began in ([], [tag])
    return bool(began)


async def test_a_listed_tag_charges_offline_in_any_case_and_no_other(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    await central.seen("StatusNotification", 2)
    assert await send(central, 1, "Full", LISTED) == "Accepted"
    await offline(central, charge_point)
    assert not starts(charge_point, OTHER)
    assert starts(charge_point, LISTED.lower())


@pytest.mark.parametrize(
    ("key", "value", "listed", "other"),
    [
        ("LocalAuthListEnabled", "false", False, False),
        ("LocalAuthorizeOffline", "false", False, False),
        ("AllowOfflineTxForUnknownId", "true", True, True),
    ],
)
async def test_its_keys_say_who_charges_offline(
    central: CentralSystem, power_up: PowerUp, key: str, value: str, *, listed: bool, other: bool
) -> None:
    charge_point = power_up()
    await central.seen("StatusNotification", 2)
    await send(central, 1, "Full", LISTED)
    await central.call("ChangeConfiguration", key=key, value=value)
    await offline(central, charge_point)
    assert starts(charge_point, LISTED) is listed
    assert starts(charge_point, OTHER) is other


async def test_what_was_accepted_once_charges_offline_until_the_cache_is_cleared(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    await central.seen("StatusNotification", 2)
    charge_point.present_card(OTHER)
    await central.seen("Authorize")
    await charge_point.until(lambda: charge_point.status(1) == "Preparing")
    await central.call("ClearCache")
    charge_point.plug_in()
    await central.seen("StartTransaction")
    charge_point.unplug()
    await central.seen("StopTransaction")
    await offline(central, charge_point)
    assert starts(charge_point, OTHER), "the answer to its start counts, too"
    assert not starts(charge_point, LISTED)


async def test_the_list_outranks_the_cache(central: CentralSystem, power_up: PowerUp) -> None:
    charge_point = power_up()
    await central.seen("StatusNotification", 2)
    charge_point.present_card(LISTED)
    await central.seen("Authorize")
    blocked: Payload = {"idTag": LISTED, "idTagInfo": {"status": "Blocked"}}
    await send(central, 1, "Full", blocked=blocked)
    await offline(central, charge_point)
    assert not starts(charge_point, LISTED)


async def test_a_known_tag_need_not_wait_for_the_answer(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    await central.seen("StatusNotification", 2)
    await send(central, 1, "Full", LISTED)
    await central.call("ChangeConfiguration", key="LocalPreAuthorize", value="true")
    charge_point.plug_in()
    charge_point.present_card(LISTED)
    await central.seen("StartTransaction", idTag=LISTED)
    assert central.found("Authorize") == []


async def test_a_differential_list_adds_and_takes_off(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    assert await send(central, 3, "Full", LISTED) == "Accepted"
    assert await send(central, 3, "Differential", OTHER) == "VersionMismatch"
    assert await send(central, 4, "Differential", OTHER, gone={"idTag": LISTED}) == "Accepted"
    assert charge_point.listed == [OTHER.lower()]
    assert await central.call("GetLocalListVersion") == {"listVersion": 4}


async def test_what_cannot_be_kept_changes_nothing(
    central: CentralSystem, power_up: PowerUp
) -> None:
    charge_point = power_up()
    assert await send(central, 1, "Full", LISTED) == "Accepted"
    assert await send(central, 2, "Full", bare={"idTag": OTHER}) == "Failed"
    assert await send(central, 2, "Full", *(f"T{n}" for n in range(101))) == "Failed"
    await central.call("ChangeConfiguration", key="LocalAuthListEnabled", value="false")
    assert await send(central, 2, "Full", OTHER) == "Failed"
    assert charge_point.listed == [LISTED.lower()]
    assert await central.call("GetLocalListVersion") == {"listVersion": 1}
