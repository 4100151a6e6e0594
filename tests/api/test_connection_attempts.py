"""Refused connections of a charge point."""

from datetime import UTC, datetime, timedelta

from storage.connection_attempts import store_attempts
from storage.engine import Database
from storage.fact_records import RefusedConnection
from tests.api.callers import Caller, problem

AT = datetime(2026, 5, 1, 9, tzinfo=UTC)
REASON = "The charge point offered ocpp2.0.1. Choose OCPP 1.6 JSON."


async def refuse(
    database: Database,
    identity: str,
    *,
    charge_point_id: str | None = None,
    code: str = "unsupported_subprotocol",
    at: datetime = AT,
    count: int = 1,
    reason: str = REASON,
) -> None:
    """Store refused connections, the first ``at``, one a second."""
    async with database.write() as connection:
        await store_attempts(
            connection,
            [
                RefusedConnection(
                    identity=identity,
                    charge_point_id=charge_point_id,
                    at=at + timedelta(seconds=number),
                    code=code,
                    reason=reason,
                    remote_address=f"203.0.113.{7 + number}",
                )
                for number in range(count)
            ],
        )


class TestConnectionAttempts:
    async def test_anonymous(self, anonymous: Caller) -> None:
        answer = await anonymous.get("/charge-points/cp_x/connection-attempts")
        problem(answer, 401, "token_missing")

    async def test_one_that_never_tried(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        answer = await installer.get(f"/charge-points/{identity}/connection-attempts")
        assert answer.json() == {"items": [], "next_cursor": None}

    async def test_says_when_why_and_from_where(
        self, installer: Caller, database: Database
    ) -> None:
        identity = await installer.charge_point()
        other = await installer.charge_point()
        await refuse(database, identity, charge_point_id=identity)
        await refuse(database, other, charge_point_id=other)
        answer = await installer.get(f"/charge-points/{identity}/connection-attempts")
        assert answer.json()["items"] == [
            {
                "at": "2026-05-01T09:00:00.000Z",
                "code": "unsupported_subprotocol",
                "reason": REASON,
                "remote_address": "203.0.113.7",
                "times": 1,
                "first_at": "2026-05-01T09:00:00.000Z",
            }
        ]

    async def test_newest_first_page_by_page(self, installer: Caller, database: Database) -> None:
        identity = await installer.charge_point()
        # The writer of another node may be late: the order is that of time.
        await refuse(database, identity, charge_point_id=identity, at=AT + timedelta(hours=1))
        await refuse(database, identity, charge_point_id=identity, count=4)
        path = f"/charge-points/{identity}/connection-attempts"
        seen: list[str] = []
        cursor: str | None = None
        while True:
            query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
            page = (await installer.get(path, params=query)).json()
            seen += [item["at"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == 4
        assert seen == sorted(seen, reverse=True)

    async def test_those_that_name_no_charge_point_are_the_projects(
        self, installer: Caller, stranger: Caller, database: Database
    ) -> None:
        project, other = await installer.project(), await installer.project()
        attempt = RefusedConnection(
            identity="",
            charge_point_id=None,
            at=AT,
            code="tls_on_plain_port",
            reason="TLS (wss) came to a port that speaks without it (ws).",
            remote_address="203.0.113.7",
            project_id=project,
        )
        async with database.write() as connection:
            await store_attempts(connection, [attempt])
        answer = await installer.get(f"/projects/{project}/connection-attempts")
        assert answer.json()["items"] == [
            {
                "at": "2026-05-01T09:00:00.000Z",
                "code": "tls_on_plain_port",
                "reason": "TLS (wss) came to a port that speaks without it (ws).",
                "remote_address": "203.0.113.7",
                "times": 1,
                "first_at": "2026-05-01T09:00:00.000Z",
            }
        ]
        answer = await installer.get(f"/projects/{other}/connection-attempts")
        assert answer.json()["items"] == []
        answer = await stranger.get(f"/projects/{project}/connection-attempts")
        problem(answer, 404, "project_not_found")

    async def test_a_cursor_of_something_else(self, installer: Caller) -> None:
        identity = await installer.charge_point()
        answer = await installer.get(
            f"/charge-points/{identity}/connection-attempts", params={"cursor": "!"}
        )
        problem(answer, 422, "invalid_cursor")
