"""Endpoints of tariffs: the owner's own, and the installer's default before them."""

from api.billing.schemas import NewTariff, TariffShown
from api.deps import AnyCall, ProjectId, now, router_of
from api.pagination import Page, Paging
from api.plausibility import audit_confirmed, confirmed, kinds_of
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from domain.billing.tariff import TariffVersion
from domain.errors import FieldError, InvalidError, NotFoundError
from domain.ids import Prefix, new_id
from domain.states import Role
from storage.audit import Audit
from storage.billing_activation import BillingActivation
from storage.charge_points import ChargePoints
from storage.tariffs import StoredTariff, Tariffs

owner_router = router_of(Role.SITE_OWNER, "/projects/{project_id}", tag="Billing")
installer_router = router_of(Role.INSTALLER, "/projects/{project_id}", tag="Billing")


@installer_router.put(
    "/default-tariff",
    summary="Set a default tariff",
    operation_id="setDefaultTariff",
    description="Let a tariff hold until the site owner sets another; possible until then.",
    responses=problems(
        project_handed_over=HANDED_OVER, tariff_set_by_owner="The site owner has set a tariff."
    ),
)
@owner_router.put(
    "/tariff",
    summary="Set the tariff",
    operation_id="setTariff",
    responses=problems(currency_fixed="The project bills in another currency already."),
)
async def set_tariff(call: AnyCall, project_id: ProjectId, body: NewTariff) -> TariffShown:
    """Let a tariff hold from now on, or from a moment to come; those before it are kept.

    A session that runs then costs the old prices until that moment, and the new ones after it. What
    was billed stays as it was billed.
    """
    at = now()
    valid_from = body.valid_from or at
    if valid_from < at:
        detail = "must not lie in the past, which is billed already; leave it out for now"
        raise InvalidError(
            "invalid_input",
            f"valid_from: {detail}.",
            (FieldError(field="valid_from", detail=detail),),
        )
    new = StoredTariff(
        version=TariffVersion(
            id=new_id(Prefix.TARIFF), valid_from=valid_from, tariff=body.prices()
        ),
        set_by=call.account.id,
        set_as=call.account.role,
        created_at=at,
    )
    async with call.write() as connection:
        if call.account.role is Role.INSTALLER:
            await call.project_for_change(connection, project_id, lead=True)
        else:
            await call.project(connection, project_id)
        kinds = kinds_of(
            call.parts.catalogue, await ChargePoints(connection).devices_of(project_id)
        )
        questions = call.parts.plausibility.ask_prices(new.version.tariff, kinds)
        meant = confirmed(questions, body.confirm)
        await Tariffs(connection, project_id).add(new, by=call.actor)
        await audit_confirmed(
            Audit(connection, project_id), call.actor, meant, target=new.version.id, at=at
        )
        await BillingActivation(connection, project_id).begin(at=at)
    return TariffShown.of(new)


@installer_router.get(
    "/default-tariff",
    summary="Show the tariff of now",
    operation_id="getDefaultTariff",
    description="The version that holds now, the owner's own included.",
)
@owner_router.get("/tariff", summary="Show the tariff of now", operation_id="getTariff")
async def get_tariff(call: AnyCall, project_id: ProjectId) -> TariffShown:
    """The version that holds now; `404 tariff_not_found` where none does."""
    async with call.read(project=project_id) as connection:
        stored = await Tariffs(connection, project_id).valid_at(now())
    if stored is None:
        raise NotFoundError(
            "tariff_not_found", "No tariff holds at the moment, so sessions are free. Set one."
        )
    return TariffShown.of(stored)


@owner_router.get("/tariffs", summary="List all tariffs", operation_id="listTariffs")
async def list_tariffs(call: AnyCall, project_id: ProjectId, paging: Paging) -> Page[TariffShown]:
    """Every version, past and to come, the one that was set last first."""
    async with call.read(project=project_id) as connection:
        rows = await Tariffs(connection, project_id).page(
            before=paging.after_id(Prefix.TARIFF), limit=paging.fetch
        )
    return paging.page(rows, TariffShown.of, lambda stored: stored.version.id)
