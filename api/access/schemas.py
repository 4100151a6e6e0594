"""Shapes of who may charge."""

from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from api.fields import Name, Request, Timestamp
from domain.states import AccessMode, OfflineAccess
from domain.wording import FieldValueError, Matching
from storage.models.projects import IdTag as IdTagRow

_TAG = "04A2B3C4D5E680"


class AccessChange(Request):
    """Whom the charge points charge for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"mode": "open"}, {"mode": "listed", "offline": "listed"}]}
    )

    mode: AccessMode = Field(description="`listed`: the id tags of the list; `open`: everybody")
    offline: OfflineAccess | None = Field(
        default=None,
        description="Whom they charge for while the engine is away, as far as each can: `listed` "
        "id tags, `everybody` (of an `open` site alone), or `nobody`. Left out: as it was. Until "
        "it is chosen, the list is kept in each charge point, and its other settings for that time "
        "are left as they are",
    )

    @model_validator(mode="after")
    def _no_more_than_online(self) -> Self:
        if self.mode is AccessMode.LISTED and self.offline is OfflineAccess.EVERYBODY:
            raise FieldValueError('"everybody" needs the mode "open"', "offline")
        return self


class AccessShown(BaseModel):
    """Whom the charge points charge for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"mode": "listed", "id_tags": 12, "offline": "listed"}]}
    )

    mode: AccessMode
    id_tags: int = Field(description="How many id tags are listed")
    offline: OfflineAccess = Field(
        description="Whom they charge for while the engine is away, where they can; the features "
        "say it of each"
    )


class TagLabel(Request):
    """Whose an id tag is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"label": "Facilities van 3"}]})

    label: Name | None = None


class TagWanted(TagLabel):
    """For how long the next unknown card at a charge point is listed, and how it is labelled."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"label": "Facilities van 3", "seconds": 120}]}
    )

    seconds: Annotated[int, Field(ge=10, le=900)] = Field(
        default=120, description="So long the card may be presented"
    )


class TagAwaited(BaseModel):
    """Whether a card was presented yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"label": "Facilities van 3", "until": "2026-05-01T10:22:00Z", "id_tag": None}
            ]
        }
    )

    label: str | None
    until: Timestamp
    id_tag: str | None = Field(description="The card that came, and is listed; null: none yet")


class TagShown(BaseModel):
    """An id tag that may charge."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id_tag": _TAG, "label": "Facilities van 3", "added_at": "2026-05-01T10:20:00Z"}
            ]
        }
    )

    id_tag: str
    label: str | None
    added_at: Timestamp

    @classmethod
    def of(cls, tag: IdTagRow) -> "TagShown":
        """Show a tag."""
        return cls(id_tag=tag.id_tag, label=tag.label, added_at=tag.added_at)


def _no_edges(text: str) -> str:
    if text != text.strip():
        raise ValueError("must not begin or end with a space")
    return text


IdTag = Annotated[
    str,
    StringConstraints(min_length=1, max_length=20),
    Matching(
        r"^[\x20-\x7e]+$", "must have letters without accents, digits, signs and spaces alone"
    ),
    AfterValidator(_no_edges),
    Field(description="CiString20 of OCPP 1.6: up to 20 characters, any case", examples=[_TAG]),
]
