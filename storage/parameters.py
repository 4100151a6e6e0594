"""Configuration values that an installer chose for a charge point, and where each stands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from domain.operations import ParameterOutcome
from domain.ownership import Restart
from domain.rules.restart import restart_intent
from domain.states import ParameterState
from storage.commands import sent_at
from storage.learnt_configuration import forget_reported_keys
from storage.local_lists import forget_list
from storage.models.configuration import Parameter

_REPORTED_LENGTH = 2500
_DETAIL_LENGTH = 500


def is_named(*keys: str) -> ColumnElement[bool]:
    """Tell whether a row is of one of these configuration keys of OCPP 1.6."""
    return and_(
        col(Parameter.component) == "",
        col(Parameter.variable).in_(keys),
        col(Parameter.instance) == "",
        col(Parameter.attribute) == "",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredParameter:
    """One chosen value. ``desired`` and ``reported`` are text, as OCPP writes it."""

    key: str
    desired: str
    reported: str | None
    state: ParameterState
    detail: str | None
    chosen_at: datetime
    updated_at: datetime


class Parameters:
    """Repository of chosen configuration values."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def queue(self, charge_point_id: str, values: Mapping[str, str], *, at: datetime) -> None:
        """Store values that the charge point has not been told yet.

        What it reported of a key before is kept until it says something newer.
        """
        for key, desired in values.items():
            changed = await self._connection.execute(
                update(Parameter)
                .where(col(Parameter.charge_point_id) == charge_point_id)
                .where(is_named(key))
                .values(
                    desired=desired,
                    state=ParameterState.QUEUED,
                    detail=None,
                    chosen_at=at,
                    updated_at=at,
                )
            )
            if changed.rowcount == 0:
                await self._connection.execute(
                    insert(Parameter).values(
                        charge_point_id=charge_point_id,
                        variable=key,
                        desired=desired,
                        state=ParameterState.QUEUED,
                        chosen_at=at,
                        updated_at=at,
                    )
                )

    async def take_back(self, charge_point_id: str, keys: Collection[str]) -> None:
        """Drop chosen values: the template's default counts again, where it has one."""
        await self._connection.execute(
            delete(Parameter)
            .where(col(Parameter.charge_point_id) == charge_point_id)
            .where(is_named(*keys))
        )

    async def all(self, charge_point_id: str) -> Sequence[StoredParameter]:
        """Every chosen value of a charge point, by key."""
        rows = await self._connection.execute(
            select(Parameter.__table__)
            .where(col(Parameter.charge_point_id) == charge_point_id)
            .order_by(col(Parameter.variable))
        )
        return [
            StoredParameter(
                key=row.variable,
                desired=row.desired,
                reported=row.reported,
                state=ParameterState(row.state),
                detail=row.detail,
                chosen_at=row.chosen_at,
                updated_at=row.updated_at,
            )
            for row in rows
        ]

    async def desired(self, charge_point_id: str) -> Mapping[str, str]:
        """Chosen values by key, as text."""
        return {stored.key: stored.desired for stored in await self.all(charge_point_id)}

    async def record(
        self, charge_point_id: str, outcomes: Sequence[ParameterOutcome], *, at: datetime
    ) -> None:
        """Note where the values stand after a push.

        An outcome of a value that the installer has changed since is about the past, and is
        dropped. So is one of a key that was never chosen: the template's default is not a choice.
        One that was not told (again) stays where it was, and what was not reported this time keeps
        what was.
        """
        for outcome in outcomes:
            change = (
                update(Parameter)
                .where(col(Parameter.charge_point_id) == charge_point_id)
                .where(is_named(outcome.key))
                .where(col(Parameter.desired) == outcome.desired)
                .values(
                    state=outcome.state,
                    detail=_cut(outcome.detail, _DETAIL_LENGTH),
                    updated_at=at,
                )
            )
            if outcome.reported is not None:
                change = change.values(reported=_cut(outcome.reported, _REPORTED_LENGTH))
            if outcome.state is ParameterState.QUEUED:
                change = change.where(col(Parameter.state) == ParameterState.QUEUED)
            await self._connection.execute(change)

    async def restart(self, charge_point_id: str) -> Restart | None:
        """Return the restart that values wait for; None when none does."""
        waiting = [
            stored
            for stored in await self.all(charge_point_id)
            if stored.state is ParameterState.PENDING_REBOOT
        ]
        if not waiting:
            return None
        intent = restart_intent(
            charge_point_id, [(value.key, value.desired, value.chosen_at) for value in waiting]
        )
        return Restart(
            intent=intent,
            keys=tuple(value.key for value in waiting),
            told_at=await sent_at(self._connection, intent),
        )

    async def note_restart(self, charge_point_id: str, note: str) -> None:
        """Say beside the values that wait for a restart how that stands."""
        await self._connection.execute(
            update(Parameter)
            .where(col(Parameter.charge_point_id) == charge_point_id)
            .where(col(Parameter.state) == ParameterState.PENDING_REBOOT)
            .values(detail=_cut(note, _DETAIL_LENGTH))
        )

    async def forget(self, charge_point_id: str) -> None:
        """Drop every chosen value, when the charge point became another model."""
        await forget_reported_keys(self._connection, charge_point_id)
        await forget_list(self._connection, charge_point_id)
        await self._connection.execute(
            delete(Parameter).where(col(Parameter.charge_point_id) == charge_point_id)
        )


def _cut(text: str | None, length: int) -> str | None:
    return None if text is None else text[:length]
