"""Certificates are numbered once and found by their token; photos and declarations are kept."""

from dataclasses import replace

from domain.certificates import CertificateScope
from domain.declarations import Declaration, Declared, RcdType
from storage.certificates import Certificate, Certificates
from storage.declarations import Declarations, NewPhoto, Photos
from storage.engine import Database
from tests.documents.reports import photo
from tests.support.rows import AT, one_charge_point

FIRST = Certificate(
    id="cer_1",
    scope=CertificateScope.CHARGE_POINT,
    subject_id="cp_1",
    project_id="prj_1",
    number=1,
    content_hash="a" * 64,
    sha256="b" * 64,
    key_id="c" * 16,
    token="t1",
    issued_at=AT,
    summary={"site": "Riverside"},
    newest=1,
)


async def test_a_number_is_given_once(database: Database) -> None:
    await one_charge_point(database)
    async with database.write() as connection:
        certificates = Certificates(connection)
        assert await certificates.add(FIRST, file=b"one")
        rival = replace(FIRST, id="cer_2", token="t2")
        assert not await certificates.add(rival, file=b"two")
        assert await certificates.newest("cp_1") == FIRST  # and the transaction goes on
        second = replace(FIRST, id="cer_3", number=2, token="t3")
        assert await certificates.add(second, file=b"three")
    async with database.read() as connection:
        certificates = Certificates(connection)
        first, newest = replace(FIRST, newest=2), replace(second, newest=2)
        assert await certificates.all("cp_1") == [newest, first]
        assert await certificates.by_token("t1") == first
        assert await certificates.by_token("t2") is None
        assert await certificates.file("cer_1") == b"one"


async def test_a_key_is_remembered_once(database: Database) -> None:
    async with database.write() as connection:
        for _ in range(2):
            await Certificates(connection).remember_key("k1", "ab" * 32, at=AT)
        assert await Certificates(connection).keys() == ["ab" * 32]


async def test_a_declaration_replaces_the_one_before(database: Database) -> None:
    await one_charge_point(database)
    async with database.write() as connection:
        declarations = Declarations(connection)
        for kind in (RcdType.A, RcdType.B):
            declaration = Declaration(declared=Declared(rcd_type=kind), by="a@acme.com", at=AT)
            await declarations.put("cp_1", declaration)
        assert await declarations.of(["cp_1", "cp_2"]) == {"cp_1": declaration}


async def test_the_same_photo_is_one_row(database: Database) -> None:
    await one_charge_point(database)
    async with database.write() as connection:
        photos = Photos(connection)
        new = NewPhoto(fact=photo(1, "Plate"), picture=b"large", thumbnail=b"small")
        again = replace(new, fact=replace(new.fact, id="pho_again"))
        assert await photos.add("cp_1", new) == await photos.add("cp_1", again) == new.fact
        assert await photos.of(["cp_1"]) == {"cp_1": (new.fact,)}
        assert await photos.picture("cp_1", "pho_1") == b"large"
        assert await photos.picture("cp_2", "pho_1") is None
        assert await photos.thumbnails(["pho_1"]) == {"pho_1": b"small"}
        assert not await photos.delete("cp_2", "pho_1")
        assert await photos.delete("cp_1", "pho_1")
        assert await photos.of(["cp_1"]) == {"cp_1": ()}
