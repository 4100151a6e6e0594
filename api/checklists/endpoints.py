"""Endpoints of checklists. A change makes the next certificate another."""

from datetime import datetime
from typing import Final

from fastapi import APIRouter

from api.checklists.schemas import (
    AnswerChecklist,
    ChecklistShown,
    ChooseChecklist,
    ChosenShown,
    ProfileShown,
    ProfilesShown,
)
from api.deps import ChargePointId, InstallerCall, ProjectId, now
from api.parts import Parts
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from domain.audit import AuditAction
from domain.checklists import Checklist, ChecklistAnswer, ChecklistProfile, ChosenChecklist
from domain.errors import ConflictError, FieldError, InvalidError
from storage.audit import Audit
from storage.checklists import Checklists, answer_document

router = APIRouter(prefix="/installer", tags=["Certificates"])
_PROJECT: Final = "/projects/{project_id}/checklist"
_CHARGE_POINT: Final = "/charge-points/{charge_point_id}/checklist"


@router.get("/checklists", summary="List the checklists", operation_id="listChecklists")
async def list_checklists(call: InstallerCall) -> ProfilesShown:
    """The checklists that a project can have, each with its items."""
    return ProfilesShown(items=[ProfileShown.of(one) for one in call.parts.checklists.values()])


@router.put(
    _PROJECT,
    summary="Choose the checklist of a project",
    operation_id="chooseChecklist",
    responses=problems(project_handed_over=HANDED_OVER),
)
async def choose_checklist(
    call: InstallerCall, project_id: ProjectId, body: ChooseChecklist
) -> ChosenShown:
    """Choose which checklist each charge point of the project has; leads alone can.

    The project keeps it as it is now. Answers to another one are not lost: they count again when
    that is chosen again.
    """
    chosen = None
    if body.checklist is not None:
        profile = _profile(call.parts, body.checklist)
        chosen = ChosenChecklist(profile=profile, by=call.account.email, at=now())
    async with call.write() as connection:
        await call.project_for_change(connection, project_id, lead=True)
        checklists = Checklists(connection)
        before = await checklists.chosen(project_id)
        if (before and before.profile) == (chosen and chosen.profile):
            chosen = before
        else:
            await checklists.choose(project_id, chosen)
            await Audit(connection, project_id).write(
                AuditAction.CHECKLIST_CHOSEN,
                call.actor,
                target=project_id,
                at=now(),
                before={"checklist": before and before.profile.id},
                after={"checklist": chosen and chosen.profile.id},
            )
        return ChosenShown.of(chosen, await checklists.of_project(project_id))


@router.get(_PROJECT, summary="Show the checklist of a project", operation_id="getProjectChecklist")
async def get_project_checklist(call: InstallerCall, project_id: ProjectId) -> ChosenShown:
    """The checklist of the project, and how far each charge point is with it."""
    async with call.read(project=project_id) as connection:
        checklists = Checklists(connection)
        return ChosenShown.of(
            await checklists.chosen(project_id), await checklists.of_project(project_id)
        )


@router.patch(
    _CHARGE_POINT,
    summary="Answer items of the checklist",
    operation_id="answerChecklist",
    responses=problems(
        project_handed_over=HANDED_OVER,
        no_checklist="The project has no checklist. A lead chooses one.",
    ),
)
async def answer_checklist(
    call: InstallerCall, charge_point_id: ChargePointId, body: AnswerChecklist
) -> ChecklistShown:
    """Say of items whether they are compliant, not compliant or not applicable, with remarks.

    Items that are not named stay as they are, so that several people can answer. The certificate
    shows all of them as declared, with who said so and when.
    """
    at = now()
    async with call.write() as connection:
        charge_point = await call.charge_point_for_change(connection, charge_point_id)
        project_id = charge_point.project_id
        checklists = Checklists(connection)
        before = (await checklists.of(project_id, [charge_point_id])).get(charge_point_id)
        if before is None:
            raise ConflictError(
                "no_checklist",
                "The project has no checklist. A lead of it chooses one with "
                f"PUT …/installer/projects/{project_id}/checklist.",
            )
        answers = _answers(body, before, by=call.account.email, at=at)
        was = {item: answer_document(before.answers.get(item)) for item in answers}
        others = {
            item: answer for item, answer in answers.items() if answer_document(answer) != was[item]
        }  # who said it first, and when, stays
        if others:
            await checklists.answer(charge_point_id, before.profile.id, others)
            await Audit(connection, project_id).write(
                AuditAction.CHECKLIST_ANSWERED,
                call.actor,
                target=charge_point_id,
                at=at,
                before={item: was[item] for item in others},
                after={item: answer_document(answer) for item, answer in others.items()},
            )
        found = await checklists.of(project_id, [charge_point_id])
    return ChecklistShown.of(found[charge_point_id])


@router.get(
    _CHARGE_POINT,
    summary="Show the checklist of a charge point",
    operation_id="getChecklist",
)
async def get_checklist(call: InstallerCall, charge_point_id: ChargePointId) -> ChecklistShown:
    """Each item, with what was said of it."""
    async with call.read() as connection:
        charge_point = await call.charge_point(connection, charge_point_id)
        found = await Checklists(connection).of(charge_point.project_id, [charge_point_id])
    return ChecklistShown.of(found.get(charge_point_id))


def _profile(parts: Parts, checklist_id: str) -> ChecklistProfile:
    profile = parts.checklists.get(checklist_id)
    if profile is None:
        detail = f"must be one of {', '.join(parts.checklists)}"
        wrong = FieldError(field="checklist", detail=detail)
        raise InvalidError("invalid_input", f"checklist: {detail}.", (wrong,))
    return profile


def _answers(
    body: AnswerChecklist, checklist: Checklist, *, by: str, at: datetime
) -> dict[str, ChecklistAnswer | None]:
    known = {item.id for item in checklist.profile.items}
    wrong = tuple(
        FieldError(
            field=f"answers.{place}.item",
            detail=f"is no item of the checklist {checklist.profile.id}",
        )
        for place, one in enumerate(body.answers)
        if one.item not in known
    )
    if wrong:
        said = "; ".join(f"{one.field}: {one.detail}" for one in wrong)
        raise InvalidError("invalid_input", f"{said}.", wrong)
    return {
        one.item: None
        if one.answer is None
        else ChecklistAnswer(compliance=one.answer, remark=one.remark, by=by, at=at)
        for one in body.answers
    }
