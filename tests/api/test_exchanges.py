"""Replacing a charge point, and swapping two."""

from typing import Any

import pytest

from storage.engine import Database
from tests.api.callers import Caller, problem
from tests.api.test_charge_points import run_started
from tests.api.test_declarations import DECLARED, add, picture, put
from tests.api.verdicts import judge

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def shown(installer: Caller, identity: str) -> dict[str, Any]:
    answer = await installer.get(f"/charge-points/{identity}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def actions(installer: Caller, project: str) -> list[str]:
    page = (await installer.get(f"/projects/{project}/audit")).json()
    return [entry["action"] for entry in page["items"]]


class TestReplace:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.post("/charge-points/cp_x/replace", {}), 401, "token_missing")

    async def test_the_same_bay_and_both_refer_to_each_other(self, installer: Caller) -> None:
        project = await installer.project()
        old = await installer.charge_point(project)
        await installer.call(
            "PUT", f"/api/v1/installer/charge-points/{old}/electrical", {"max_amps": 16}
        )
        choice = {"parameters": [{"key": "HeartbeatInterval", "value": 30}]}
        await installer.post(f"/charge-points/{old}/config/customize", choice)
        answer = await installer.post(f"/charge-points/{old}/replace", {"serial_number": "NEW"})
        assert answer.status_code == 201, answer.text
        document = answer.json()
        new = document["charge_point"]
        assert new["location"] == document["replaced"]["location"]
        assert new["replaces"] == old
        assert new["status"] == "registered"
        assert new["ocpp_endpoint"].endswith(new["id"])
        assert document["configuration_kept"] == ["HeartbeatInterval"]
        assert (await shown(installer, old))["replaced_by"] == new["id"]
        assert (await shown(installer, old))["status"] == "withdrawn"
        electrical = await installer.get(f"/charge-points/{new['id']}/electrical")
        assert electrical.json()["max_amps"] == 16
        assert "charge_point.replaced" in await actions(installer, project)
        again = await installer.post(f"/charge-points/{old}/replace", {"serial_number": "X"})
        assert problem(again, 409, "already_replaced")["charge_point_id"] == new["id"]
        back = await installer.post(f"/charge-points/{old}/reinstate")
        assert problem(back, 409, "replaced")["charge_point_id"] == new["id"]
        await installer.post(f"/charge-points/{new['id']}/withdraw", {"reason": "Wrong one"})
        assert (await installer.post(f"/charge-points/{old}/reinstate")).status_code == 200

    async def test_what_the_other_model_does_not_have_is_dropped(self, installer: Caller) -> None:
        alfen = {"vendor": "Alfen", "model": "Eve Single Pro-line"}
        old = await installer.charge_point(**alfen)
        values = {"ClockAlignedDataInterval": 300, "HeartbeatInterval": 30}
        choice = {"parameters": [{"key": key, "value": one} for key, one in values.items()]}
        await installer.post(f"/charge-points/{old}/config/customize", choice)
        body = {"serial_number": "NEW", "vendor": "ABB", "model": "ABB Terra AC W22"}
        made = (await installer.post(f"/charge-points/{old}/replace", body)).json()
        assert made["configuration_kept"] == ["HeartbeatInterval"]
        assert made["configuration_dropped"] == ["ClockAlignedDataInterval"]
        shown = (await installer.get(f"/charge-points/{made['charge_point']['id']}/config")).json()
        chosen = [one["key"] for one in shown["parameters"] if one["customized"]]
        assert chosen == ["HeartbeatInterval"]

    async def test_another_unit_of_the_model_has_its_connectors_and_its_choices(
        self, installer: Caller
    ) -> None:
        old = await installer.charge_point(connectors=2)
        choice = {"parameters": [{"key": "MeterValuesSampledData", "value": "Voltage"}]}
        await installer.post(f"/charge-points/{old}/config/customize", choice)
        body = {"serial_number": "NEW"}
        made = (await installer.post(f"/charge-points/{old}/replace", body)).json()
        assert made["configuration_kept"] == ["MeterValuesSampledData"]
        assert made["charge_point"]["declared_connectors"] == 2
        other = {"serial_number": "OTHER", "model": "Terra 54", "vendor": "ABB"}
        new = made["charge_point"]["id"]
        made = (await installer.post(f"/charge-points/{new}/replace", other)).json()
        assert made["configuration_dropped"] == ["MeterValuesSampledData"]
        assert made["charge_point"]["declared_connectors"] is None

    async def test_by_itself(self, installer: Caller) -> None:
        old = await installer.charge_point()
        body = {"serial_number": "cp-sn-00483921"}
        problem(await installer.post(f"/charge-points/{old}/replace", body), 409, "same_serial")

    async def test_while_a_run_is_open(self, installer: Caller, database: Database) -> None:
        project = await installer.project()
        old = await installer.charge_point(project)
        await run_started(database, project, old)
        path, body = f"/charge-points/{old}/replace", {"serial_number": "NEW"}
        problem(await installer.post(path, body), 409, "run_open")
        answer = await installer.post(path, body | {"end_run": True})
        assert answer.status_code == 201, answer.text
        assert answer.json()["replaced"]["status"] == "withdrawn"


class TestSwap:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await anonymous.post("/charge-points/swap", {}), 401, "token_missing")

    @pytest.mark.parametrize(
        ("exchange", "first", "status"),
        [
            ("places", ("SN-A", "Bay 2"), "commissioned"),
            ("endpoints", ("SN-B", "Bay 2"), "registered"),
            ("units", ("SN-B", "Bay 1"), "registered"),
        ],
    )
    async def test_what_changes(
        self,
        installer: Caller,
        database: Database,
        exchange: str,
        first: tuple[str, str],
        status: str,
    ) -> None:
        project = await installer.project()
        ids = [
            await installer.charge_point(
                project, serial_number=f"SN-{name}", location={"address": f"Bay {number}"}
            )
            for name, number in (("A", 1), ("B", 2))
        ]
        await installer.patch(f"/charge-points/{ids[0]}", {"serial_number": "CP-SN-00483921"})
        await judge(database, ids[0], project)
        body = {"charge_point_ids": ids, "exchange": exchange}
        answer = await installer.post("/charge-points/swap", body)
        assert answer.status_code == 200, answer.text
        one, other = answer.json()["charge_points"]
        serial = first[0] if first[0] == "SN-B" else "CP-SN-00483921"
        assert (one["serial_number"], one["location"]["address"]) == (serial, first[1])
        assert one["status"] == status
        assert {one["serial_number"], other["serial_number"]} == {"SN-B", "CP-SN-00483921"}
        assert {one["location"]["address"], other["location"]["address"]} == {"Bay 1", "Bay 2"}
        newest = (await installer.get(f"/projects/{project}/audit")).json()["items"][0]
        assert newest["action"] == "charge_points.swapped"
        assert newest["before"][ids[0]]["location"]["address"] == "Bay 1"
        assert newest["after"][ids[0]]["location"]["address"] == first[1]
        assert newest["after"]["exchange"] == exchange

    @pytest.mark.parametrize(("exchange", "moves"), [("places", True), ("units", False)])
    async def test_what_was_declared_and_photographed_stays_with_the_place(
        self, installer: Caller, exchange: str, moves: bool
    ) -> None:
        project = await installer.project()
        one = await installer.charge_point(project)
        other = await installer.charge_point(project, serial_number="B")
        await put(installer, one, DECLARED)
        blue = (await add(installer, one, picture())).json()["id"]
        red = (await add(installer, other, picture(colour="red"))).json()["id"]
        await installer.put(f"/projects/{project}/checklist", {"checklist": "generic-1"})
        for identity, remark in ((one, "of one"), (other, "of other")):
            said = {"item": "enclosure", "answer": "compliant", "remark": remark}
            await installer.patch(f"/charge-points/{identity}/checklist", {"answers": [said]})
        body = {"charge_point_ids": [one, other], "exchange": exchange}
        answer = await installer.post("/charge-points/swap", body)
        assert answer.status_code == 200, answer.text

        async def there(identity: str) -> tuple[str | None, list[str], str]:
            answers = (await installer.get(f"/charge-points/{identity}/checklist")).json()["items"]
            declared = (await installer.get(f"/charge-points/{identity}/declaration")).json()
            shown = (await installer.get(f"/charge-points/{identity}/photos")).json()["items"]
            return declared["notes"], [photo["id"] for photo in shown], answers[0]["remark"]

        found = {one: await there(one), other: await there(other)}
        first, second = (DECLARED["notes"], [blue], "of one"), (None, [red], "of other")
        assert found == ({one: second, other: first} if moves else {one: first, other: second})

    async def test_the_same_photo_of_both(self, installer: Caller) -> None:
        project = await installer.project()
        ids = [await installer.charge_point(project, serial_number=serial) for serial in ("A", "B")]
        for identity in ids:
            await add(installer, identity, picture())
        body = {"charge_point_ids": ids, "exchange": "places"}
        answer = await installer.post("/charge-points/swap", body)
        assert answer.status_code == 200, answer.text

    async def test_what_cannot_be_swapped(
        self, installer: Caller, stranger: Caller, database: Database
    ) -> None:
        project = await installer.project()
        one = await installer.charge_point(project)
        other = await installer.charge_point(project, serial_number="B")
        elsewhere = await installer.charge_point()
        foreign = await stranger.charge_point()

        async def swap(*ids: str) -> Any:
            body = {"charge_point_ids": list(ids), "exchange": "places"}
            return await installer.post("/charge-points/swap", body)

        problem(await swap(one, one), 409, "same_charge_point")
        problem(await swap(one, elsewhere), 409, "different_projects")
        problem(await swap(one, foreign), 404, "charge_point_not_found")
        problem(await swap(one, "nothing"), 404, "charge_point_not_found")
        await run_started(database, project, other)
        problem(await swap(one, other), 409, "run_open")
        await installer.post(
            f"/charge-points/{other}/withdraw", {"reason": "Dead", "end_run": True}
        )
        problem(await swap(one, other), 409, "withdrawn")
