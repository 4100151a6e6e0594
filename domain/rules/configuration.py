"""Did the charge point take its configuration?"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.checks import Failure
from domain.failures import FailureCode, failure
from domain.operations import DesiredParameter, ParameterOutcome
from domain.states import ParameterState


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationVerdict:
    """``reboot`` asks for one restart before judging again; ``notes`` are refusals that pass."""

    reboot: bool
    notes: tuple[str, ...] = ()
    failure: Failure | None = None


def judge_configuration(
    desired: Sequence[DesiredParameter], outcomes: Sequence[ParameterOutcome]
) -> ConfigurationVerdict:
    """A required parameter that was not taken fails; another one leaves a note."""
    required = {parameter.key for parameter in desired if parameter.required}
    refused = [
        outcome
        for outcome in outcomes
        if outcome.state not in {ParameterState.APPLIED, ParameterState.PENDING_REBOOT}
    ]
    reboot = any(outcome.state is ParameterState.PENDING_REBOOT for outcome in outcomes)
    fatal = [outcome for outcome in refused if outcome.key in required]
    return ConfigurationVerdict(
        reboot=reboot,
        notes=tuple(describe_refusal(outcome) for outcome in refused if outcome not in fatal),
        failure=failure(
            FailureCode.CONFIGURATION_REJECTED,
            parameters="; ".join(describe_refusal(outcome) for outcome in fatal),
        )
        if fatal
        else None,
    )


def describe_refusal(outcome: ParameterOutcome) -> str:
    """Say in words why a parameter has not the desired value."""
    reported = "nothing" if outcome.reported is None else outcome.reported
    match outcome.state:
        case ParameterState.REJECTED:
            why = "the charge point rejected the value"
        case ParameterState.NOT_SUPPORTED:
            why = "the charge point does not know this parameter"
        case ParameterState.READ_ONLY:
            why = f"read-only, the charge point has {reported}"
        case ParameterState.PENDING_REBOOT:
            why = "takes effect after a restart"
        case _:
            why = f"the charge point reports {reported}"
    return f"{outcome.key} = {outcome.desired}: {why}"
