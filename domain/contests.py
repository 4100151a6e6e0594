"""Two links that speak as one charge point without a key, both alive: which, and who may stay.

Without a key neither is any proof. Nothing rests on either until a person says which one it is.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter

MOST_LINKS: Final = 4
"""Links of one contest; whoever comes beyond them takes the place of another: see :func:`meet`."""

KEPT_UNASKED: Final = timedelta(minutes=5)
"""For so long after a stranger was let in, none is let in again for whom the kept one, at another
node, would have to be asked anew: each would take it from whom it was kept for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One link of a charge point, on the node that holds its socket."""

    generation: int
    node_id: str
    remote_address: str | None
    connected_at: datetime
    spoke_as: tuple[int, ...] = ()
    """Generations of the links from the same address that it follows in this contest."""
    answered: bool | None = None
    """Whether it is alive; None: it has not been asked yet."""
    adopts: int | None = None
    """The generation by which its socket goes until its node has looked."""

    @property
    def generations(self) -> tuple[int, ...]:
        """All that it spoke as in this contest."""
        adopted = () if self.adopts is None else (self.adopts,)
        return (*self.spoke_as, *adopted, self.generation)

    @property
    def first(self) -> int:
        """The generation by which its address came into this contest."""
        return min(self.generations)

    def is_one_of(self, generations: Collection[int]) -> bool:
        """Whether its socket goes by one of these."""
        return self.generation in generations or self.adopts in generations


@dataclass(frozen=True, kw_only=True, slots=True)
class Contest:
    """The links that speak as a charge point, in the order in which they came.

    ``confirmed_at`` is when both had shown that they live. Before that the older is still being
    asked, and nobody is alarmed.
    """

    since: datetime
    links: tuple[Link, ...]
    confirmed_at: datetime | None = None

    def spoken_by(self, newcomer: Link) -> list[int]:
        """Generations of the links of this one's address."""
        return [
            number
            for link in self.links
            if link.remote_address == newcomer.remote_address
            for number in link.generations
        ]

    @property
    def cause(self) -> str:
        """What is likely wrong, for a person."""
        places = " and ".join(link.remote_address or "an unknown address" for link in self.links)
        return (
            f"{len(self.links)} links speak as this charge point, from {places}. Most likely a "
            "second charge point was given its OCPP endpoint: give each its own. Or somebody else "
            "knows the endpoint."
        )


def how_to_decide(charge_point_id: str, contest: Contest | None = None) -> str:
    """Say what ends a contest, for whoever is in charge of the charge point."""
    there = f"…/charge-points/{charge_point_id}"
    begun = "Several links speak as this charge point, and nothing rests on any until one is kept: "
    if contest is None:
        return (
            f"{begun}GET {there} shows them in `connection.contest`, and POST {there}/links/ with "
            "the number of the right one, and /keep, keeps it. If it is none of them, POST "
            f"{there}/links/disconnect closes them all."
        )
    calls = " or ".join(
        f"POST {there}/links/{link.generation}/keep (from {link.remote_address or 'nowhere'})"
        for link in contest.links
    )
    none = f"If it is none of them, POST {there}/links/disconnect closes them all."
    return f"{begun}{calls}. {none}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ContestNotice:
    """What the people in charge of a charge point are mailed: ``path`` is the API's for it."""

    charge_point_id: str
    serial_number: str
    project_id: str
    project_name: str
    to: tuple[tuple[str, str], ...]
    """Account and address of each."""
    path: str
    contest: Contest


class Refused(StrEnum):
    """Why a newcomer is sent away."""

    ANOTHER_IS_KEPT = "another_link_is_kept"


def why_refused(charge_point_id: str) -> str:
    """Say why another link was kept off, and what ends that, for a person."""
    return (
        "A person has decided that the charge point is the one at another address, and that one is "
        f"there. If this is the right one, POST …/charge-points/{charge_point_id}/links/disconnect "
        "closes the other and takes that decision back; who comes next is asked anew."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """What is there when a newcomer comes: one link that speaks, or a contest, or nobody.

    ``kept`` is the address that a person has last decided for; ``decided``: whether any has.
    ``other_came_at`` is when one from another address was last let in.
    """

    link: Link | None = None
    contest: Contest | None = None
    kept: str | None = None
    decided: bool = False
    other_came_at: datetime | None = None

    @property
    def links(self) -> tuple[Link, ...]:
        """All of them."""
        if self.contest is not None:
            return self.contest.links
        return () if self.link is None else (self.link,)

    @property
    def kept_is_there(self) -> bool:
        """Whether one of them is at the address that a person has last decided for."""
        return self.decided and self.kept in {link.remote_address for link in self.links}

    def has_place(self, link: Link) -> bool:
        """Whether nobody takes its place in a contest, though it be silent.

        It is at the address that a person has decided for, or at the one that spoke before the
        contest began.
        """
        return (self.decided and link.remote_address == self.kept) or link.first == min(
            one.first for one in self.links
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Meeting:
    """What becomes of a newcomer: sent away, part of a contest, or (neither) the one link."""

    refused: Refused | None = None
    contest: Contest | None = None


def meet(
    newcomer: Link,
    present: Present,
    *,
    has_key: bool = False,
    alive: Collection[int] = (),
    gone: Collection[int] = (),
) -> Meeting:
    """Decide on a newcomer; ``alive`` and ``gone`` are generations that were asked just now.

    Who has the key wins, and so does who comes from the address of the link that is there, or from
    the one that a person has decided for. From another address the link that is there is asked, and
    is replaced if it is silent. Once both were alive only a person ends it. One that was kept, at
    another node, is not asked for every stranger: see :data:`KEPT_UNASKED`.

    A contest has few places, one for each address, and who has none gets one of another. Two are
    never taken: see :meth:`Present.has_place`. Of the rest it is that of a silent one, or of the
    address that came last. So strangers from any number of addresses take each other's place, and
    not that of an honest charge point that was there before them; and one that comes after them,
    from an address that nobody knows, is among the links for a person to keep.
    """
    others = [
        replace(link, answered=True if link.is_one_of(alive) else link.answered)
        for link in present.links
        if link.remote_address != newcomer.remote_address
    ]
    before = present.contest
    is_open = before is not None and before.confirmed_at is not None
    if not is_open:
        others = [link for link in others if not link.is_one_of(gone)]
    if has_key or (present.decided and newcomer.remote_address == present.kept and not is_open):
        return Meeting()
    if not others and not is_open:
        return Meeting()
    for link in others:
        is_kept = present.decided and link.remote_address == present.kept
        if is_kept and not is_open and (link.answered or _is_too_soon(newcomer, present)):
            return Meeting(refused=Refused.ANOTHER_IS_KEPT)
    while len(others) >= MOST_LINKS:
        free = [link for link in others if not present.has_place(link)]
        others.remove(max(free, key=lambda link: (link.is_one_of(gone), link.first)))
    same = [link for link in present.links if link.remote_address == newcomer.remote_address]
    joined = replace(
        newcomer,
        answered=True,
        spoke_as=tuple(number for link in same for number in link.generations),
    )
    now = newcomer.connected_at
    confirmed = before.confirmed_at if before is not None else None
    if confirmed is None and all(link.answered for link in others):
        confirmed = now
    return Meeting(
        contest=Contest(
            since=now if before is None else before.since,
            links=(*others, joined),
            confirmed_at=confirmed,
        )
    )


def _is_too_soon(newcomer: Link, present: Present) -> bool:
    """Whether the kept link, which is at another node, was made to show that it lives just now."""
    if present.contest is not None or present.other_came_at is None:
        return False
    return newcomer.connected_at - present.other_came_at < KEPT_UNASKED


def looked(
    contest: Contest, *, alive: Collection[int], gone: Collection[int], at: datetime
) -> Contest:
    """Take what was found of its links; one that is left of those still asked is no contest."""
    if contest.confirmed_at is not None:
        found = [
            replace(one, answered=one.is_one_of(alive))
            if one.is_one_of(gone) or one.is_one_of(alive)  # its node was away for a while
            else one
            for one in contest.links
        ]
        return replace(contest, links=tuple(found))
    links = tuple(
        replace(link, answered=True if link.is_one_of(alive) else link.answered)
        for link in contest.links
        if not link.is_one_of(gone)
    )
    confirmed = at if len(links) > 1 and all(link.answered for link in links) else None
    return replace(contest, links=links, confirmed_at=confirmed)


_LINKS: Final = TypeAdapter(tuple[Link, ...])


def stored(contest: Contest) -> Any:
    """Write the links down, for the row."""
    return list(_LINKS.dump_python(contest.links, mode="json"))


def read(links: Any, *, since: datetime | None, confirmed_at: datetime | None) -> Contest | None:
    """Read them back; None: there is no contest."""
    if not links or since is None:
        return None
    return Contest(since=since, links=_LINKS.validate_python(links), confirmed_at=confirmed_at)
