"""Answers that are kept for a repeat of their request, by the key that the client gave it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlmodel import col

from domain.errors import ConflictError
from storage.models.accounts import KeptAnswer
from storage.rows import At, Repository

MOST: Final = 10_000
"""Keys of an account that are kept: of more than those in a day, the oldest go."""
_FORGOTTEN_AT_ONCE: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Keyed:
    """A request with a key: whose it is, what it is known by, and what it says.

    ``key`` is of account, route and the client's own key, ``fingerprint`` of the body, ``claim`` of
    this one try, so that one that was taken for dead cannot end what another has begun.
    """

    key: str
    account_id: str
    fingerprint: str
    claim: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAnswer:
    """An answer as it is kept; its headers are those that belong to the body and its effect."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class UsedKey:
    """What is known of a key that was used before.

    ``answer`` is None where it was not kept, or was lost; ``reference`` is then the id that it had.
    """

    done_at: datetime
    answer: StoredAnswer | None
    reference: str | None


class KeyInUseError(ConflictError):
    """The first request with the key is still being carried out."""

    def __init__(self, code: str, detail: str, *, retry_after: int) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


def key_in_use(seconds: float) -> KeyInUseError:
    """Make the error that another try has the key, for so long at most."""
    wait = max(1, round(seconds))
    return KeyInUseError(
        "idempotency_key_in_use",
        "The first request with this Idempotency-Key is still being carried out. Repeat it in "
        f"{wait} seconds, with the same key.",
        retry_after=wait,
    )


class KeptAnswers(Repository):
    """Repository of kept answers."""

    async def claim(
        self, keyed: Keyed, *, now: datetime, until: datetime, expires_at: datetime
    ) -> UsedKey | datetime:
        """Take the key for this try, or say what is known of it.

        Returns the moment of the first try, which a try after a crash shares.

        Raises:
            KeyInUseError: Another try has it, until it ends or its time is up.
            ConflictError: ``idempotency_key_reused``: the key was used for something else.

        """
        of_key = self._rows.at(KeptAnswer, keyed.key)
        await self._rows.at(KeptAnswer, keyed.key, col(KeptAnswer.expires_at) <= now).remove()
        moments = {"claimed_until": until, "first_at": now, "expires_at": expires_at}
        if await self._rows.add_if_new(KeptAnswer, keyed, **moments):
            await self._forget_oldest(keyed.account_id)
            return now
        await of_key.lock()
        row = await self._rows.get(KeptAnswer, keyed.key)
        if row.fingerprint != keyed.fingerprint:
            raise ConflictError(
                "idempotency_key_reused",
                "This Idempotency-Key was used for a request with another body. Give each request "
                "a key of its own; a repeat has the same key and the same body.",
            )
        is_claimed = row.status is None and row.claim is not None
        if is_claimed and row.claimed_until is not None and row.claimed_until > now:
            raise key_in_use((row.claimed_until - now).total_seconds())
        if row.done_at is not None:
            answer = None
            if row.status is not None and row.body is not None:
                answer = StoredAnswer(status=row.status, headers=row.headers, body=row.body)
            return UsedKey(done_at=row.done_at, answer=answer, reference=row.reference)
        await of_key.set(claim=keyed.claim, claimed_until=until)
        return row.first_at

    async def done(
        self,
        keyed: Keyed,
        *,
        at: datetime,
        answer: StoredAnswer | None = None,
        reference: str | None = None,
        ended: bool,
    ) -> bool:
        """Note that the effect stands, with its answer once that is known.

        False when the try's time was up and another has the key: then nothing of it may stand.
        """
        values: dict[str, object] = {"done_at": at, "reference": reference}
        if ended:
            values["claim"] = None
        if answer is not None:
            values |= {
                "status": answer.status,
                "headers": dict(answer.headers),
                "body": answer.body,
            }
        return await self._of(keyed).set(**values)

    async def release(self, keyed: Keyed) -> None:
        """Let the next try with this body have the key: this one ended in an error."""
        await self._of(keyed).set(claim=None, claimed_until=None, done_at=None)

    async def forget(self, keyed: Keyed) -> None:
        """Let the key be used for anything: the request was refused."""
        await self._of(keyed).remove()

    async def purge(self, *, before: datetime) -> None:
        """Forget what has expired."""
        await self._rows.those(KeptAnswer, col(KeptAnswer.expires_at) < before).remove()

    async def _forget_oldest(self, account_id: str) -> None:
        oldest = (
            select(col(KeptAnswer.key))
            .where(col(KeptAnswer.account_id) == account_id)
            .order_by(col(KeptAnswer.first_at).desc(), col(KeptAnswer.key))
            .offset(MOST)
            .limit(_FORGOTTEN_AT_ONCE)
        )
        await self._connection.execute(delete(KeptAnswer).where(col(KeptAnswer.key).in_(oldest)))

    def _of(self, keyed: Keyed) -> At:
        """Name its row, while this try has it."""
        return self._rows.at(KeptAnswer, keyed.key, col(KeptAnswer.claim) == keyed.claim)
