"""Reading and comparing configuration keys as deployed charge points have them."""

import asyncio
import json
from typing import Any

import pytest

from domain import operations as op
from domain.states import ParameterState
from ocpp_server.v16.configuration import same_value
from tests.ocpp_server.bed import Bed, Wire


@pytest.mark.parametrize(
    ("desired", "reported", "same"),
    [
        ("60", "60", True),
        ("60", "60.0", True),
        ("60", " 60 ", True),
        ("60", "61", False),
        ("true", "True", True),
        ("true", "TRUE", True),
        ("true", "1", True),
        ("false", "0", True),
        ("true", "0", False),
        ("1", "true", False),  # a number was meant
        ("A,B", "A, B", True),
        ("A,B", "B,A", False),
        ("Text", "text", False),
        ("NaN", "nan", False),
        ("x", None, False),
    ],
)
def test_same_value(desired: str, reported: str | None, *, same: bool) -> None:
    assert same_value(desired, reported) is same


async def answer(wire: Wire, keys: dict[str, str], page: int, *, all_keys: bool) -> None:
    """Answer GetConfiguration as a charge point with a page limit does, for ever."""
    while True:
        _, message_id, action, payload = await wire.frame()
        assert action == "GetConfiguration"
        asked: list[str] = payload.get("key") or []
        if not asked and not all_keys:
            await wire.socket.send(f'[4,"{message_id}","NotSupported","",{{}}]')
            continue
        assert len(asked) <= page
        names = asked or list(keys)[:page]
        found: list[dict[str, Any]] = [
            {"key": name, "readonly": True, "value": keys[name]} for name in names if name in keys
        ]
        unknown = [name for name in asked if name not in keys]
        await wire.socket.send(
            json.dumps([3, message_id, {"configurationKey": found, "unknownKey": unknown}])
        )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("all_keys", [True, False])
async def test_what_does_not_come_at_once_is_asked_for_in_pages(
    bed: Bed, *, all_keys: bool
) -> None:
    keys = {"GetConfigurationMaxKeys": "3"} | {f"Key{number}": "1" for number in range(9)}
    keys["NumberOfConnectors"] = "2"
    async with bed.wire() as wire:
        await wire.sync()
        page = 3 if all_keys else 10
        answering = asyncio.create_task(answer(wire, keys, page, all_keys=all_keys))
        outcome = await bed.gateway.apply_configuration(
            op.ApplyConfiguration(
                charge_point_id=bed.charge_point_id,
                parameters=tuple(
                    op.DesiredParameter(key=f"Key{number}", value="1", assertion=True)
                    for number in range(10)
                ),
            )
        )
        answering.cancel()
    states = [parameter.state for parameter in outcome.parameters]
    assert states == [ParameterState.APPLIED] * 9 + [ParameterState.NOT_SUPPORTED]
    assert outcome.number_of_connectors == 2
