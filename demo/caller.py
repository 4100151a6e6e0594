"""The installer's and the site owner's HTTP client."""

from typing import Any

import httpx

from demo.account import Account, DemoFailedError

Document = dict[str, Any]


class Caller:
    """Calls the API, and puts each call into the account."""

    def __init__(self, client: httpx.AsyncClient, account: Account) -> None:
        self._client = client
        self._account = account
        self._headers: dict[str, str] = {}

    def use_token(self, token: str) -> None:
        """Send this bearer token from now on."""
        self._headers = {"Authorization": f"Bearer {token}"}

    async def post(self, path: str, body: Document | None = None, *, status: int) -> Any:
        """POST; the answer must have that status."""
        return await self._call("POST", path, body, status=status)

    async def send_photo(self, path: str, photo: bytes) -> None:
        """POST a JPEG, as the body; the answer must be 201."""
        answer = await self._client.post(
            path, content=photo, headers=self._headers | {"Content-Type": "image/jpeg"}
        )
        self._expect("POST", path, answer, status=httpx.codes.CREATED)

    async def submit(self, path: str, fields: dict[str, str]) -> str:
        """Send a form, as a browser does; the answer must be 200."""
        answer = await self._client.post(path, data=fields)
        self._account.request("POST", path, answer.status_code)
        if answer.status_code != httpx.codes.OK:
            raise DemoFailedError(f"The form {path} was answered {answer.status_code}")
        return answer.text

    async def put(self, path: str, body: Document) -> Any:
        """PUT; the answer must be 200."""
        return await self._call("PUT", path, body, status=httpx.codes.OK)

    async def download(self, path: str) -> bytes:
        """GET a file; the answer must be 200."""
        answer = await self._ask("GET", path, None, status=httpx.codes.OK)
        return answer.content

    async def get(self, path: str, *, quiet: bool = False) -> Any:
        """GET; the answer must be 200."""
        return await self._call("GET", path, None, status=httpx.codes.OK, quiet=quiet)

    async def _call(
        self, method: str, path: str, body: Document | None, *, status: int, quiet: bool = False
    ) -> Any:
        return (await self._ask(method, path, body, status=status, quiet=quiet)).json()

    async def _ask(
        self, method: str, path: str, body: Document | None, *, status: int, quiet: bool = False
    ) -> httpx.Response:
        answer = await self._client.request(method, path, json=body, headers=self._headers)
        self._expect(method, path, answer, status=status, quiet=quiet)
        return answer

    def _expect(
        self, method: str, path: str, answer: httpx.Response, *, status: int, quiet: bool = False
    ) -> None:
        if not quiet:
            self._account.request(method, path, answer.status_code)
        if answer.status_code != status:
            raise DemoFailedError(
                f"{method} {path} answered {answer.status_code} instead of {status}: {answer.text}"
            )
