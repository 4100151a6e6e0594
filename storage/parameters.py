"""Configuration values that an installer chose for a charge point, and where each stands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select
from sqlmodel import col

from domain.operations import ParameterOutcome
from domain.ownership import Restart
from domain.rules.restart import restart_intent
from domain.states import ParameterState
from storage.commands import sent_at
from storage.learnt_configuration import forget_reported_keys
from storage.local_lists import forget_list
from storage.models.configuration import Parameter
from storage.read_models import read_model
from storage.rows import At, Repository

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


_stored = read_model(StoredParameter)


class Parameters(Repository):
    """Repository of chosen configuration values."""

    async def queue(self, charge_point_id: str, values: Mapping[str, str], *, at: datetime) -> None:
        """Store values that the charge point has not been told yet.

        What it reported of a key before is kept until it says something newer.
        """
        for key, desired in values.items():
            chosen = {
                "desired": desired,
                "state": ParameterState.QUEUED,
                "chosen_at": at,
                "updated_at": at,
            }
            known = self._of(charge_point_id, is_named(key))
            if not await known.set(detail=None, **chosen):
                await self._rows.add(
                    Parameter, charge_point_id=charge_point_id, variable=key, **chosen
                )

    async def take_back(self, charge_point_id: str, keys: Collection[str]) -> None:
        """Drop chosen values: the template's default counts again, where it has one."""
        await self._of(charge_point_id, is_named(*keys)).remove()

    async def all(self, charge_point_id: str) -> Sequence[StoredParameter]:
        """Every chosen value of a charge point, by key."""
        return await self._rows.read_all(
            select(Parameter.__table__, col(Parameter.variable).label("key"))
            .where(col(Parameter.charge_point_id) == charge_point_id)
            .order_by(col(Parameter.variable)),
            _stored,
        )

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
            which = [is_named(outcome.key), col(Parameter.desired) == outcome.desired]
            if outcome.state is ParameterState.QUEUED:
                which.append(col(Parameter.state) == ParameterState.QUEUED)
            told = {"state": outcome.state, "detail": _cut(outcome.detail, _DETAIL_LENGTH)}
            if outcome.reported is not None:
                told["reported"] = _cut(outcome.reported, _REPORTED_LENGTH)
            await self._of(charge_point_id, *which).set(**told, updated_at=at)

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
        waiting = self._of(charge_point_id, col(Parameter.state) == ParameterState.PENDING_REBOOT)
        await waiting.set(detail=_cut(note, _DETAIL_LENGTH))

    async def forget(self, charge_point_id: str) -> None:
        """Drop every chosen value, when the charge point became another model."""
        await forget_reported_keys(self._connection, charge_point_id)
        await forget_list(self._connection, charge_point_id)
        await self._of(charge_point_id).remove()

    def _of(self, charge_point_id: str, *which: ColumnElement[bool]) -> At:
        return self._rows.those(
            Parameter, col(Parameter.charge_point_id) == charge_point_id, *which
        )


def _cut(text: str | None, length: int) -> str | None:
    return None if text is None else text[:length]
