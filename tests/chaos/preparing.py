"""What stands at the site of an experiment, and how it is made ready to be handed over."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Final

from simulator import Fault
from simulator.profile import ABB_TERRA_AC_W22, ALFEN_EVE_SINGLE, Profile
from tests.chaos.caller import Caller
from tests.chaos.fleet import Charger, switched_on
from tests.chaos.installer import Installer
from tests.chaos.site import Site
from tests.chaos.topology import Topology
from tests.support.eventually import eventually

_MIN_AMPS: Final = 6
_OWNER: Final = "owner@site.example"
_LINK: Final = re.compile(r"/invitations/(\S+)")
_COMMISSIONED_SECONDS: Final = 120.0
# It does not give a transaction's message up while a node is away.
_PATIENT = {"TransactionMessageAttempts": "50", "TransactionMessageRetryInterval": "5"}
_MODELS: Sequence[Profile] = (
    replace(ABB_TERRA_AC_W22, boots_on_reconnect=False, configuration=_PATIENT),
    replace(ALFEN_EVE_SINGLE, configuration=_PATIENT),
    replace(ABB_TERRA_AC_W22, configuration=_PATIENT),
    replace(ABB_TERRA_AC_W22, boots_on_reconnect=False, connectors=2, configuration=_PATIENT),
)
# Each takes part, and none may let the site above its limit.
_FIRMWARE: Sequence[frozenset[Fault]] = (
    frozenset(),
    frozenset({Fault.IDLE_SCHEDULE}),
    frozenset({Fault.REFUSES_ZERO}),
    frozenset({Fault.NO_STATION_PROFILE}),
    frozenset({Fault.FORGETS_PROFILES}),
    frozenset({Fault.TAKES_AMPERES, Fault.NO_COMPOSITE_SCHEDULE}),
    frozenset({Fault.ENDS_AT_ZERO}),
    frozenset({Fault.TAKES_WATTS}),
)
_UNBILLABLE = frozenset({Fault.NO_METER_VALUES, Fault.ABSURD_STOP})
"""The first gets these when it is commissioned: what its sessions cost, its owner has to say."""
_TARIFF = {
    "currency": "GBP",
    "elements": [
        {
            "price_components": [
                {"type": "FLAT", "price": "0.50", "vat": "20"},
                {"type": "ENERGY", "price": "0.30", "vat": "20"},
            ]
        }
    ],
}


@asynccontextmanager
async def site(
    installer: Installer, engine: Topology, *, size: int, seed: int, folder: Path
) -> AsyncIterator[Site]:
    """Make a site whose supply carries all of its vehicles but one, ready to be handed over."""
    project = await installer.project(_OWNER)
    models = [
        (_MODELS[number % len(_MODELS)], _FIRMWARE[number % len(_FIRMWARE)])
        for number in range(size)
    ]
    connectors = sum(profile.connectors for profile, _ in models)
    made = Site(project_id=project, limit=connectors * _MIN_AMPS - 4)
    await _prepare(installer, engine, made, folder)
    async with switched_on(
        installer,
        engine.node_ports,
        project=project,
        models=models,
        name="SITE",
        seed=seed,
        listener=made.look,
    ) as chargers:
        made.chargers = chargers
        await asyncio.gather(*(_commission(installer, engine, one) for one in chargers))
        for fault in _UNBILLABLE:
            chargers[0].virtual.add_fault(fault)
        yield made


async def _prepare(installer: Installer, engine: Topology, made: Site, folder: Path) -> None:
    """Set limit and tariff, and let the owner come and admit everybody."""
    path = f"/installer/projects/{made.project_id}"
    await installer.calm("PUT", f"{path}/power", max_amps_per_phase=made.limit, phases=3)
    await installer.calm("PUT", f"{path}/default-tariff", **_TARIFF)
    async with Caller(engine.api_url) as owner:
        await become_owner(owner, installer, made.project_id, _OWNER, folder)
        access = f"/site-owner/projects/{made.project_id}/access"
        await owner.calm("PUT", access, mode="open")


async def become_owner(
    person: Caller, installer: Installer, project_id: str, email: str, folder: Path
) -> None:
    """Let a person come by the invitation, which is the only mail in ``folder``."""
    path = f"/installer/projects/{project_id}/invite-site-owner"
    await installer.calm("POST", path, email=email)
    (mail,) = (folder / "mail").glob("*.eml")
    body = message_from_bytes(mail.read_bytes(), policy=default).get_body(("plain",))
    link = _LINK.search(body.get_content() if body else "")
    assert link is not None
    await person.sign_up("/site-owner/invitations/accept", token=link[1], name="Sam Owner")
    await person.log_in("site-owner", email)


async def _commission(installer: Installer, engine: Topology, charger: Charger) -> None:
    await charger.virtual.until(lambda: charger.virtual.connected)
    run = await installer.start(charger.charge_point_id)

    async def ended() -> None:
        assert await engine.has_ended(run)

    await eventually(ended, within=_COMMISSIONED_SECONDS)
