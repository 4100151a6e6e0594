"""Shapes of checklists."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, StringConstraints, model_validator

from api.fields import Name, Request, Shown, Timestamp, example
from domain.checklists import Checklist, ChosenChecklist, Compliance
from domain.wording import FieldValueError

_ID: Final = "generic-1"
_ITEM: Final[dict[str, Any]] = {
    "id": "enclosure",
    "text": "The charge point is fixed firmly; its enclosure is whole and closed.",
    "required": True,
    "source": None,
}
_PROFILE: Final[dict[str, Any]] = {
    "id": _ID,
    "title": "Charge point, general",
    "country": None,
    "authority": None,
    "items": [_ITEM],
}
ItemId = Annotated[str, StringConstraints(max_length=40)]


class ItemShown(BaseModel):
    """One thing to look at."""

    id: str
    text: str
    required: bool = Field(
        description="Whether it has to be compliant, or not applicable, before the handover"
    )
    source: str | None = Field(description="A public address that it follows; null: our own words")


class ProfileShown(Shown):
    """A checklist of the catalogue; its id ends with its version."""

    model_config = example(_PROFILE)

    id: str
    title: str
    country: str | None = Field(description="ISO 3166-1, two letters; null: of none")
    authority: str | None
    items: list[ItemShown]


class ProfilesShown(BaseModel):
    """The checklists to choose from."""

    items: list[ProfileShown]


class ChooseChecklist(Request):
    """Which checklist the charge points of the project have."""

    model_config = example(checklist=_ID)

    checklist: Annotated[str, StringConstraints(max_length=60)] | None = Field(
        description="Its id; null: none"
    )


class StandShown(BaseModel):
    """How far the checklist of a charge point is."""

    charge_point_id: str
    not_answered: list[str] = Field(description="Ids of items")
    not_compliant: list[str] = Field(description="Ids of items")


class ChosenShown(BaseModel):
    """The checklist of a project, as it was when it was chosen; null: it has none."""

    model_config = example(
        checklist=_PROFILE,
        by="installer@acme.com",
        at="2026-05-01T09:00:00Z",
        charge_points=[
            {
                "charge_point_id": "cp_01HX5P2QRSTUVWXYZ0",
                "not_answered": ["enclosure"],
                "not_compliant": [],
            }
        ],
    )

    checklist: ProfileShown | None
    by: str | None
    at: Timestamp | None
    charge_points: list[StandShown]

    @classmethod
    def of(cls, chosen: ChosenChecklist | None, stands: Mapping[str, Checklist]) -> "ChosenShown":
        """Show the choice, and how far each charge point is."""
        return cls(
            checklist=chosen and ProfileShown.of(chosen.profile),
            by=chosen and chosen.by,
            at=chosen and chosen.at,
            charge_points=[
                StandShown(
                    charge_point_id=identity,
                    not_answered=[item.id for item in one.not_answered],
                    not_compliant=[item.id for item in one.not_compliant],
                )
                for identity, one in stands.items()
            ],
        )


class AnswerItem(Request):
    """What you say of an item."""

    item: ItemId
    answer: Compliance | None = Field(description="null: taken back, it is not answered")
    remark: Annotated[Name, StringConstraints(max_length=500)] | None = Field(
        default=None, description="What was found; needed where it is not compliant"
    )

    @model_validator(mode="after")
    def _says_why(self) -> "AnswerItem":
        if self.answer is Compliance.NOT_COMPLIANT and self.remark is None:
            raise FieldValueError("is needed: say what is not compliant", "remark")
        if self.answer is None and self.remark is not None:
            raise FieldValueError("needs an answer", "remark")
        return self


class AnswerChecklist(Request):
    """Answers; items that are not named stay as they are."""

    model_config = example(
        answers=[
            {"item": "enclosure", "answer": "compliant"},
            {
                "item": "display",
                "answer": "not_compliant",
                "remark": "The sun blinds the display at noon; a hood is ordered.",
            },
        ]
    )

    answers: Annotated[list[AnswerItem], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _each_once(self) -> "AnswerChecklist":
        named = [one.item for one in self.answers]
        if len(set(named)) < len(named):
            raise FieldValueError("must name each item once", "answers")
        return self


class AnsweredItemShown(ItemShown):
    """An item and what was said of it; null: nothing."""

    answer: Compliance | None
    remark: str | None
    by: str | None
    at: Timestamp | None


class ChecklistShown(BaseModel):
    """The checklist of a charge point."""

    model_config = example(
        checklist=_ID,
        title="Charge point, general",
        items=[
            {
                **_ITEM,
                "answer": "compliant",
                "remark": None,
                "by": "installer@acme.com",
                "at": "2026-05-01T09:00:00Z",
            }
        ],
    )

    checklist: str | None = Field(description="Its id; null: the project has none")
    title: str | None
    items: Sequence[AnsweredItemShown]

    @classmethod
    def of(cls, checklist: Checklist | None) -> "ChecklistShown":
        """Show a checklist, or that there is none."""
        if checklist is None:
            return cls(checklist=None, title=None, items=[])
        given = checklist.answers
        return cls(
            checklist=checklist.profile.id,
            title=checklist.profile.title,
            items=[
                AnsweredItemShown(
                    **asdict(item),
                    answer=answer and answer.compliance,
                    remark=answer and answer.remark,
                    by=answer and answer.by,
                    at=answer and answer.at,
                )
                for item in checklist.profile.items
                for answer in (given.get(item.id),)
            ],
        )
