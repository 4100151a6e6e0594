"""What the deletion of an account needs, leaves and is refused for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.states import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class InTheWay:
    """Why an account cannot be deleted yet, and what to do about it."""

    code: str
    detail: str
    project_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptData:
    """What stays after an account is deleted, why, and for how long."""

    what: str
    why: str
    until: str


_ENGINE_ROOM: Final = KeptData(
    what="The id of the account, without name, e-mail and password",
    why="Other people's records point to it.",
    until="As long as those records.",
)
_TRAIL: Final = KeptData(
    what="Who did what in a project, with e-mail and address",
    why="It is the evidence of who has tested and changed an installation.",
    until="Until the personal data of the project are erased.",
)

KEPT: Final[Mapping[Role, Sequence[KeptData]]] = {
    Role.INSTALLER: (
        _ENGINE_ROOM,
        _TRAIL,
        KeptData(
            what="Certificates and service visits with your name and signature",
            why="They are the owner's proof that the installation was tested, and by whom.",
            until="Certificates for good; the rest until the project's personal data are erased.",
        ),
    ),
    Role.SITE_OWNER: (
        _ENGINE_ROOM,
        _TRAIL,
        KeptData(
            what="Charge detail records, statements and certificates of your sites",
            why="The law on invoices and on electrical installations asks for them.",
            until="As long as that law asks; whoever runs the engine removes them then.",
        ),
        KeptData(
            what="Sessions and readings of your sites, with the id tags of drivers",
            why="The records rest on them.",
            until="Until the personal data of the project are erased; the readings for longer, "
            "without a tag.",
        ),
    ),
}
