"""Endpoints of photos. A change makes the next certificate another."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from api.deps import ChargePointId, InstallerCall, now, path_id
from api.fields import Name, Shown, Timestamp, example
from api.pictures.pictures import TooCostlyError
from api.problems import problems
from api.projects.endpoints import HANDED_OVER
from api.verified import refuse_beyond_quota
from documents.photos import PhotoFault, PhotoRefusedError
from domain.accounts import Counted
from domain.audit import AuditAction
from domain.declarations import PhotoFact
from domain.errors import ConflictError, EngineError, InvalidError, NotFoundError
from domain.ids import Prefix, new_id
from storage.audit import Audit
from storage.declarations import NewPhoto, Photos

router = APIRouter(prefix="/installer/charge-points/{charge_point_id}", tags=["Certificates"])

MOST_PHOTOS: Final = 12
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        media_type: {"schema": {"type": "string", "format": "binary"}}
        for media_type in ("image/jpeg", "image/png", "image/webp", "application/octet-stream")
    },
}
_PICTURE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The picture",
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    }
}


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


class NotAPhotoError(EngineError):
    """The body is no photo that is taken."""

    status = 415
    title = "Not a photo"


async def _body(request: Request) -> bytes:
    return await request.body()


def _no_photo() -> NotFoundError:
    return NotFoundError("photo_not_found", "The charge point has no photo with this id.")


PhotoId = Annotated[
    str, path_id("photo_id", Prefix.PHOTO, _no_photo, example="pho_01HX9PHOTOABCDEFGHIJ")
]


@router.post(
    "/photos",
    status_code=HTTPStatus.CREATED,
    summary="Add a photo",
    operation_id="addPhoto",
    openapi_extra={"requestBody": _BODY},
    responses=problems(
        415,
        429,
        project_handed_over=HANDED_OVER,
        too_many_photos=f"There are {MOST_PHOTOS} photos already.",
    ),
)
async def add_photo(
    call: InstallerCall,
    charge_point_id: ChargePointId,
    body: Annotated[bytes, Depends(_body)],
    caption: Annotated[Name | None, Query(description="What it shows")] = None,
) -> PhotoShown:
    """Send a photo as it is, as the body, of 8 MiB at most.

    It is a JPEG of up to 50 megapixels, or a PNG or WebP of up to 16. It is kept reduced, and
    without the metadata it came with (position, time, device). The same photo sent again is the
    one that is there.
    """
    async with call.read() as connection:
        await call.charge_point(connection, charge_point_id)
    try:
        photo = await call.parts.pictures.photo(body, account_id=call.account.id)
    except PhotoRefusedError as error:
        raise _refusal(error.fault) from error
    except TooCostlyError as error:
        raise InvalidError(
            "photo_too_costly",
            "Reading the photo takes more memory or time than a phone's photo does. Send an "
            "ordinary JPEG: take the photo again, or share it in a smaller size.",
        ) from error
    fact = PhotoFact(
        id=new_id(Prefix.PHOTO),
        caption=caption,
        width=photo.width,
        height=photo.height,
        sha256=photo.sha256,
        added_by=call.account.email,
        added_at=now(),
    )
    async with call.write() as connection:
        charge_point = await call.charge_point_for_change(connection, charge_point_id)
        photos = Photos(connection)
        there = (await photos.of([charge_point_id]))[charge_point_id]
        same = [one for one in there if one.sha256 == fact.sha256]
        if same:  # before any limit: it takes no room
            return PhotoShown.of(same[0])
        if len(there) >= MOST_PHOTOS:
            raise ConflictError(
                "too_many_photos",
                f"A charge point has {MOST_PHOTOS} photos at most. Delete one first.",
            )
        await refuse_beyond_quota(call, connection, Counted.PHOTOS)
        stored = await photos.add(
            charge_point_id,
            NewPhoto(fact=fact, picture=photo.picture, thumbnail=photo.thumbnail),
        )
        await Audit(connection, charge_point.project_id).write(
            AuditAction.PHOTO_ADDED,
            call.actor,
            target=charge_point_id,
            at=fact.added_at,
            after=_photo(stored),
        )
    return PhotoShown.of(stored)


@router.get("/photos", summary="List the photos", operation_id="listPhotos")
async def list_photos(call: InstallerCall, charge_point_id: ChargePointId) -> PhotosShown:
    """The photos of the charge point, oldest first."""
    async with call.read(charge_point=charge_point_id) as connection:
        found = await Photos(connection).of([charge_point_id])
    return PhotosShown(items=[PhotoShown.of(photo) for photo in found[charge_point_id]])


@router.get(
    "/photos/{photo_id}",
    summary="Show a photo",
    operation_id="getPhoto",
    response_class=Response,
    responses=_PICTURE,
)
async def get_photo(
    call: InstallerCall, charge_point_id: ChargePointId, photo_id: PhotoId
) -> Response:
    """The picture, as JPEG."""
    async with call.read(charge_point=charge_point_id) as connection:
        picture = await Photos(connection).picture(charge_point_id, photo_id)
    if picture is None:
        raise _no_photo()
    return Response(picture, media_type="image/jpeg")


@router.delete(
    "/photos/{photo_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Delete a photo",
    operation_id="deletePhoto",
    responses=problems(project_handed_over=HANDED_OVER),
)
async def delete_photo(
    call: InstallerCall, charge_point_id: ChargePointId, photo_id: PhotoId
) -> Response:
    """Forget a photo. Certificates that were issued with it keep it."""
    async with call.write() as connection:
        charge_point = await call.charge_point_for_change(connection, charge_point_id)
        photos = Photos(connection)
        found = {one.id: one for one in (await photos.of([charge_point_id]))[charge_point_id]}
        if not await photos.delete(charge_point_id, photo_id):
            raise _no_photo()
        await Audit(connection, charge_point.project_id).write(
            AuditAction.PHOTO_REMOVED,
            call.actor,
            target=charge_point_id,
            at=now(),
            before=_photo(found[photo_id]),
        )
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _photo(fact: PhotoFact) -> dict[str, Any]:
    return {"photo": fact.id, "caption": fact.caption, "sha256": fact.sha256}


def _refusal(fault: PhotoFault) -> NotAPhotoError:
    match fault:
        case PhotoFault.HEIC:
            return NotAPhotoError(
                "photo_heic",
                "HEIC photos cannot be read here. Send JPEG: on an iPhone, choose Settings, "
                "Camera, Formats, Most Compatible, or share the photo by mail.",
            )
        case PhotoFault.TOO_MANY_PIXELS:
            return NotAPhotoError(
                "photo_too_large",
                "The photo has more than 50 megapixels, or is a PNG or WebP of more than 16. Send "
                "a smaller one.",
            )
        case PhotoFault.NOT_A_PHOTO:
            return NotAPhotoError(
                "not_a_photo",
                "The file is no photo that can be read, or it is damaged. Send JPEG, PNG or WebP.",
            )
