"""Endpoints of configuration and connection test."""

from fastapi import APIRouter

from api.configuration.schemas import (
    ConfigurationShown,
    ConnectionTested,
    Customization,
    Customized,
    ParameterKeyShown,
    ParameterShown,
    Rejection,
    TemplateShown,
)
from api.configuration.service import TAKEN, Chosen, choose
from api.connection_attempts.schemas import ClaimShown
from api.deps import ChargePointId, InstallerCall, now
from api.parts import Parts
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from domain.catalogue import Parameter, ParameterType
from domain.choices import Choices
from domain.connection_attempts import claim_call
from domain.errors import ConflictError
from domain.parameters import value_of
from domain.states import ParameterState
from storage.charge_points import ChargePoint, refuse_withdrawn
from storage.learnt_configuration import read_reported_keys
from storage.parameters import Parameters, StoredParameter

router = APIRouter(prefix="/installer/charge-points/{charge_point_id}", tags=["Configuration"])


@router.get(
    "/config/template",
    summary="Retrieve the configuration template",
    operation_id="getConfigurationTemplate",
)
async def get_template(call: InstallerCall, charge_point_id: ChargePointId) -> TemplateShown:
    """The default configuration of the charge point's model; fetch it before customizing."""
    async with call.read() as connection:
        charge_point = await call.charge_point(connection, charge_point_id)
    entry = call.parts.catalogue.resolve(charge_point.vendor, charge_point.model)
    return TemplateShown.of(entry.template)


@router.get("/config", summary="Show the configuration", operation_id="getConfiguration")
async def get_configuration(
    call: InstallerCall, charge_point_id: ChargePointId
) -> ConfigurationShown:
    """Each parameter with its bounds: what is desired, what was reported, where that stands.

    Those of the template, and those that were chosen beside it; `more_keys` are all that can be
    chosen besides.
    """
    async with call.read() as connection:
        charge_point = await call.charge_point(connection, charge_point_id)
    return await configuration_of(call.parts, charge_point)


@router.post(
    "/config/customize",
    summary="Customize the configuration",
    operation_id="customizeConfiguration",
    response_model_exclude_unset=True,  # as the guide has it
    responses=problems(project_handed_over=HANDED_OVER),
)
async def customize(
    call: InstallerCall, charge_point_id: ChargePointId, body: Customization
) -> Customized:
    """Override parameters to match the site.

    Beside those of the template it takes every standard key of OCPP 1.6 that can be written, and
    as text every other one that this charge point has reported; `GET …/config` lists them. What
    was chosen counts: a commissioning fails where the charge point does not take it. `take_back`
    gives a choice up: the template's default counts again, where it has one.

    A connected charge point is told now, and the answer says what it took, what it rejected and
    why, and whether a reboot is pending. Otherwise the values are stored and answered under
    `queued`; they are pushed when it connects.

    What is stored is the desired state. A value that counts after a reboot gets one, one in all,
    at the next connection, or now with `"reboot": true`; but never while somebody charges: then
    it waits for the end of the charge. `GET …/config` shows where each value stands.
    """
    return customized(charge_point_id, await choose(call, charge_point_id, body))


@router.post("/test-connection", summary="Test the connection", operation_id="testConnection")
async def test_connection(call: InstallerCall, charge_point_id: ChargePointId) -> ConnectionTested:
    """Verify that the charge point can reach the OCPP server, before commissioning starts.

    When it is not connected, `reason` says why in words: it never connected, when it was last
    seen, or why its last attempt was refused. The call of `claim`
    lets in one that tries to connect under another name than its id.
    """
    async with call.read() as connection:
        charge_point = await call.charge_point(connection, charge_point_id)
    return await tested(call.parts, charge_point, claims=True)


_REASONS = {
    ParameterState.REJECTED: "The charge point rejected the value.",
    ParameterState.NOT_SUPPORTED: "The charge point does not know this key.",
    ParameterState.READ_ONLY: "The key is read-only on this charge point.",
    ParameterState.MISMATCH: "The charge point reports another value.",
}


async def configuration_of(parts: Parts, charge_point: ChargePoint) -> ConfigurationShown:
    """Where each parameter of a charge point stands."""
    async with parts.database.read() as connection:
        stored = {row.key: row for row in await Parameters(connection).all(charge_point.id)}
        reported = await read_reported_keys(connection, charge_point.id)
    template = parts.catalogue.resolve(charge_point.vendor, charge_point.model).template
    of_template = {parameter.key for parameter in template.parameters}
    choices = Choices(template, reported)
    return ConfigurationShown(
        charge_point_id=charge_point.id,
        template_version=template.template_version,
        pending_reboot=any(row.state is ParameterState.PENDING_REBOOT for row in stored.values()),
        parameters=[
            _shown(parameter, stored.get(parameter.key)) for parameter in template.parameters
        ]
        + [
            _shown(choices.parameter(key) or _plain(key), row, of_template=False)
            for key, row in stored.items()
            if key not in of_template
        ],
        more_keys=[
            ParameterKeyShown.of(parameter, standard=is_standard)
            for parameter, is_standard in choices.beside_the_template()
            if parameter.key not in stored
        ],
    )


def customized(charge_point_id: str, chosen: Chosen) -> Customized:
    """What became of chosen values."""
    result = chosen.result
    outcomes = {outcome.key: outcome for outcome in (result.parameters if result else ())}
    answer = Customized(
        charge_point_id=charge_point_id,
        applied=[],
        rejected=[],
        queued=[],
        pending_reboot=False,
    )
    if chosen.taken_back:
        answer.taken_back = list(chosen.taken_back)
    for key in chosen.keys:
        outcome = outcomes.get(key)
        if outcome is None or outcome.state is ParameterState.QUEUED:
            answer.queued.append(key)
        elif outcome.state in TAKEN:
            answer.applied.append(key)
            answer.pending_reboot |= outcome.state is ParameterState.PENDING_REBOOT
        else:
            reason = outcome.detail or _REASONS[outcome.state]
            answer.rejected.append(Rejection(key=key, reason=reason))
    return answer


async def tested(parts: Parts, charge_point: ChargePoint, *, claims: bool) -> ConnectionTested:
    """Whether a charge point is reachable now; ``claims``: the caller can let in another name."""
    try:
        refuse_withdrawn(charge_point)
    except ConflictError as refusal:
        return ConnectionTested(
            charge_point_id=charge_point.id,
            connected=False,
            latency_ms=None,
            ocpp_version_negotiated=None,
            tested_at=now(),
            claim=None,
            reason=f"{refusal} Until then its endpoint refuses it.",
        )
    result = await parts.temporal.test_connection(charge_point.id)
    return ConnectionTested(
        charge_point_id=charge_point.id,
        connected=result.connected,
        latency_ms=None if result.latency_ms is None else round(result.latency_ms),
        ocpp_version_negotiated=result.ocpp_version_negotiated,
        tested_at=now(),
        reason=result.reason,
        claim=None
        if result.identity is None or not claims
        else ClaimShown.of(
            claim_call(
                project_id=charge_point.project_id,
                charge_point_id=charge_point.id,
                identity=result.identity,
            )
        ),
    )


def _plain(key: str) -> Parameter:
    """A chosen key that nobody knows any more: what it may hold is not known."""
    return Parameter(key=key, default="", type=ParameterType.STRING)


def _shown(
    parameter: Parameter, stored: StoredParameter | None, *, of_template: bool = True
) -> ParameterShown:
    return ParameterShown.of(
        parameter,
        default=parameter.default if of_template else None,
        desired=value_of(parameter, stored.desired) if stored else parameter.default,
        reported=stored.reported if stored else None,
        state=stored.state if stored else None,
        customized=stored is not None,
        detail=stored.detail if stored else None,
    )
