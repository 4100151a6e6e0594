"""Import of charge points from a CSV file: all of it or nothing."""

from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col

from api.bodies import MAX_BODY, MAX_FILE
from api.imports.rows import MAX_ROWS, MAX_SHOWN
from storage.engine import Database
from storage.models.projects import Project
from tests.api.callers import Caller, problem
from tests.api.conftest import verify

HEADER = "serial_number,model,vendor,ocpp_version,latitude,longitude,address\n"
CSV = {"Content-Type": "text/csv; charset=utf-8"}
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def send(caller: Caller, project: str, content: str | bytes) -> httpx.Response:
    path = f"/projects/{project}/charge-points/import"
    return await caller.post(path, content=content, headers=CSV)


async def listed(caller: Caller, project: str) -> list[dict[str, Any]]:
    answer = await caller.get("/charge-points", params={"project_id": project, "limit": "200"})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def wrong(caller: Caller, content: str | bytes) -> list[tuple[int, str, str]]:
    """Import into a new project; returns what is wrong, and sees that nothing was imported."""
    project = await caller.project()
    document = problem(await send(caller, project, content), 422, "invalid_rows")
    assert document["total"] == len(document["errors"])
    assert await listed(caller, project) == []
    return [(error["row"], error["field"], error["detail"]) for error in document["errors"]]


async def unreadable(caller: Caller, content: str | bytes) -> str:
    document = problem(await send(caller, await caller.project(), content), 422, "invalid_csv")
    assert document["errors"][0]["field"] == "file"
    return str(document["detail"])


async def test_anonymous(anonymous: Caller) -> None:
    problem(await send(anonymous, "prj_x", "x"), 401, "token_missing")


async def test_registers_every_row(installer: Caller) -> None:
    project = await installer.project()
    answer = await send(
        installer,
        project,
        HEADER
        + 'SN-1,ABB Terra AC W22,ABB,1.6,51.4545,-2.5879,"Bay 3, Car Park A"\n'
        + "SN-2,=HYPERLINK(1),Acmé,,,,\n",
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["total"] == 2
    assert [item["serial_number"] for item in made["items"]] == ["SN-1", "SN-2"]
    for item in made["items"]:
        assert item["ocpp_endpoint"] == f"wss://ocpp.example.com/{item['id']}"
    second, first = await listed(installer, project)  # newest first
    assert [first["id"], second["id"]] == [item["id"] for item in made["items"]]
    assert first["location"] == {
        "latitude": 51.4545,
        "longitude": -2.5879,
        "address": "Bay 3, Car Park A",
    }
    assert (second["model"], second["vendor"]) == ("=HYPERLINK(1)", "Acmé")
    assert second["ocpp_version"] == "1.6"


async def test_the_largest_file(installer: Caller, database: Database) -> None:
    await verify(database, installer.email)
    project = await installer.project()
    place = "x" * 500
    rows = "".join(
        f"{number:0100},{place[:100]},{place[:100]},1.6,51.4545,-2.5879,{place}\n"
        for number in range(MAX_ROWS)
    )
    answer = await send(installer, project, HEADER + rows)
    assert answer.status_code == 201, answer.text[:500]
    assert len({item["id"] for item in answer.json()["items"]}) == MAX_ROWS
    shown = (await installer.get(f"/projects/{project}")).json()
    assert shown["charge_points"]["registered"] == MAX_ROWS


async def test_a_serial_number_that_is_there(installer: Caller) -> None:
    project = await installer.project()
    there = await installer.charge_point(project, serial_number="SN-2")
    answer = await send(installer, project, HEADER + "SN-1,M,V,,,,\n sn-2 ,M,V,,,,\n")
    document = problem(answer, 422, "invalid_rows")
    assert document["errors"] == [
        {
            "row": 3,
            "charge_point_id": there,
            "field": "serial_number",
            "detail": "is in the project already",
        }
    ]
    assert len(await listed(installer, project)) == 1


@on_sqlite
async def test_how_many_connectors_each_has(installer: Caller) -> None:
    project = await installer.project()
    header = "serial_number,model,vendor,connectors\n"
    answer = await send(installer, project, header + "SN-1,M,V,2\nSN-2,M,V,\nSN-3,M,V, 64 \n")
    assert answer.status_code == 201, answer.text
    assert [one["declared_connectors"] for one in await listed(installer, project)] == [64, None, 2]
    named = await wrong(installer, header + "SN-1,M,V,0\nSN-2,M,V,65\nSN-3,M,V,two\nSN-4,M,V,2.5\n")
    assert [(row, field) for row, field, _ in named] == [
        (row, "connectors") for row in (2, 3, 4, 5)
    ]


@on_sqlite
class TestRows:
    async def test_each_wrong_field_is_named(self, installer: Caller) -> None:
        content = HEADER + (
            ",M,V,,,,\n"  # row 2
            "SN-1,M,V,,,,\n"
            "SN-2,,V,2.0.1,91,0,\n"
            "\n"
            'SN-3,"A\tB",V,,1.5,,\n'  # row 6
            "sn-1,M,V,,,,\n"
            "SN-4,M,V\n"
            "SN-5,M,V,,1e1,NaN,\n"
            'SN-6,M,V,,,,"Bay\n3"\n'  # one row on two lines
            "SÑ-7,M,V,,,,\n"
        )
        found = [(row, field) for row, field, _ in await wrong(installer, content)]
        assert found == [
            (2, "serial_number"),
            (4, "model"),
            (4, "ocpp_version"),
            (4, "latitude"),
            (6, "model"),
            (6, "longitude"),
            (7, "serial_number"),
            (8, "row"),
            (9, "latitude"),
            (9, "longitude"),
            (10, "address"),
            (11, "serial_number"),
        ]

    async def test_in_words(self, installer: Caller) -> None:
        content = "serial_number,model,vendor\nSN-1,,V\nSN-1,M,V\nSN-2,M\n"
        assert await wrong(installer, content) == [
            (2, "model", "is required"),
            (3, "serial_number", "is in row 2 too"),
            (4, "row", "has 2 cells where the header has 3"),
        ]

    async def test_the_answer_is_bounded(self, installer: Caller) -> None:
        project = await installer.project()
        rows = "".join(f"SN-{number},,V\n" for number in range(MAX_SHOWN + 1))
        answer = await send(installer, project, f"serial_number,model,vendor\n{rows}")
        document = problem(answer, 422, "invalid_rows")
        assert document["total"] == MAX_SHOWN + 1
        assert len(document["errors"]) == MAX_SHOWN
        assert "1,001 fields are wrong in 1,001 rows. The first 1,000" in document["detail"]
        assert document["rows"] == [
            {"field": "model", "detail": "is required", "rows": list(range(2, MAX_SHOWN + 3))}
        ]

    async def test_every_row_of_the_largest_file_is_named(self, installer: Caller) -> None:
        rows = "SN-1,,\n" * MAX_ROWS
        project = await installer.project()
        answer = await send(installer, project, f"serial_number,model,vendor\n{rows}")
        document = problem(answer, 422, "invalid_rows")
        named = [(group["field"], row) for group in document["rows"] for row in group["rows"]]
        assert len(named) == len(set(named)) == document["total"] == 3 * MAX_ROWS - 1
        assert {row for _, row in named} == set(range(2, MAX_ROWS + 2))
        assert len(answer.content) < MAX_BODY


@on_sqlite
class TestFile:
    @pytest.mark.parametrize(
        "content",
        [
            b"\xef\xbb\xbfserial_number;model;vendor;latitude;longitude\r\nSN-1;M;V;51,5;-2,5\r\n",
            b"serial_number;model;vendor;latitude;longitude\nSN-1;M;V;51.5;-2.5",
            b"Longitude, LATITUDE ,Vendor,Model,Serial_Number\n-2.5,51.5,V,M,SN-1\n,,,,\n",
            b'"longitude","latitude","vendor","model","serial_number"\r-2.5,51.5,V,M,"SN-1"\r',
        ],
        ids=["spreadsheet", "semicolons", "order", "quotes"],
    )
    async def test_as_programs_write_it(self, installer: Caller, content: bytes) -> None:
        project = await installer.project()
        answer = await send(installer, project, content)
        assert answer.status_code == 201, answer.text
        (item,) = await listed(installer, project)
        assert (item["serial_number"], item["model"], item["vendor"]) == ("SN-1", "M", "V")
        assert item["location"] == {"latitude": 51.5, "longitude": -2.5, "address": None}

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "is empty"),
            (b"\xef\xbb\xbf \r\n", "is empty"),
            (b"serial_number,model,vendor\n,,\n", "no row below it"),
            (b"SN-1,M,V\n", "unknown columns in its first row: 'sn-1', 'm', 'v'"),
            (b"serial_number,model,vendor,adress\n1,M,V,A\n", "unknown columns"),
            (b"serial_number,vendor\n1,V\n", "lacks columns in its first row: model"),
            (b"serial_number,model,vendor,model\n1,M,V,M\n", "columns twice: model"),
            (b'serial_number,model,vendor\n1,M,V\n2,"M"x,V\n', "after row 2"),
            (b'serial_number,model,vendor\n1,M,"V', "after row 1"),
            (b"PK\x03\x04\xff\xfe", "not UTF-8"),
            (b"serial_number,model,vendor\n" + b"," * 70_000, "characters in row 2"),
            (b"serial_number,model,vendor\n" + b'"\n",' * 20_000, "characters in row 2"),
            ("serial_number,model,vendor\n1,é,V\n".encode("latin-1"), "not UTF-8"),
            (b"serial_number,model,vendor\n" + b"1,M,V\n" * (MAX_ROWS + 1), "10,000 rows"),
        ],
    )
    async def test_what_cannot_be_read(self, installer: Caller, content: bytes, words: str) -> None:
        assert words in await unreadable(installer, content)

    async def test_something_else_than_csv(self, installer: Caller) -> None:
        path = f"/projects/{await installer.project()}/charge-points/import"
        problem(await installer.post(path, {"rows": []}), 415, "not_csv")

    async def test_a_file_may_be_larger_than_other_bodies(self, installer: Caller) -> None:
        project = await installer.project()
        content = b"serial_number,model,vendor\n1,M,V\n"
        blank = b"\n" * (MAX_FILE - len(content))
        assert (await send(installer, project, content + blank)).status_code == 201
        answer = await send(installer, project, content + blank + b"\n")
        assert "12 MiB" in problem(answer, 413, "body_too_large")["detail"]

    async def test_not_into_a_project_that_was_handed_over(
        self, installer: Caller, handed_over: str
    ) -> None:
        answer = await send(installer, handed_over, HEADER + "SN-1,M,V,,,,\n")
        problem(answer, 403, "project_handed_over")


@pytest.fixture
async def handed_over(installer: Caller, database: Database) -> str:
    project = await installer.project()
    async with database.write() as connection:
        await connection.execute(
            update(Project).where(col(Project.id) == project).values(status="handed_over")
        )
    return project
