"""Which errors of the database mean that it is away for the moment, and which are a bug of ours."""

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from api.errors import install_error_handlers


class FakeDriverError(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__("the database system is starting up")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "status"), [("57P03", 503), ("53300", 503), ("08006", 503), ("42703", None)]
)
async def test_a_database_that_is_starting_up_is_a_503(sqlstate: str, status: int | None) -> None:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise DBAPIError("SELECT 1", {}, FakeDriverError(sqlstate))

    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://a.test") as http:
        if status is None:
            with pytest.raises(DBAPIError):
                await http.get("/")
        else:
            assert (await http.get("/")).status_code == status


async def test_an_outage_is_logged_once_and_not_with_each_request() -> None:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise ConnectionRefusedError("Connect call failed")

    with capture_logs() as lines:
        async with AsyncClient(transport=ASGITransport(app=app), base_url="http://a.test") as http:
            answers = [(await http.get("/")).status_code for _ in range(50)]
    assert answers == [503] * 50
    (line,) = lines
    assert line["event"] == "database_away"
    assert isinstance(line["exc_info"], ConnectionRefusedError)
