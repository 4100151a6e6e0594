"""Choosing configuration values, and pushing them to a connected charge point."""

from dataclasses import dataclass, replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from api.call import Call
from api.commands.service import owned_for_service
from api.configuration.schemas import Customization
from api.deps import now
from domain.audit import AuditAction
from domain.choices import Choices
from domain.configuration import ConfigurationResult
from domain.errors import InvalidError, UnavailableError
from domain.parameters import text_of
from domain.states import ParameterState
from storage.audit import Audit
from storage.charge_points import ChargePoint
from storage.connections import live_node
from storage.learnt_configuration import read_reported_keys
from storage.parameters import Parameters
from storage.runs import Runs

_log = structlog.get_logger()
TAKEN = frozenset(
    {ParameterState.APPLIED, ParameterState.UNCONFIRMED, ParameterState.PENDING_REBOOT}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The keys as they are kept, and what became of their values, if they were pushed."""

    keys: tuple[str, ...]
    taken_back: tuple[str, ...]
    result: ConfigurationResult | None = None


async def choose(
    call: Call, charge_point_id: str, wanted: Customization, *, project_id: str | None = None
) -> Chosen:
    """Store the chosen values; push them when the charge point is connected and free.

    The result is None when they were stored only. ``project_id``: of a site owner, who does it
    from the handover on.

    Raises:
        InvalidError: ``invalid_parameters``, with each wrong field.

    """
    choices = [(choice.key, choice.value) for choice in wanted.parameters]
    async with call.write() as connection:
        charge_point = await _for_change(connection, call, charge_point_id, project_id)
        template = call.parts.catalogue.resolve(charge_point.vendor, charge_point.model).template
        before = await Parameters(connection).desired(charge_point_id)
        reported = await read_reported_keys(connection, charge_point_id)
        checked = Choices(template, reported).check(
            choices, take_back=wanted.take_back, chosen=before
        )
        if checked.errors:
            raise InvalidError(
                "invalid_parameters",
                " ".join(field.detail for field in checked.errors),
                checked.errors,
            )
        moment = now()
        values = {key: text_of(value) for key, value in checked.values.items()}
        await Parameters(connection).queue(charge_point_id, values, at=moment)
        await Parameters(connection).take_back(charge_point_id, checked.taken_back)
        concerned = [*values, *checked.taken_back]
        await Audit(connection, charge_point.project_id).write(
            AuditAction.CONFIGURATION_CHOSEN,
            call.actor,
            target=charge_point_id,
            at=moment,
            before={key: before.get(key) for key in concerned},
            after={key: values.get(key) for key in concerned},
        )
        connected = await live_node(connection, charge_point_id) is not None
        # An open run configures the charge point itself, from the values stored here.
        busy = await Runs(connection).open_run(charge_point_id) is not None
    stored = Chosen(keys=tuple(values), taken_back=checked.taken_back)
    if not connected or busy:
        return stored
    try:
        result = await call.parts.temporal.push_configuration(
            charge_point_id, restart=wanted.reboot
        )
    except UnavailableError as error:
        # The values are safe; whatever pushes next pushes them too.
        _log.warning("configuration_push_failed", charge_point=charge_point_id, error=repr(error))
        return stored
    return replace(stored, result=result) if result.pushed else stored


async def _for_change(
    connection: AsyncConnection, call: Call, charge_point_id: str, project_id: str | None
) -> ChargePoint:
    if project_id is None:
        return await call.charge_point_for_change(connection, charge_point_id)
    return await owned_for_service(connection, call, project_id, charge_point_id)
