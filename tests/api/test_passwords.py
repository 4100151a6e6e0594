"""Who has no account is not told so by the time that the answer takes."""

from argon2 import PasswordHasher, extract_parameters

from api.security.passwords import Passwords


class Counting(PasswordHasher):
    """Keeps what it was asked to verify."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str | bytes] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
        self.verified.append(hash)
        return super().verify(hash, password)


async def test_an_unknown_account_costs_the_same_work() -> None:
    hasher = Counting()
    passwords = Passwords(hasher)
    known = await passwords.hash("correct horse battery staple")
    assert await passwords.verify(known, "correct horse battery staple")
    assert not await passwords.verify(known, "wrong")
    assert not await passwords.verify(None, "wrong")
    passwords.close()
    _, wrong, nobody = hasher.verified
    assert wrong == known
    assert extract_parameters(str(nobody)) == extract_parameters(known)
