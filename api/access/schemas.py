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
