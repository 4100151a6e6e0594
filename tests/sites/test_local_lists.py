"""The id tags that an owner admits in the local lists of charge points, through the engine."""

from dataclasses import replace

import pytest

from domain.states import FeatureState
from simulator import Fault, VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22
from tests.faults.stage import Stage
from tests.sites.lists import listed_site
from tests.support.eventually import eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TAGS = [f"TAG{number:02d}" for number in range(12)]
KEPT = "Listed id tags can start (local list version 1, 12 of 12 id tags)."
SEEN = " Id tags that were accepted there before can start, too."


async def test_what_the_owner_lists_is_kept_in_the_charge_point(stage: Stage) -> None:
    async with listed_site(stage) as site:
        assert (await site.offline()).state is FeatureState.PENDING
        await site.put(*TAGS)
        await site.reconcile()
        assert site.charger.listed == sorted(tag.lower() for tag in TAGS)
        await site.says(FeatureState.ACTIVE, KEPT + SEEN)
        history = await site.history()
        assert site.charger.identity in history
        assert not any(tag in history for tag in TAGS)
        sent = site.charger.received["SendLocalList"]
        await site.remove(TAGS[0])
        assert (await site.offline()).state is FeatureState.PENDING
        await site.reconcile()
        assert site.charger.listed == [tag.lower() for tag in TAGS[1:]]
        assert site.charger.received["SendLocalList"] == sent + 1
        await site.says(
            FeatureState.ACTIVE,
            "Listed id tags can start (local list version 2, 11 of 11 id tags)." + SEEN,
        )
        await site.reconciler.reconcile()
        assert site.charger.received["SendLocalList"] == sent + 1


LAST_RESORT = "Only id tags that were accepted there before can start: "
NO_LIST = LAST_RESORT + "it has no local list."
EMPTY = LAST_RESORT + "its local list is empty, as "
OFF = LAST_RESORT + "its local list is switched off (LocalAuthListEnabled is false)."
NEWER, AGAIN, TAKE_OFF = "Newer firmware", "It is asked again", "Take id tags off"
PARTLY = (
    "Listed id tags can start (local list version 1, 5 of 12 id tags)."
    + SEEN
    + " It takes no more (Failed); those that charged last come first."
)

VERDICTS = {
    Fault.NO_LOCAL_LIST: (0, NO_LIST, NEWER),
    Fault.LACKS_LISTS: (0, NO_LIST, NEWER),
    Fault.LIST_VERSION_AS_TEXT: (12, KEPT + SEEN, None),
    Fault.KEEPS_NO_LIST: (
        0,
        EMPTY + "it accepted the newest one, and still reports version 0.",
        AGAIN,
    ),
    Fault.FORGETS_LIST: (12, KEPT + SEEN, None),
    Fault.FULL_LISTS_ONLY: (12, KEPT + SEEN, None),
    Fault.SMALL_LIST: (5, PARTLY, TAKE_OFF),
    Fault.SHORT_LISTS: (12, KEPT.replace("version 1", "version 3") + SEEN, None),
    Fault.LIST_SWITCHED_OFF: (12, KEPT + SEEN, None),
    Fault.LIST_STAYS_OFF: (0, OFF, AGAIN),
    Fault.LIST_AFTER_REBOOT: (0, OFF, AGAIN),
    Fault.MUTE_ON_LIST: (
        0,
        EMPTY + "it did not answer to the newest one (SendLocalList was not answered within 3 s).",
        AGAIN,
    ),
}


@pytest.mark.parametrize("fault", VERDICTS, ids=lambda fault: fault.value)
async def test_what_the_features_say_of_each_fault(stage: Stage, fault: Fault) -> None:
    kept, said, action = VERDICTS[fault]
    async with listed_site(stage, fault) as site:
        await site.put(*TAGS)
        await site.reconcile()
        assert len(site.charger.listed) == kept
        state = FeatureState.ACTIVE if action is None else FeatureState.LIMITED
        await site.says(state, said, action)
        sent = site.charger.received["SendLocalList"]
        await site.reconciler.reconcile()
        assert site.charger.received["SendLocalList"] == sent


async def test_a_listed_driver_charges_while_the_engine_is_away_and_is_billed(
    stage: Stage,
) -> None:
    async with listed_site(stage) as site:
        charger = site.charger
        await site.price("300")
        await site.put("DRIVER01")
        await site.reconcile()
        await site.darken()
        charger.plug_in()
        charger.present_card("STRANGER")
        assert charger.transactions == []
        charger.present_card("driver01")
        [transaction] = charger.transactions
        began = charger.register_wh()
        await eventually(lambda: _has_drawn(charger, began))
        charger.present_card("driver01")
        assert charger.transactions == []
        await site.relight()
        record = await eventually(site.billed)
        assert record.cdr_token.uid == transaction.id_tag
        assert record.total_energy > 0
        assert record.total_cost.excl_vat > 0


async def test_who_was_taken_off_the_list_is_not_remembered_either(stage: Stage) -> None:
    async with listed_site(stage) as site:
        charger = site.charger
        await site.put("DRIVER01", "DRIVER02")
        await site.reconcile()
        charger.plug_in()
        charger.present_card("DRIVER01")
        await charger.until(lambda: len(charger.transactions) == 1)
        charger.present_card("DRIVER01")
        await charger.until(lambda: charger.transactions == [])
        await site.remove("DRIVER01")
        await site.reconcile()
        await site.darken()
        charger.present_card("DRIVER01")
        assert charger.transactions == []
        charger.present_card("DRIVER02")
        assert len(charger.transactions) == 1


async def _has_drawn(charger: VirtualChargePoint, since: float) -> None:
    assert charger.register_wh() > since + 5


async def test_without_a_choice_nothing_is_set_that_nobody_asked_for(stage: Stage) -> None:
    profile = replace(ABB_TERRA_AC_W22, configuration={"LocalAuthorizeOffline": "false"})
    async with listed_site(stage, Fault.LIST_SWITCHED_OFF, profile=profile) as site:
        await site.put("DRIVER01")
        await site.reconcile()
        assert site.charger.received["ChangeConfiguration"] == 1  # LocalAuthListEnabled
        assert site.charger.listed == ["driver01"]
        await site.says(
            FeatureState.LIMITED,
            "Nobody can start: it asks for every id tag (LocalAuthorizeOffline is false).",
            "To have it charge for listed id tags then, too: PUT …/site-owner/projects/",
        )
        await site.choose(mode="listed", offline="listed")
        await site.reconcile()
        assert site.charger.configuration("LocalAuthorizeOffline") == "true"
        await site.says(
            FeatureState.ACTIVE,
            "Listed id tags can start (local list version 2, 1 of 1 id tags)." + SEEN,
        )


async def test_the_owner_chooses_who_charges_then(stage: Stage) -> None:
    async with listed_site(stage) as site:
        await site.put("DRIVER01")
        await site.choose(mode="open", offline="everybody")
        await site.reconcile()
        assert site.charger.configuration("AllowOfflineTxForUnknownId") == "true"
        await site.says(
            FeatureState.ACTIVE,
            "Anybody can start: it admits unknown id tags while it is offline "
            "(AllowOfflineTxForUnknownId).",
        )
        await site.choose(mode="listed")  # who is not admitted any more is not admitted offline
        await site.reconcile()
        assert site.charger.configuration("AllowOfflineTxForUnknownId") == "false"
        assert site.charger.listed == ["driver01"]
        await site.choose(mode="listed", offline="nobody")
        await site.reconcile()
        assert site.charger.listed == []
        assert site.charger.configuration("LocalAuthorizeOffline") == "false"
        await site.says(
            FeatureState.ACTIVE,
            "Nobody can start: it asks for every id tag (LocalAuthorizeOffline is false).",
        )


async def test_a_value_that_was_chosen_for_the_charge_point_stands(stage: Stage) -> None:
    async with listed_site(stage) as site:
        await site.customize("AllowOfflineTxForUnknownId", value=True)
        await site.put("DRIVER01")
        await site.choose(mode="listed", offline="listed")
        await site.reconcile()
        assert site.charger.configuration("AllowOfflineTxForUnknownId") == "true"
        found = await site.offline()
        assert found.state is FeatureState.LIMITED
        assert found.cause is not None
        assert found.cause.startswith("Anybody can start")


async def test_an_open_site_says_who_of_its_drivers_can_start(stage: Stage) -> None:
    async with listed_site(stage) as site:
        await site.choose(mode="open")
        await site.reconcile()
        assert site.charger.received["SendLocalList"] == 0
        await site.says(
            FeatureState.ACTIVE,
            LAST_RESORT + "its local list is empty, as no id tag is listed for it.",
            "To have it charge for everybody then, too: PUT …/site-owner/projects/",
        )


@pytest.mark.parametrize("fault", [Fault.FORGETS_LIST, Fault.LIST_AFTER_REBOOT])
async def test_what_a_restart_has_lost_or_brought_is_sent_then(stage: Stage, fault: Fault) -> None:
    async with listed_site(stage, fault) as site:
        await site.put("DRIVER01")
        await site.reconcile()
        assert site.charger.listed == (["driver01"] if fault is Fault.FORGETS_LIST else [])
        site.charger.power_cycle()
        await site.until_booted(2)
        assert site.charger.listed == []
        await site.reconcile()
        assert site.charger.listed == ["driver01"]


async def test_a_link_that_breaks_at_the_list_is_not_broken_for_ever(stage: Stage) -> None:
    async with listed_site(stage, Fault.DROPS_ON_LIST) as site:
        await site.put("DRIVER01")
        for asked in (1, 2):
            before = await site.generation()
            await site.reconcile()
            await site.until_newer(before)
            assert site.charger.received["SendLocalList"] == asked
        await site.reconciler.reconcile()
        await site.says(
            FeatureState.LIMITED, EMPTY + "its link broke as it was sent the newest one.", AGAIN
        )
        await site.put("DRIVER02")
        await site.reconcile()
        assert site.charger.received["SendLocalList"] == 3


async def test_a_charge_point_that_was_withdrawn_keeps_no_list(stage: Stage) -> None:
    async with listed_site(stage) as site:
        await site.put(*TAGS)
        await site.reconcile()
        await site.order_away()
        await site.take_out()
        await site.charger.until(lambda: not site.charger.connected)
        assert site.charger.listed == []


async def test_one_that_is_to_leave_charges_for_nobody_meanwhile(stage: Stage) -> None:
    async with listed_site(stage) as site:
        await site.put(*TAGS)
        await site.reconcile()
        await site.order_away()
        await site.reconcile()
        assert site.charger.connected
        assert site.charger.listed == []
