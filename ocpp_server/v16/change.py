"""ChangeConfiguration (OCPP 1.6 §5.3): telling a value, and what the answer means."""

from dataclasses import replace
from typing import Final

from domain.operations import ConfigurationKey, DesiredParameter, ParameterOutcome
from domain.states import ParameterState
from ocpp_server.calls import CallErrorReply, CallTimeoutError, InvalidReplyError
from ocpp_server.restarts import AwaitedRestarts
from ocpp_server.session import Session

_MOST_TIMEOUTS: Final = 2
_STOPPED: Final = "The charge point had stopped answering."
_SHOWN: Final = 40


class ConfigurationWriter:
    """Tells values one by one, and stops when the charge point answers nothing any more."""

    def __init__(self, session: Session, restarts: AwaitedRestarts) -> None:
        self._session = session
        self._restarts = restarts
        self._timeouts = 0
        self._lacks_it: str | None = None
        self.unclear: set[str] = set()
        """Keys that it answered about, and did not say whether it took the value."""

    @property
    def silent(self) -> bool:
        """Whether it has stopped answering."""
        return self._timeouts >= _MOST_TIMEOUTS

    async def write(
        self, parameter: DesiredParameter, reported: ConfigurationKey | None
    ) -> ParameterOutcome:
        """Tell a value; whether it counts shows when it is read back."""
        if self._lacks_it is not None:
            return outcome_of(parameter, reported, ParameterState.NOT_SUPPORTED, self._lacks_it)
        if self.silent:
            return outcome_of(parameter, reported, ParameterState.QUEUED, _STOPPED)
        state, detail = await self._told(parameter)
        return replace(outcome_of(parameter, reported, state, detail), written=True)

    async def _told(self, parameter: DesiredParameter) -> tuple[ParameterState, str | None]:
        key, value = parameter.key, parameter.value
        try:
            answer = await self._session.call("ChangeConfiguration", {"key": key, "value": value})
        except CallTimeoutError as error:
            self._timeouts += 1
            return ParameterState.QUEUED, f"{error}."
        except InvalidReplyError as error:
            self.unclear.add(key)
            return ParameterState.REJECTED, f"{error}."
        except CallErrorReply as error:
            said = f"ChangeConfiguration was answered with the error {error}."
            if error.code == "NotImplemented":
                self._lacks_it = said
                return ParameterState.NOT_SUPPORTED, said
            if error.code == "NotSupported":
                return ParameterState.NOT_SUPPORTED, said
            return ParameterState.REJECTED, said
        match answer.get("status"):
            case "Accepted":
                await self._restarts.applied(key)
                return ParameterState.APPLIED, None
            case "RebootRequired":
                await self._restarts.took(key, value)
                return ParameterState.PENDING_REBOOT, None
            case "Rejected":
                return ParameterState.REJECTED, None
            case "NotSupported":
                return ParameterState.NOT_SUPPORTED, None
            case status:
                self.unclear.add(key)
                said = "nothing" if status is None else repr(str(status)[:_SHOWN])
                return ParameterState.REJECTED, (
                    f"The charge point answered {said}, which does not say whether it took it."
                )


def outcome_of(
    parameter: DesiredParameter,
    reported: ConfigurationKey | None,
    state: ParameterState,
    detail: str | None = None,
) -> ParameterOutcome:
    """Say where a parameter stands."""
    return ParameterOutcome(
        key=parameter.key,
        desired=parameter.value,
        reported=None if reported is None else reported.value,
        state=state,
        detail=detail,
    )
