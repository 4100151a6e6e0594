"""Did the charge point take its configuration?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.checks import Failure
from domain.failures import FailureCode, failure
from domain.operations import DesiredParameter, ParameterOutcome
from domain.parameters import shown
from domain.states import ParameterState

CONFIGURATION_STEP: Final = "configuration."
"""Steps of the handshake about a parameter begin with it; the key follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationVerdict:
    """``reboot`` asks for one restart before judging again; ``notes`` are refusals that pass."""

    reboot: bool
    fatal: frozenset[str] = frozenset()
    """Keys of the parameters that fail it."""
    notes: tuple[str, ...] = ()
    failure: Failure | None = None


def judge_configuration(
    desired: Sequence[DesiredParameter],
    outcomes: Sequence[ParameterOutcome],
    *,
    last_word: bool = False,
) -> ConfigurationVerdict:
    """A required parameter, or a chosen one, that was not taken fails; a mere default is a note.

    What waits for a restart is not taken when it is the charge point's ``last_word``: no restart
    follows any more.
    """
    taken = {ParameterState.APPLIED, ParameterState.UNCONFIRMED}
    if not last_word:
        taken.add(ParameterState.PENDING_REBOOT)
    known = {outcome.key: outcome for outcome in outcomes}
    refused = [
        parameter
        for parameter in desired
        if parameter.key not in known or known[parameter.key].state not in taken
    ]
    fatal = [parameter for parameter in refused if parameter.is_binding]

    def words(parameter: DesiredParameter) -> str:
        outcome = known.get(parameter.key)
        if outcome is None:
            return f"{parameter.key} = {shown(parameter.value)}: nothing was heard of it"
        return describe_refusal(outcome)

    unconfirmed = [
        describe_refusal(outcome)
        for outcome in outcomes
        if outcome.state is ParameterState.UNCONFIRMED
    ]
    return ConfigurationVerdict(
        fatal=frozenset(parameter.key for parameter in fatal),
        reboot=any(outcome.state is ParameterState.PENDING_REBOOT for outcome in outcomes),
        notes=(
            *(words(parameter) for parameter in refused if parameter not in fatal),
            *unconfirmed,
        ),
        failure=failure(
            FailureCode.CONFIGURATION_REJECTED,
            parameters="; ".join(words(parameter) for parameter in fatal),
        )
        if fatal
        else None,
    )


def describe_state(outcome: ParameterOutcome) -> str:
    """Say for the record what is known of a parameter."""
    key, desired = outcome.key, shown(outcome.desired)
    match outcome.state:
        case ParameterState.UNCONFIRMED if outcome.written:
            return f"{key} = {desired} was accepted, and is not reported back."
        case ParameterState.PENDING_REBOOT:
            return f"{key} = {desired} was accepted, and takes effect after a restart."
    if outcome.reported is None:
        return f"{key} is not reported; {desired} is desired."
    return f"{key} is {shown(outcome.reported)}; {desired} is desired."


def describe_refusal(outcome: ParameterOutcome) -> str:
    """Say in words why a parameter has not the desired value, or is not known to have it."""
    reported = "nothing" if outcome.reported is None else shown(outcome.reported)
    said = f" ({outcome.detail.rstrip('.')})" if outcome.detail else ""
    match outcome.state:
        case ParameterState.UNCONFIRMED:
            why = "accepted, and not reported back" if outcome.written else f"not reported{said}"
        case ParameterState.REJECTED if outcome.detail:
            why = f"the charge point did not take the value{said}"
        case ParameterState.REJECTED:
            why = "the charge point rejected the value"
        case ParameterState.NOT_SUPPORTED if outcome.detail:
            why = f"the charge point cannot be told it{said}"
        case ParameterState.NOT_SUPPORTED:
            why = "the charge point does not know this parameter"
        case ParameterState.READ_ONLY:
            why = f"read-only, the charge point has {reported}"
        case ParameterState.PENDING_REBOOT:
            why = "takes effect after a restart"
        case ParameterState.QUEUED:
            why = f"the charge point gave no answer{said}"
        case _:
            why = f"the charge point reports {reported}"
    return f"{outcome.key} = {shown(outcome.desired)}: {why}"
