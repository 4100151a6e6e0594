"""Shapes of who may charge."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.fields import Name, Request, Timestamp
from domain.states import AccessMode
from domain.wording import Matching
from storage.access import ListedTag

_TAG = "04A2B3C4D5E680"


class AccessChange(Request):
    """Whom the charge points charge for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"mode": "open"}]})

    mode: AccessMode = Field(description="`listed`: the id tags of the list; `open`: everybody")


class AccessShown(BaseModel):
    """Whom the charge points charge for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"mode": "listed", "id_tags": 12}]})

    mode: AccessMode
    id_tags: int = Field(description="How many id tags are listed")


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
    def of(cls, tag: ListedTag) -> "TagShown":
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
