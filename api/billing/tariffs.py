"""Endpoints of tariffs: the owner's own, and the installer's default before them."""

from fastapi import APIRouter

from api.billing.schemas import NewTariff, TariffShown
from api.deps import Acting, AppParts, Installer, OwnedProjectId, ProjectId, SiteOwner, now
from api.pagination import Page, Paging
from api.parts import Parts
from api.plausibility import audit_confirmed, confirmed, kinds_of
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from domain.audit import Actor
from domain.billing.tariff import TariffVersion
from domain.errors import FieldError, InvalidError, NotFoundError
from domain.ids import Prefix, new_id
from domain.states import Role
from storage.audit import Audit
from storage.billing import Billing
from storage.charge_points import ChargePoints
from storage.models.accounts import Account
from storage.projects import Projects
from storage.tariffs import StoredTariff, Tariffs

router = APIRouter(tags=["Billing"])

_OWNED = "/site-owner/projects/{project_id}"
_DEFAULT = "/installer/projects/{project_id}/default-tariff"
_CURRENCY = "The project bills in another currency already."


@router.put(
    f"{_OWNED}/tariff",
    summary="Set the tariff",
    operation_id="setTariff",
    responses=problems(400, 401, 403, 404, 413, 422, 503, currency_fixed=_CURRENCY),
)
async def set_tariff(
    project_id: OwnedProjectId, body: NewTariff, owner: SiteOwner, parts: AppParts, actor: Acting
) -> TariffShown:
    """Let a tariff hold from now on, or from a moment to come; those before it are kept.

    A session that runs then costs the old prices until that moment, and the new ones after it. What
    was billed stays as it was billed.
    """
    return await _set(parts, body, owner, project_id, actor)


@router.get(
    f"{_OWNED}/tariff",
    summary="Show the tariff of now",
    operation_id="getTariff",
    responses=problems(401, 403, 404, 503),
)
async def get_tariff(project_id: OwnedProjectId, owner: SiteOwner, parts: AppParts) -> TariffShown:
    """The version that holds now; `404 tariff_not_found` where none does."""
    async with parts.database.read() as connection:
        await Projects(connection).owned(project_id, site_owner_id=owner.id)
        return _shown(await Tariffs(connection, project_id).valid_at(now()))


@router.get(
    f"{_OWNED}/tariffs",
    summary="List all tariffs",
    operation_id="listTariffs",
    responses=problems(401, 403, 404, 422, 503),
)
async def list_tariffs(
    project_id: OwnedProjectId, owner: SiteOwner, parts: AppParts, paging: Paging
) -> Page[TariffShown]:
    """Every version, past and to come, the one that was set last first."""
    async with parts.database.read() as connection:
        await Projects(connection).owned(project_id, site_owner_id=owner.id)
        rows = await Tariffs(connection, project_id).page(
            before=paging.after_id(Prefix.TARIFF), limit=paging.fetch
        )
    return paging.page(rows, TariffShown.of, lambda stored: stored.version.id)


@router.put(
    _DEFAULT,
    summary="Set a default tariff",
    operation_id="setDefaultTariff",
    responses=problems(
        400,
        401,
        403,
        404,
        413,
        422,
        503,
        project_handed_over=HANDED_OVER,
        tariff_set_by_owner="The site owner has set a tariff.",
    ),
)
async def set_default_tariff(
    project_id: ProjectId, body: NewTariff, installer: Installer, parts: AppParts, actor: Acting
) -> TariffShown:
    """Let a tariff hold until the site owner sets another; possible until then."""
    return await _set(parts, body, installer, project_id, actor)


@router.get(
    _DEFAULT,
    summary="Show the tariff of now",
    operation_id="getDefaultTariff",
    responses=problems(401, 403, 404, 503),
)
async def get_default_tariff(
    project_id: ProjectId, installer: Installer, parts: AppParts
) -> TariffShown:
    """The version that holds now, the owner's own included."""
    async with parts.database.read() as connection:
        await Projects(connection).get(project_id, installer_id=installer.id)
        return _shown(await Tariffs(connection, project_id).valid_at(now()))


async def _set(
    parts: Parts, body: NewTariff, account: Account, project_id: str, actor: Actor
) -> TariffShown:
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
        set_by=account.id,
        set_as=account.role,
        created_at=at,
    )
    async with parts.database.write() as connection:
        projects = Projects(connection)
        if account.role is Role.INSTALLER:
            await projects.for_change(project_id, installer_id=account.id, lead=True)
        else:
            await projects.owned(project_id, site_owner_id=account.id)
        kinds = kinds_of(parts.catalogue, await ChargePoints(connection).devices_of(project_id))
        questions = parts.plausibility.ask_prices(new.version.tariff, kinds)
        meant = confirmed(questions, body.confirm)
        await Tariffs(connection, project_id).add(new, by=actor)
        await audit_confirmed(
            Audit(connection, project_id), actor, meant, target=new.version.id, at=at
        )
        await Billing(connection, project_id).begin(at=at)
    return TariffShown.of(new)


def _shown(stored: StoredTariff | None) -> TariffShown:
    if stored is None:
        raise NotFoundError(
            "tariff_not_found", "No tariff holds at the moment, so sessions are free. Set one."
        )
    return TariffShown.of(stored)
