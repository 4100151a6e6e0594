"""Choosing configuration values, and pushing them to a connected charge point."""

from collections.abc import Sequence

import structlog

from api.deps import now
from api.parts import Parts
from domain.audit import Actor, AuditAction
from domain.configuration import ConfigurationResult
from domain.errors import InvalidError, UnavailableError
from domain.parameters import overrides_errors, text_of
from domain.states import ParameterState
from storage.accounts import Account
from storage.audit import Audit
from storage.charge_points import ChargePoints
from storage.connections import live_node
from storage.parameters import Parameters
from storage.runs import Runs

_log = structlog.get_logger()
TAKEN = frozenset(
    {ParameterState.APPLIED, ParameterState.UNCONFIRMED, ParameterState.PENDING_REBOOT}
)


async def choose(
    parts: Parts,
    installer: Account,
    charge_point_id: str,
    choices: Sequence[tuple[str, object]],
    *,
    restart: bool,
    by: Actor,
) -> ConfigurationResult | None:
    """Store the chosen values; push them when the charge point is connected and free.

    Returns None when they were stored only. ``restart``: it may be restarted for them now.

    Raises:
        InvalidError: ``invalid_parameters``, with each wrong field.

    """
    async with parts.database.write() as connection:
        charge_point = await ChargePoints(connection).for_change(
            charge_point_id, installer_id=installer.id
        )
        template = parts.catalogue.resolve(charge_point.vendor, charge_point.model).template
        wrong = overrides_errors(template, choices)
        if wrong:
            raise InvalidError(
                "invalid_parameters", " ".join(field.detail for field in wrong), wrong
            )
        moment = now()
        values = {key: text_of(value) for key, value in choices if isinstance(value, int | str)}
        before = await Parameters(connection).desired(charge_point_id)
        await Parameters(connection).queue(charge_point_id, values, at=moment)
        await Audit(connection, charge_point.project_id).write(
            AuditAction.CONFIGURATION_CHOSEN,
            by,
            target=charge_point_id,
            at=moment,
            before={key: before.get(key) for key in values},
            after=values,
        )
        connected = await live_node(connection, charge_point_id) is not None
        # An open run configures the charge point itself, from the values stored here.
        busy = await Runs(connection).open_run(charge_point_id) is not None
    if not connected or busy:
        return None
    try:
        result = await parts.temporal.push_configuration(charge_point_id, restart=restart)
    except UnavailableError as error:
        # The values are safe; whatever pushes next pushes them too.
        _log.warning("configuration_push_failed", charge_point=charge_point_id, error=str(error))
        return None
    return result if result.pushed else None
