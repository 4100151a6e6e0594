from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from io import BytesIO

import httpx
import pytest
from fastapi import FastAPI
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from api.declarations.photos import MOST_PHOTOS
from api.pictures.pictures import Pictures
from documents.reading.limits import Limits
from storage.engine import Database
from tests.api.callers import Caller, fields, problem
from tests.api.verdicts import judge
from tests.documents.pictures import encoded, hand
from tests.documents.reading import texts

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

DECLARED = {
    "certificate_reference": "EIC-2026-0413",
    "installer_registration": "Register of contractors, no. 40213",
    "installer_competence": "Qualified for EV charging",
    "earthing_system": "TN-C-S",
    "pen_fault_protection": "Device in the charge point",
    "protective_device": "MCB type B, 10 kA",
    "protective_device_current_a": 40.0,
    "cable": "Armoured, 3-core, copper",
    "cable_cross_section_mm2": 6.0,
    "r1_plus_r2_ohm": 0.21,
    "polarity": "correct",
    "phase_rotation": "single_phase",
    "rcd_type": "A+6mA-DC",
    "rcd_rated_current_ma": 30.0,
    "rcd_trip_time_ms": 18.4,
    "earth_loop_impedance_ohm": 0.35,
    "insulation_resistance_mohm": 999.0,
    "instrument": "MFT1741+ no. 101223118",
    "tested_by": "Jane Smith",
    "tested_at": "2026-05-01T08:50:00Z",
    "notes": "Supply from DB-3,\nway 7.",
    "signature": "J. Smith",
    "signature_drawing": "M 4 30 C 20 2 32 2 26 30 Q 34 44 52 20 L 88 24",
}
SOMEWHERE = {1: "N", 2: (51.0, 27.0, 16.0), 3: "W", 4: (2.0, 35.0, 16.0)}


def picture(size: tuple[int, int] = (400, 300), kind: str = "JPEG", colour: str = "navy") -> bytes:
    """A photo as a phone makes it: with position, owner and orientation."""
    file = BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Jane of Elm Street 4"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(SOMEWHERE)
    Image.new("RGB", size, colour).save(file, kind, exif=exif)
    return file.getvalue()


def _signed() -> str:
    info = PngInfo()
    info.add_text("Author", "Jane of Elm Street 4")
    return encoded(hand(), pnginfo=info)


SIGNED_BY_HAND = _signed()


async def put(caller: Caller, charge_point: str, body: object) -> httpx.Response:
    path = f"/api/v1/installer/charge-points/{charge_point}/declaration"
    return await caller.call("PUT", path, body)


async def add(caller: Caller, charge_point: str, data: bytes, **query: str) -> httpx.Response:
    path = f"/charge-points/{charge_point}/photos"
    return await caller.post(path, content=data, params=query)


async def pictures_of(app: FastAPI, limits: Limits) -> None:
    """Have pictures read within other limits from now on."""
    await app.state.parts.pictures.close()
    app.state.parts = replace(app.state.parts, pictures=Pictures(limits=limits))


def unpacked_to_64_mib() -> bytes:
    file = BytesIO()
    Image.new("RGBA", (4096, 4096)).save(file, "PNG")
    return file.getvalue()


async def test_too_many_pictures(app: FastAPI, installer: Caller) -> None:
    charge_point = await installer.charge_point()
    app.state.parts.pictures._queue._of_an_account = 0
    problem(await add(installer, charge_point, b"a picture"), 429, "too_many_pictures")


class TestDeclaration:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await put(anonymous, "cp_x", {}), 401, "token_missing")

    async def test_is_shown_as_it_was_declared(self, installer: Caller) -> None:
        charge_point = await installer.charge_point()
        path = f"/charge-points/{charge_point}/declaration"
        nothing = (await installer.get(path)).json()
        assert set(nothing.values()) == {None}
        answer = await put(installer, charge_point, DECLARED)
        assert answer.status_code == 200, answer.text
        shown = (await installer.get(path)).json()
        assert shown == answer.json()
        assert shown.pop("signature_png") is None
        assert shown.pop("by") == installer.email
        assert shown.pop("at")
        assert shown == DECLARED
        # The next one replaces it as a whole.
        await put(installer, charge_point, {"signature": "A. Other"})
        shown = (await installer.get(path)).json()
        assert (shown["signature"], shown["rcd_type"]) == ("A. Other", None)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("rcd_type", "C"),
            ("earthing_system", "TN"),
            ("pen_fault_protection", "x" * 101),
            ("protective_device_current_a", 0),
            ("protective_device_current_a", 6301),
            ("cable_cross_section_mm2", -6),
            ("cable_cross_section_mm2", 1001),
            ("r1_plus_r2_ohm", 2001),
            ("polarity", True),
            ("phase_rotation", "RST"),
            ("rcd_trip_time_ms", 0),
            ("rcd_trip_time_ms", 1000.1),
            ("rcd_trip_time_ms", "soon"),
            ("earth_loop_impedance_ohm", -0.1),
            ("earth_loop_impedance_ohm", 2001),
            ("insulation_resistance_mohm", "NaN"),
            ("insulation_resistance_mohm", 10_001),
            ("insulation_resistance_mohm", 1.23456),
            ("rcd_rated_current_ma", "Infinity"),
            ("tested_at", "2026-05-01T08:50:00"),
            ("tested_at", "2999-01-01T00:00:00Z"),
            ("signature_drawing", "M 0 0 L 9 9"),  # without a name
            ("signature_drawing", "M 0 0 L 9"),
            ("signature_drawing", "L" * 20_001),
            ("signature_png", SIGNED_BY_HAND),  # without a name
            ("signature_png", "A" * 200_001),
            ("signature", ""),
            ("signature", "x" * 101),
            ("tested_by", "a\nb"),
            ("rcd_colour", "red"),
        ],
    )
    async def test_what_cannot_be_is_refused(
        self, installer: Caller, field: str, value: object
    ) -> None:
        charge_point = await installer.charge_point()
        answer = await put(installer, charge_point, {field: value})
        assert fields(problem(answer, 422, "invalid_input")) == {field}

    async def test_a_signature_is_kept_as_a_picture(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await judge(database, charge_point, project)
        signed = {"signature": "J. Smith", "signature_png": SIGNED_BY_HAND}
        answer = await put(installer, charge_point, signed)
        assert answer.status_code == 200, answer.text
        kept = answer.json()["signature_png"]
        assert b"Elm Street" in b64decode(SIGNED_BY_HAND)
        assert b"Elm Street" not in b64decode(kept)
        again = await put(installer, charge_point, signed | {"signature_png": kept})
        assert again.json()["signature_png"] == kept
        path = f"/commissioning/{charge_point}/report"
        assert kept in (await installer.get(path, params={"format": "html"})).text
        trail = (await installer.get(f"/projects/{project}/audit")).json()["items"]
        (after, _) = [one["after"] for one in trail if one["action"] == "declaration.put"]
        assert after["signature_png"] == f"sha256:{sha256(b64decode(kept)).hexdigest()}"

    @pytest.mark.parametrize(
        ("sent", "said"),
        [
            ({"signature_png": "hello"}, "must be base64 of a PNG file"),
            ({"signature_png": b64encode(picture()).decode()}, "must be a PNG file that is whole"),
            ({"signature_png": encoded(Image.new("1", (4001, 1000)))}, "4 megapixels"),
            ({"signature_png": SIGNED_BY_HAND, "signature_drawing": "M 0 0 L 9 9"}, "not both"),
        ],
    )
    async def test_a_picture_of_no_signature_is_refused(
        self, installer: Caller, sent: dict[str, str], said: str
    ) -> None:
        charge_point = await installer.charge_point()
        refused = problem(
            await put(installer, charge_point, {"signature": "J. Smith", **sent}),
            422,
            "invalid_input",
        )
        assert fields(refused) == {"signature_png"}
        assert said in refused["detail"]

    async def test_a_change_makes_the_next_certificate(
        self, installer: Caller, database: Database
    ) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await judge(database, charge_point, project)
        path = f"/commissioning/{charge_point}/report"
        before = await installer.get(path)
        assert "Nothing was declared." in texts(before.content)[0]
        await put(installer, charge_point, DECLARED)
        after = await installer.get(path)
        assert after.headers["x-certificate-number"] == "2"
        assert "EIC-2026-0413" in texts(after.content)[0]


class TestPhotos:
    async def test_anonymous(self, anonymous: Caller) -> None:
        problem(await add(anonymous, "cp_x", b""), 401, "token_missing")

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    async def test_are_kept_upright_and_without_metadata(
        self, installer: Caller, kind: str
    ) -> None:
        charge_point = await installer.charge_point()
        answer = await add(installer, charge_point, picture(kind=kind), caption="Type plate")
        assert answer.status_code == 201, answer.text
        shown = answer.json()
        assert (shown["width"], shown["height"]) == (300, 400)  # it was taken sideways
        path = f"/charge-points/{charge_point}/photos/{shown['id']}"
        kept = await installer.get(path)
        assert kept.headers["content-type"] == "image/jpeg"
        assert b"Elm Street" not in kept.content
        assert b"Exif" not in kept.content
        with Image.open(BytesIO(kept.content)) as image:
            assert not image.getexif()
            assert image.format == "JPEG"
        listed = (await installer.get(f"/charge-points/{charge_point}/photos")).json()
        assert listed == {"items": [shown]}
        assert (await installer.delete(path)).status_code == 204
        problem(await installer.get(path), 404, "photo_not_found")
        problem(await installer.delete(path), 404, "photo_not_found")

    async def test_are_reduced(self, installer: Caller) -> None:
        charge_point = await installer.charge_point()
        shown = (await add(installer, charge_point, picture((4000, 3000)))).json()
        assert (shown["width"], shown["height"]) == (1200, 1600)

    async def test_the_same_one_again_is_the_one_that_is_there(self, installer: Caller) -> None:
        charge_point = await installer.charge_point()
        first = (await add(installer, charge_point, picture())).json()
        again = (await add(installer, charge_point, picture())).json()
        assert again == first

    async def test_are_counted(self, installer: Caller) -> None:
        charge_point = await installer.charge_point()
        for number in range(MOST_PHOTOS):
            answer = await add(installer, charge_point, picture((40 + number, 30)))
            assert answer.status_code == 201, answer.text
        first = answer.json()["id"]
        again = await add(installer, charge_point, picture((39 + MOST_PHOTOS, 30)))
        assert again.json() == answer.json()
        answer = await add(installer, charge_point, picture((39, 30)))
        problem(answer, 409, "too_many_photos")
        await installer.delete(f"/charge-points/{charge_point}/photos/{first}")
        assert (await add(installer, charge_point, picture((39, 30)))).status_code == 201

    @pytest.mark.parametrize(
        ("data", "code", "said"),
        [
            (b"", "not_a_photo", "JPEG"),
            (b"hello", "not_a_photo", "JPEG"),
            (picture()[:200], "not_a_photo", "damaged"),
            (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 100, "photo_heic", "Most Compatible"),
            (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "not_a_photo", "JPEG"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_photo", "JPEG"),
        ],
    )
    async def test_other_files_are_refused(
        self, installer: Caller, data: bytes, code: str, said: str
    ) -> None:
        charge_point = await installer.charge_point()
        answer = await add(installer, charge_point, data)
        assert said in problem(answer, 415, code)["detail"]

    async def test_a_bomb_is_not_unpacked(self, installer: Caller) -> None:
        file = BytesIO()
        Image.new("1", (40_000, 40_000)).save(file, "PNG")
        charge_point = await installer.charge_point()
        answer = await add(installer, charge_point, file.getvalue())
        problem(answer, 415, "photo_too_large")

    async def test_one_that_takes_too_much_memory_is_refused(
        self, app: FastAPI, installer: Caller
    ) -> None:
        await pictures_of(app, Limits(memory_bytes=128 * 1024 * 1024))
        charge_point = await installer.charge_point()
        answer = await add(installer, charge_point, unpacked_to_64_mib())
        assert "JPEG" in problem(answer, 422, "photo_too_costly")["detail"]
        assert (await add(installer, charge_point, picture())).status_code == 201

    async def test_while_none_can_be_read_another_try_is_told_to_wait(
        self, app: FastAPI, installer: Caller
    ) -> None:
        await pictures_of(app, Limits(memory_bytes=1))
        charge_point = await installer.charge_point()
        answer = await add(installer, charge_point, picture())
        assert "again" in problem(answer, 503, "pictures_away")["detail"]
        assert answer.headers["Retry-After"]

    async def test_a_body_beyond_8_mib_is_refused(self, installer: Caller) -> None:
        charge_point = await installer.charge_point()
        answer = await add(installer, charge_point, b"\xff\xd8" * (4 * 1024 * 1024 + 1))
        assert "8 MiB" in problem(answer, 413, "body_too_large")["detail"]

    async def test_stand_on_the_certificate(self, installer: Caller, database: Database) -> None:
        project = await installer.project()
        charge_point = await installer.charge_point(project)
        await judge(database, charge_point, project)
        await add(installer, charge_point, picture(), caption="Distribution board")
        path = f"/commissioning/{charge_point}/report"
        pdf = (await installer.get(path)).content
        assert "Distribution board" in texts(pdf)[-1]
        assert b"/Subtype /Image" in pdf
        assert b"Elm Street" not in pdf
        page = (await installer.get(path, params={"format": "html"})).text
        assert 'src="data:image/jpeg;base64,' in page
