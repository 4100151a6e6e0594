"""Shapes of photos."""

from pydantic import BaseModel

from api.fields import Shown, Timestamp, example


class PhotoShown(Shown):
    """A photo as it is kept: JPEG, at most 1600 pixels a side, without metadata."""

    model_config = example(
        id="pho_01HX9PHOTOABCDEFGHIJ",
        caption="Distribution board DB-3",
        width=1600,
        height=1200,
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        added_by="installer@acme.com",
        added_at="2026-05-01T09:00:00Z",
    )

    id: str
    caption: str | None
    width: int
    height: int
    sha256: str
    added_by: str
    added_at: Timestamp


class PhotosShown(BaseModel):
    """The photos of a charge point, oldest first."""

    items: list[PhotoShown]
