"""Who has no account is not told so by the time that the answer takes."""

import asyncio
import threading

import pytest
from argon2 import PasswordHasher, extract_parameters

from api.security.passwords import Passwords
from domain.errors import UnavailableError


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


async def test_whoever_is_known_waits_for_no_stranger() -> None:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    mine = await passwords.hash("correct horse battery staple")
    held = threading.Event()
    strangers = passwords._pools[False]
    for _ in range(strangers._max_workers):
        strangers.submit(held.wait)
    flood = [asyncio.create_task(passwords.verify(None, "wrong")) for _ in range(64)]
    await asyncio.sleep(0)
    try:
        with pytest.raises(UnavailableError, match="Too many people"):
            await passwords.verify(mine, "correct horse battery staple")
        assert await passwords.verify(mine, "correct horse battery staple", known="usr_a")
    finally:
        held.set()
    assert not any(await asyncio.gather(*flood))
    passwords.close()


async def test_who_is_known_waits_for_one_of_each_other_account() -> None:
    hasher = Counting()
    passwords = Passwords(hasher)
    mine, theirs = await passwords.hash("mine"), await passwords.hash("theirs")
    held = threading.Event()
    passwords._pools[True].submit(held.wait)
    flood = [
        asyncio.create_task(passwords.verify(theirs, "theirs", known="usr_b")) for _ in range(64)
    ]
    await asyncio.sleep(0)
    waits = asyncio.create_task(passwords.verify(mine, "mine", known="usr_a"))
    await asyncio.sleep(0)
    held.set()
    assert await waits
    done = await asyncio.gather(*flood, return_exceptions=True)
    passwords.close()
    assert hasher.verified[:2] == [theirs, mine]
    assert sum(one is True for one in done) < 10
    assert all(one is True or isinstance(one, UnavailableError) for one in done)
