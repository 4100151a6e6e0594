"""A run followed live, on real processes; a server that stops does not wait for listeners."""

import asyncio
import signal
import time
from pathlib import Path

from domain.webhooks import signature
from simulator.charge_point import VirtualChargePoint
from simulator.profile import ABB_TERRA_AC_W22
from tests.support.dynamo import Up
from tests.support.eventually import eventually
from tests.support.guide import Guide
from tests.support.receiver import receiver

SERIAL = "CP-SN-00483921"


async def test_a_run_is_followed_across_a_break_and_a_stop_ends_the_stream(tmp_path: Path) -> None:
    up = await Up.launch(tmp_path, {"DYNAMO_ALLOW_PRIVATE_URLS": "true"})
    try:
        addresses = await up.until_ready()
        async with Guide(addresses["API"].removesuffix("/api/v1")) as guide, receiver() as hook:
            secret = (await guide.post("/installer/webhooks", 201, url=hook.url))["secret"]
            charge_point = await guide.charge_point(await guide.project("o@example.com"), SERIAL)
            endpoint = addresses["OCPP"].replace("<charge point id>", charge_point)
            virtual = VirtualChargePoint(ABB_TERRA_AC_W22, endpoint, serial=SERIAL, speed=20)
            plugged = asyncio.create_task(virtual.run())
            run = (await guide.start(charge_point))["commissioning_id"]
            before: list[str] = []
            async with guide.followed(charge_point) as events:
                async for one in events:
                    before += [one.id] if one.id else []
                    if one.event == "check_ended":
                        break
            after: list[str] = []
            async with guide.followed(charge_point, last=before[-1]) as events:
                async for one in events:
                    after += [one.id] if one.id else []
                    if one.event == "verdict":
                        break
                assert one.data == await guide.status(charge_point)
                assert one.data["status"] == "completed", one.data
                *numbers, verdict = [*before, *after]
                assert numbers == [f"{run}/{n}" for n in range(1, len(numbers) + 1)]
                assert verdict == f"{run}/verdict"

                def arrived() -> None:
                    assert [call.event["type"] for call in hook.received] == [
                        "commissioning.completed"
                    ]

                await eventually(arrived)
                (call,) = hook.received
                assert call.event["data"]["commissioning_id"] == run
                assert call.headers["webhook-signature"] == signature(
                    secret,
                    event_id=call.headers["webhook-id"],
                    timestamp=int(call.headers["webhook-timestamp"]),
                    body=call.body,
                )

                began = time.monotonic()
                up.process.send_signal(signal.SIGINT)
                assert [(one.event, one.data["code"]) async for one in events] == [
                    ("closing", "shutting_down")
                ]
                assert time.monotonic() - began < 5  # half of what requests in hand are given
            plugged.cancel()
            await asyncio.gather(plugged, return_exceptions=True)
        assert await up.stop(signal.SIGINT) == 0
    finally:
        await up.stop()
