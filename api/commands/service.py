"""Who may have a charge point do what, and when: its owner, from the handover on."""

from collections.abc import Sequence
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection

from api.call import Call
from api.commands.schemas import CommandShown
from api.deps import now
from api.parts import Parts
from domain.audit import AuditAction
from domain.commands import Command, CommandName
from domain.errors import ConflictError, NotFoundError
from domain.facts import Snapshot
from domain.power.facts import SiteRequest
from domain.power.reasons import Reason
from domain.states import ChargePointStatus, ProjectStatus
from storage.access import admitted
from storage.audit import Audit
from storage.charge_points import ChargePoint, refuse_withdrawn
from storage.projects import Project
from storage.runs import Runs
from storage.snapshots import read_snapshot


async def send(
    call: Call, project_id: str, command: Command, *, stop_sessions: bool = False
) -> CommandShown:
    """Have a charge point of a site do something; who asked is in the audit trail before it is.

    ``stop_sessions``: it may be restarted while somebody charges.

    Raises:
        NotFoundError: ``connector_not_found``, ``transaction_not_found``.
        ConflictError: ``project_not_handed_over``, ``withdrawn``, ``run_open``, ``charging``,
            ``id_tag_not_admitted``, ``kept_inoperative``, ``not_commissioned``.

    """
    async with call.read() as connection:
        project = await call.project(connection, project_id)
        refuse_not_yet(project)
    if command.name is CommandName.AVAILABILITY and command.operative:
        await _refuse_beyond_the_supply(call.parts, project, command)
    async with call.write() as connection:
        charge_point = await owned_for_service(
            connection, call, project_id, command.charge_point_id
        )
        if await Runs(connection).open_run(command.charge_point_id) is not None:
            raise ConflictError(
                "run_open", "The charge point is being commissioned. Wait for the verdict."
            )
        if charge_point.status is ChargePointStatus.REGISTERED and _opens(command):
            raise ConflictError(
                "not_commissioned",
                "The charge point is not commissioned yet, so it is kept inoperative. Have it "
                "commissioned in a service visit: drivers charge there once its run has passed.",
            )
        await _refuse_what_makes_no_sense(
            connection, project_id, command, stop_sessions=stop_sessions
        )
        await Audit(connection, project_id).write(
            AuditAction.CHARGE_POINT_COMMANDED,
            call.actor,
            target=command.charge_point_id,
            at=now(),
            after=_told(command),
        )
    return CommandShown.of(command, await call.parts.temporal.command(command))


async def owned_for_service(
    connection: AsyncConnection, call: Call, project_id: str, charge_point_id: str
) -> ChargePoint:
    """Lock the project of one charge point that its owner runs, and return that.

    Raises:
        NotFoundError: ``project_not_found``, ``charge_point_not_found``.
        ConflictError: ``project_not_handed_over``, ``withdrawn``.

    """
    refuse_not_yet(await call.project_for_change(connection, project_id))
    charge_point = await call.charge_point(connection, charge_point_id, project_id=project_id)
    refuse_withdrawn(charge_point)
    return charge_point


def refuse_not_yet(project: Project) -> None:
    """Refuse what an owner does from the handover on.

    Raises:
        ConflictError: ``project_not_handed_over``.

    """
    if project.status is not ProjectStatus.HANDED_OVER:
        raise ConflictError(
            "project_not_handed_over",
            "The project is not handed over yet: until then its installer does this.",
        )


async def _refuse_beyond_the_supply(parts: Parts, project: Project, command: Command) -> None:
    load = await parts.temporal.sites.load(SiteRequest(project_id=project.id, name=project.name))
    kept = {one.charge_point_id for one in load.stations if one.reason is Reason.INOPERATIVE}
    if command.charge_point_id in kept:
        raise ConflictError(
            "kept_inoperative",
            "The supply does not carry what this charge point may draw, so it is kept inoperative. "
            "Raise the limit of the supply, or say that its cable is smaller; it becomes operative "
            "by itself then.",
        )


async def _refuse_what_makes_no_sense(
    connection: AsyncConnection, project_id: str, command: Command, *, stop_sessions: bool
) -> None:
    facts = await read_snapshot(connection, command.charge_point_id, now=now())
    known = {one.connector_id for one in facts.connectors} - {0}
    if command.connector_id and known and command.connector_id not in known:
        raise NotFoundError(
            "connector_not_found",
            f"The charge point has no connector {command.connector_id}; it has reported "
            f"{', '.join(map(str, sorted(known)))}.",
        )
    running = _running(facts)
    if command.name is CommandName.RESET and running and not stop_sessions:
        raise ConflictError(
            "charging",
            "Somebody charges there. Wait, or send `stop_sessions`: their sessions end then.",
            transaction_ids=list(running),
        )
    if command.name is CommandName.STOP and command.transaction_id not in running:
        raise NotFoundError(
            "transaction_not_found", "No such session runs at this charge point now."
        )
    if command.name is CommandName.START:
        pair = command.charge_point_id, command.id_tag
        if not await admitted(connection, [pair]):
            raise ConflictError(
                "id_tag_not_admitted",
                "This id tag may not charge here, so its session would be refused. List it with "
                f"PUT …/site-owner/projects/{project_id}/id-tags/{quote(command.id_tag, safe='')}, "
                f"or open the site with PUT …/site-owner/projects/{project_id}/access.",
            )


def _opens(command: Command) -> bool:
    """Whether somebody is to charge there by it."""
    makes_operative = command.name is CommandName.AVAILABILITY and command.operative
    return makes_operative or command.name is CommandName.START


def _running(facts: Snapshot) -> Sequence[str]:
    return [one.transaction_id for one in facts.transactions if one.stopped_at is None]


def _told(command: Command) -> dict[str, object]:
    told: dict[str, object] = {"command": command.name.value, "command_id": command.command_id}
    match command.name:
        case CommandName.AVAILABILITY:
            told |= {"connector_id": command.connector_id, "available": command.operative}
        case CommandName.UNLOCK:
            told |= {"connector_id": command.connector_id}
        case CommandName.RESET:
            told |= {"kind": command.kind.value}
        case CommandName.START:
            told |= {"connector_id": command.connector_id, "id_tag": command.id_tag}
        case CommandName.STOP:
            told |= {"transaction_id": command.transaction_id}
    return told
