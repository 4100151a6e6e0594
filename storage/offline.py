"""What drivers can do at each charge point of a site while the engine is away."""

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.rules.offline import NOT_IN_USE, Wish, judge_offline
from domain.states import Feature
from storage.access import Access
from storage.feature_status import ChargePointFeatureStatus, FeatureStatus, worst
from storage.local_lists import read_lists

_DETAIL = "What drivers can do at each charge point while this engine cannot be reached."


async def offline_charging(connection: AsyncConnection, project_id: str) -> FeatureStatus:
    """Say it of each charge point, by what that has reported."""
    access = Access(connection, project_id)
    mode, tags = await access.mode()
    wish = Wish(
        mode=mode,
        choice=await access.offline(),
        id_tags=tags,
        path=f"…/site-owner/projects/{project_id}/access",
    )
    found = []
    for charge_point_id, held, is_current, in_use in await read_lists(connection, project_id):
        said = judge_offline(held, wish, is_current=is_current) if in_use else NOT_IN_USE
        found.append(
            ChargePointFeatureStatus(
                charge_point_id=charge_point_id,
                state=said.state,
                cause=said.said,
                action=said.action,
            )
        )
    return FeatureStatus(
        feature=Feature.OFFLINE_CHARGING,
        state=worst(found),
        detail=_DETAIL,
        charge_points=tuple(found),
    )
