"""A certificate says what the record says, on one page, whatever the charge point sends."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.certificate.charge_words import why_skipped
from documents.certificate.content import content_of
from documents.certificate.declared_words import contractor_rows, declared_rows
from documents.certificate.html import render_html
from documents.certificate.render import render_pdf
from documents.certificate.words import moment
from domain.certificates import (
    CertificateScope,
    ChargePointReport,
    FrameDirection,
    Position,
    Withdrawn,
)
from domain.checks import CheckRecord, Failure, RunView, Step
from domain.commissioning import MeterReading
from domain.facts import TransactionFact
from domain.states import CheckName, CheckResult, RunStatus
from domain.withdrawals import Withdrawal
from tests.documents.reading import outline, texts
from tests.documents.reports import (
    AT,
    DECLARED,
    FAILED,
    FULL,
    HANDSHAKE,
    ISSUE,
    KEPT,
    LEFT_OUT,
    PASSED,
    REGISTERED,
    RUN,
    SKIPPED_ON_SITE,
    THREE_CONNECTORS,
    WITH_CHECKLIST,
    WITH_CIRCUIT,
    WITHOUT_TEST,
    certificate_of,
    frame,
    later,
    step,
    thumbnail,
    with_picture,
)

THUMBNAILS = {f"pho_{number}": thumbnail() for number in (1, 2)}


def as_pdf(*charge_points: ChargePointReport) -> list[str]:
    pages = texts(render_pdf(certificate_of(*charge_points), ISSUE, THUMBNAILS))
    return [" ".join(page.split()) for page in pages]


def as_html(*charge_points: ChargePointReport) -> list[str]:
    page = render_html(certificate_of(*charge_points), ISSUE, THUMBNAILS, sha256="0" * 64)
    body = page.partition("<body>")[2]
    assert "&lt;d" not in page  # ours is not escaped
    return [" ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())]


BOTH = pytest.mark.parametrize("said_in", [as_pdf, as_html])
Read = Callable[..., list[str]]


@BOTH
def test_each_connector_is_named_as_tested_or_not_and_by_whose_decision(said_in: Read) -> None:
    (page,) = said_in(THREE_CONNECTORS)
    for said in (
        "Passed, connectors 2 and 3 not tested",
        "Connector 1 Tested: 92 Wh",
        f"Connector 2 Not tested: {SKIPPED_ON_SITE}",
        f"Connector 3 Not tested: {LEFT_OUT}",
        "A person should look at this.",
    ):
        assert said in page, page


@BOTH
def test_one_connector_alone_is_not_told_twice(said_in: Read) -> None:
    (page,) = said_in(PASSED)
    assert "Connector 1 Tested" not in page


@BOTH
def test_a_sites_certificate_counts_connectors_that_were_not_tested(said_in: Read) -> None:
    overview = said_in(PASSED, THREE_CONNECTORS)[0]
    assert "2 of 3 passed, 1 with connectors that were not tested" in overview
    assert "1 of 3 connectors" in overview


@BOTH
def test_a_passed_run(said_in: Read) -> None:
    (page,) = said_in(PASSED)
    for said in (
        "Commissioning certificate",
        "ABB Terra AC W22 · CP-SN-00483921",
        "1 May 2026, 09:35:19 UTC",
        "Acme EV Solutions Ltd",
        "1.8.21",
        "Round trip: 42 ms",
        "Passed in 820 ms",
        "HeartbeatInterval",
        "92 Wh",
        "22.01 kW",
        "Power, kW",
        "Energy, Wh",
        '[3,"1",{"status":"Accepted","interval":30}]',
        "8 of 40 that were logged",
        "Nothing was declared.",
        "51.454500° N, 2.587900° W",
    ):
        assert said in page, said


@BOTH
def test_a_failed_run_says_why_and_is_no_certificate(said_in: Read) -> None:
    (page,) = said_in(FAILED)
    assert "Commissioning report" in page
    assert "Commissioning certificate" not in page
    assert "GroundFailure, vendor code E-1042. Mend the connector, then retry." in page
    assert "There was no test charge. Skipped by the engine: Connectors failed." in page


def test_who_skipped_it_on_site_is_named_and_nobody_else() -> None:
    said = "kim@acme.com skipped the test charge while a vehicle was waited for: no vehicle today"
    check = CheckRecord(
        name=CheckName.TEST_TRANSACTION, result=CheckResult.SKIPPED, skip_reason=said
    )
    run = RunView(
        commissioning_id="com_1",
        charge_point_id="cp_1",
        status=RunStatus.COMPLETED,
        checks=(check,),
        started_at=datetime(2026, 5, 1, tzinfo=UTC),
    )
    assert why_skipped(run, check) == said


@BOTH
def test_a_skipped_test_says_why_and_who_decided(said_in: Read) -> None:
    (page,) = said_in(WITHOUT_TEST)
    assert "Skipped" in page
    assert "Passed, without a test charge" in page
    assert page.count("No vehicle on site. Decided by installer@acme.com.") == 2
    assert "Note: The catalogue does not know this version." in page
    assert "A person should look at this." in page


@BOTH
def test_what_a_retry_kept_names_the_run_it_is_from(said_in: Read) -> None:
    assert "Kept from the run com_01HX6EARLIERRUN" in said_in(KEPT)[0]


@BOTH
def test_a_name_plate_that_was_not_read_is_declared(said_in: Read) -> None:
    unread = replace(
        HANDSHAKE,
        evidence=HANDSHAKE.evidence
        | {"charge_point_serial": None, "not_read": ["model", "serial_number"]},
        notes=("The charge point reports no serial number.",),
        needs_review=True,
    )
    run = replace(RUN, checks=(unread, *RUN.checks[1:]))
    page = " ".join(said_in(replace(PASSED, run=run)))
    assert "CP-SN-00483921 (declared, not read)" in page
    assert "ABB Terra AC W22 (declared, not read)" in page
    assert "ABB (declared, not read)" not in page
    assert "A person should look at this." in page
    assert "declared, not read" not in " ".join(said_in(PASSED))


@BOTH
def test_what_is_declared_stands_apart(said_in: Read) -> None:
    said = " ".join(said_in(DECLARED))
    verified, _, declared = said.partition("Declared by the installer")
    for value in (
        "EIC-2026-0413",
        "A+6mA DC",
        "18.4 ms",
        "0.35 Ω",
        "999 MΩ",
        "30 mA",
        "Jane Smith",
        "MFT1741+ no. 101 223 118",
        "Supply from DB-3, way 7. Bollard fitted.",
        "J. Smith",
        "Distribution board DB-3",
    ):
        assert value in declared, value
        assert value not in verified
    assert "The engine has not measured or verified any of it." in declared


@BOTH
def test_the_supply_and_the_circuit_are_shown_as_declared(said_in: Read) -> None:
    said = " ".join(said_in(WITH_CIRCUIT))
    for line in (
        "Installer's registration Register of electrical contractors, no. 40213",
        "Installer's competence Qualified for EV charging installations",
        "Earthing system TN-C-S",
        "Protective device MCB type B, 10 kA",
        "Its rated current In 40 A",
        "Its cross-section 6 mm²",
        "R1+R2 0.21 Ω",
        "Polarity correct",
        "Phase rotation single phase",
    ):
        assert line in said, line


def test_the_usual_is_one_page_and_many_photos_are_another() -> None:
    assert len(as_pdf(PASSED)) == len(as_pdf(FAILED)) == len(as_pdf(WITHOUT_TEST)) == 1
    few = replace(DECLARED, photos=DECLARED.photos[:2])
    (page,) = as_pdf(few)
    assert "Type plate" in page
    many = replace(DECLARED, photos=DECLARED.photos * 3)
    first, second = as_pdf(many)
    assert "EIC-2026-0413" in first
    assert "Type plate" in second
    assert "ABB Terra AC W22 · CP-SN-00483921 · continued" in second


@BOTH
def test_the_ordinary_full_case_is_one_page_with_its_evidence(said_in: Read) -> None:
    (page,) = said_in(FULL)
    seamless = page.replace(" ", "")
    for said in (
        '"chargePointSerialNumber":"CP-SN-00483921","firmwareVersion":"1.8.21",…',
        '"value":"73088","measurand":"Energy.Active.Import.Register","unit":"Wh",…',
        '"value":"21975","measurand":"Power.Active.Import","unit":"W",…',
        '"meterStop":73149,"timestamp":"2026-05-01T09:35:17Z","reason":"Remote",…',
        "Distribution board DB-3",
        "Supply from DB-3, way 7.",
        "J. Smith",
    ):
        assert said.replace(" ", "") in seamless, said


def test_photos_that_do_not_fit_take_no_room_from_the_frames() -> None:
    declaration = DECLARED.declaration
    assert declaration is not None
    notes = "\n".join(f"Line {number} of the notes." for number in range(12))
    crowded = replace(
        FULL,
        declaration=replace(declaration, declared=replace(declaration.declared, notes=notes)),
    )
    first, second = as_pdf(crowded)
    assert "Line 11 of the notes." in first
    assert "Distribution board DB-3" in second
    without = as_pdf(replace(crowded, photos=()))[0]
    said = re.findall(r"\d+ of 40 that were logged", first)
    assert said == re.findall(r"\d+ of 40 that were logged", without)


@BOTH
def test_what_was_declared_and_registered_stands_in_full(said_in: Read) -> None:
    def words(kind: str, count: int) -> str:
        return " ".join(f"{kind}{number}" for number in range(count))

    declaration = DECLARED.declaration
    assert declaration is not None
    long: dict[str, Any] = {
        "certificate_reference": words("EIC-", 14),
        "instrument": words("MFT", 18),
        "tested_by": words("Jane", 16),
        "notes": words("Note", 600),
        "signature": words("Smith", 14),
    }
    place = words("Bay", 80)
    site_name = words("Riverside", 18)
    report = replace(
        DECLARED,
        registered=replace(REGISTERED, place=place),
        declaration=replace(declaration, declared=replace(declaration.declared, **long)),
    )
    said = "".join(said_in(report)).replace(" ", "")
    for text in (*long.values(), place):
        assert text.replace(" ", "") in said, text
    of_project = certificate_of(PASSED, PASSED)
    of_project = replace(of_project, site=replace(of_project.site, name=site_name))
    cover = texts(render_pdf(of_project, ISSUE, {}))[0]
    assert site_name in " ".join(cover.split())


def test_the_same_report_is_the_same_bytes() -> None:
    report = certificate_of(DECLARED)
    assert render_pdf(report, ISSUE, THUMBNAILS) == render_pdf(report, ISSUE, THUMBNAILS)
    other = replace(ISSUE, number=3)
    assert render_pdf(report, ISSUE, THUMBNAILS) != render_pdf(report, other, THUMBNAILS)


@BOTH
def test_a_verdict_that_is_stale_says_so_and_what_a_unit_replaces(said_in: Read) -> None:
    report = replace(
        PASSED, stale="now runs firmware 2.0.0, and was commissioned with 1.8.21", replaces="SN-OLD"
    )
    said = " ".join(said_in(report))
    as_it_was = " ".join(said_in(PASSED))
    assert "No longer current" in said
    assert "the charge point now runs firmware 2.0.0" in said
    assert "Replaces" in said
    assert "SN-OLD" in said
    assert "No longer current" not in as_it_was
    assert "Replaces" not in as_it_was


def test_a_site_lists_what_was_withdrawn_when_by_whom_and_why() -> None:
    gone = Withdrawn(
        registered=replace(REGISTERED, serial_number="SN-GONE", place="Bay 9"),
        withdrawal=Withdrawal(at=AT, by="installer@acme.com", reason="Dead on arrival."),
        replaced_by="SN-NEW",
    )
    report = replace(certificate_of(PASSED), scope=CertificateScope.PROJECT, withdrawn=(gone,))
    pdf = " ".join(" ".join(texts(render_pdf(report, ISSUE, THUMBNAILS))).split())
    page = render_html(report, ISSUE, THUMBNAILS, sha256="0" * 64).partition("<body>")[2]
    html = " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())
    for said in (pdf, html):
        assert "SN-GONE" in said
        assert "by installer@acme.com: Dead on arrival; in its place is SN-NEW." in said
        assert "1 of 1 passed, 1 withdrawn" in said


@BOTH
def test_a_sites_cover_marks_what_was_not_read_and_what_needs_review(said_in: Read) -> None:
    handshake = replace(
        HANDSHAKE,
        evidence=HANDSHAKE.evidence
        | {"charge_point_serial": None, "not_read": ["model", "serial_number"]},
        needs_review=True,
    )
    unread = replace(PASSED, run=replace(RUN, checks=(handshake, *RUN.checks[1:])))
    said = " ".join(" ".join(said_in(unread, PASSED)).split())
    cover = said[: said.index("All connectors tested.")]
    assert cover.count("CP-SN-00483921 (declared, not read)") == 1
    assert cover.count("ABB Terra AC W22 (declared, not read)") == 1
    assert cover.count("needs review") == 1
    assert ", 1 to be reviewed" in cover
    assert "to be reviewed" not in " ".join(said_in(PASSED, PASSED))


@BOTH
def test_a_project(said_in: Read) -> None:
    said = " ".join(said_in(PASSED, FAILED, WITHOUT_TEST))
    assert "2 of 4 passed, 1 without a test charge" in said
    assert "Commissioning report of a site" in said
    assert "1 May 2026, 09:40:00 UTC" in said
    assert "skipped" in said
    assert "CP-SN-LATE" in said
    assert "All connectors tested. Site owner briefed on app usage." in said
    assert "J. Smith" in said


def test_a_project_has_a_page_for_each_charge_point() -> None:
    pdf = render_pdf(certificate_of(*[PASSED] * 40), ISSUE, {})
    pages = texts(pdf)
    assert len(pages) == 42  # a list of 41 takes two pages of its own
    assert pages[1].startswith("Riverside Business Park · continued")
    assert "Page 2 of 42" in pages[1]
    title = "ABB Terra AC W22 · CP-SN-00483921"
    assert outline(pdf) == [("Overview", 0), *((title, page) for page in range(2, 42))]


def test_html_escapes_what_a_charge_point_says() -> None:
    evil = '<script>alert("1")</script><img src=x onerror=alert(1)>'
    report = replace(
        DECLARED,
        registered=replace(REGISTERED, vendor=evil, place=evil),
        frames=(frame(1, FrameDirection.FROM_CHARGE_POINT, "Heartbeat", f'[2,"{evil}"]'),),
    )
    page = render_html(certificate_of(report), ISSUE, {}, sha256="0" * 64)
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;" in page


def test_text_in_any_script_is_drawn_or_written_out() -> None:
    model = "深圳 Zaptec Ω 充电桩 Привет"
    (page,) = as_pdf(replace(PASSED, registered=replace(REGISTERED, vendor="V", model=model)))
    assert "\\u{6df1}\\u{5733} Zaptec Ω" in page


def test_hundreds_of_connectors_and_parameters_are_summed_up() -> None:
    connectors = CheckRecord(
        name=CheckName.CONNECTOR_AVAILABLE,
        result=CheckResult.FAILED,
        steps=tuple(
            step(
                f"connector.{number}",
                f"Connector {number} reports {'Faulted' if number == 150 else 'Available'}.",
                CheckResult.FAILED if number == 150 else CheckResult.PASSED,
            )
            for number in range(201)
        ),
        notes=tuple(f"Connector {number} was made available." for number in range(200)),
    )
    handshake = replace(
        HANDSHAKE,
        steps=tuple(
            step(f"configuration.Key{number}", f"Key{number} is {'x' * 2500}; 1 is desired.")
            for number in range(300)
        ),
    )
    pages = as_pdf(replace(PASSED, run=replace(RUN, checks=(handshake, connectors))))
    assert len(pages) <= 2
    said = " ".join(pages)
    assert "Connector 150 reports Faulted." in said  # what is wrong comes first
    assert "195 more connectors are on the record; 195 of them passed." in said
    assert "276 more on the record" in said
    assert "196 more notes are on the record." in said


def test_a_plot_of_very_few_or_very_many_readings() -> None:
    assert "Power, kW" in as_pdf(replace(PASSED, readings=PASSED.readings[:2]))[0]
    (none,) = as_pdf(replace(PASSED, readings=()))
    assert "The charge point sent no meter values." in none
    many = tuple(
        MeterReading(at=later(number), energy_wh=73057.0 + number, power_w=3600.0)
        for number in range(20_000)
    )
    pdf = render_pdf(certificate_of(replace(PASSED, readings=many)), ISSUE, {})
    assert len(pdf) < 100_000
    assert "Energy, kWh" in texts(pdf)[0]


_any_text = st.text(max_size=60)
_results = st.sampled_from(CheckResult)
_moments = st.datetimes().map(lambda at: at.replace(tzinfo=AT.tzinfo))
_failures = st.none() | st.builds(Failure, code=_any_text, cause=_any_text, action=_any_text)
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | _any_text
_checks = st.builds(
    CheckRecord,
    name=st.sampled_from(CheckName),
    result=_results,
    steps=st.lists(
        st.builds(
            Step,
            name=st.sampled_from(["identity", "connector.1", "configuration.A"]) | _any_text,
            result=_results,
            at=_moments,
            detail=_any_text,
        ),
        max_size=8,
    ).map(tuple),
    evidence=st.dictionaries(
        st.sampled_from(["ping_ms", "reported", "transaction_id"]) | _any_text,
        _scalars | st.lists(_scalars, max_size=3),
        max_size=6,
    ),
    notes=st.lists(_any_text, max_size=6).map(tuple),
    needs_review=st.booleans(),
    failure=_failures,
    skip_reason=st.none() | _any_text,
    kept_from=st.none() | _any_text,
    started_at=st.none() | _moments,
    ended_at=st.none() | _moments,
)
_runs = st.builds(
    RunView,
    commissioning_id=_any_text,
    charge_point_id=_any_text,
    status=st.sampled_from([RunStatus.COMPLETED, RunStatus.FAILED]),
    checks=st.lists(_checks, max_size=4).map(tuple),
    started_at=_moments,
    completed_at=st.none() | _moments,
    failure=_failures,
    started_by=_any_text,
    cancelled_by=st.none() | _any_text,
    cancel_reason=st.none() | _any_text,
    alarms=st.lists(_any_text, max_size=6).map(tuple),
)
_watts = st.none() | st.floats(min_value=-1e15, max_value=1e15)
_readings = st.lists(
    st.builds(
        MeterReading,
        at=st.floats(min_value=-1e6, max_value=1e6).map(later),
        energy_wh=_watts,
        power_w=_watts,
    ),
    max_size=12,
).map(tuple)
_transactions = st.none() | st.builds(
    TransactionFact,
    transaction_id=st.integers(),
    connector_id=st.integers(),
    id_tag=_any_text,
    started_at=st.just(AT),
    meter_start=st.integers(min_value=-(2**31), max_value=2**31),
    stopped_at=st.none() | st.floats(min_value=-1e6, max_value=1e6).map(later),
    meter_stop=st.none() | st.integers(min_value=-(2**31), max_value=2**31),
)


@settings(max_examples=15, deadline=None)
@given(run=_runs, readings=_readings, transaction=_transactions, place=st.text(max_size=500))
def test_any_record_renders(
    run: RunView,
    readings: tuple[MeterReading, ...],
    transaction: TransactionFact | None,
    place: str,
) -> None:
    report = certificate_of(
        replace(
            DECLARED,
            registered=replace(REGISTERED, place=place),
            position=Position(latitude=-90, longitude=180),
            run=run,
            readings=readings,
            transaction=transaction,
        )
    )
    assert render_pdf(report, ISSUE, THUMBNAILS).startswith(b"%PDF-")
    assert render_html(report, ISSUE, THUMBNAILS, sha256="0").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("time_zone", "said"),
    [
        ("UTC", "1 May 2026, 22:35:00 UTC"),
        ("Europe/London", "1 May 2026, 22:35:00 UTC (23:35 BST)"),
        ("Asia/Tokyo", "1 May 2026, 22:35:00 UTC (2 May, 07:35 JST)"),
        ("Asia/Kathmandu", "1 May 2026, 22:35:00 UTC (2 May, 04:20 UTC+05:45)"),
        ("Africa/Abidjan", "1 May 2026, 22:35:00 UTC"),
    ],
)
def test_a_moment_is_by_the_clock_at_the_site_too(time_zone: str, said: str) -> None:
    assert moment(datetime(2026, 5, 1, 22, 35, tzinfo=UTC), time_zone) == said


@BOTH
def test_the_owner_and_the_clock_at_the_site_are_shown(said_in: Read) -> None:
    (page,) = said_in(replace(DECLARED, time_zone="Europe/London"))
    for said in (
        "1 May 2026, 09:35:00 UTC (10:35 BST)",
        "Declared by installer@acme.com, 1 May 2026, 09:37:00 UTC (10:37 BST)",
    ):
        assert said in page, page


def test_a_drawn_signature_stands_beside_the_typed_one() -> None:
    page = render_html(certificate_of(WITH_CIRCUIT), ISSUE, {}, sha256="0" * 64)
    drawn = re.findall(r'<polyline points="([^"]*)"></polyline>', page.partition("signature")[2])
    assert len(drawn) == 2
    assert drawn[1] == "90.00,5.00 92.00,8.00 "
    declaration = WITH_CIRCUIT.declaration
    assert declaration is not None
    without = replace(
        WITH_CIRCUIT,
        declaration=replace(
            declaration, declared=replace(declaration.declared, signature_drawing=None)
        ),
    )
    pages = [render_pdf(certificate_of(one), ISSUE, {}) for one in (WITH_CIRCUIT, without)]
    assert [b"(Signature, drawn by hand)" in pdf for pdf in pages] == [True, False]


def test_a_signature_as_a_picture_stands_beside_the_typed_one() -> None:
    signed = certificate_of(with_picture(WITH_CIRCUIT))
    page = render_html(signed, ISSUE, {}, sha256="0" * 64)
    (picture,) = re.findall(r'<img class="signature" src="data:image/png;base64,([^"]+)"', page)
    declaration = signed.charge_points[0].declaration
    assert declaration is not None
    assert picture == declaration.declared.signature_png
    pdf = render_pdf(signed, ISSUE, {})
    assert b"(Signature, drawn by hand)" in pdf
    assert pdf.count(b"/Subtype /Image") == 1
    assert b"/SMask" not in pdf


@BOTH
def test_the_checklist_is_shown_item_by_item(said_in: Read) -> None:
    page = "\n".join(said_in(WITH_CHECKLIST))
    for said in (
        "Checklist, declared by the installer",
        "13 items, 1 not compliant, 1 not answered",
        "Charge point, general (generic-1)",
        "its enclosure is whole and closed. (required)",
        "Remark: The sun blinds the display at noon; a hood is ordered.",
        "Remark: The device has no button; it tests itself.",
        "installer@acme.com, 1 May 2026, 09:36:40 UTC",
        "Volt & Sons Ltd",
        "4 Forge Lane, Bristol, BS2 0XX",
        "Company no. 09123456",
    ):
        assert said in page, page
    for word in ("compliant", "not compliant", "not applicable", "not answered"):
        assert page.count(word) >= 2, word  # in the legend, and at an item


@BOTH
def test_without_a_checklist_nothing_is_said_of_one(said_in: Read) -> None:
    assert "Checklist" not in "".join(said_in(WITH_CIRCUIT))


def test_an_item_names_its_source() -> None:
    checklist = WITH_CHECKLIST.checklist
    assert checklist is not None
    first, *others = checklist.profile.items
    named = replace(first, source="https://example.org/rule")
    profile = replace(checklist.profile, items=(named, *others), country="GB", authority="HSE")
    pdf = texts(
        render_pdf(
            certificate_of(replace(WITH_CHECKLIST, checklist=replace(checklist, profile=profile))),
            ISSUE,
            {},
        )
    )
    assert "Source: https://example.org/rule" in "".join(pdf)
    assert "(generic-1, GB · HSE)" in "".join(pdf)


def test_the_cover_names_the_company_that_was_declared() -> None:
    contractor = WITH_CHECKLIST.contractor
    report = certificate_of(WITH_CHECKLIST, FAILED)
    report = replace(report, site=replace(report.site, contractor=contractor))
    page = render_html(report, ISSUE, {}, sha256="0" * 64)
    cover = texts(render_pdf(report, ISSUE, {}))[0]
    for said in ("Volt & Sons Ltd (declared)", "4 Forge Lane", "Company no. 09123456"):
        assert said in unescape(page)
        assert said in cover


def test_no_name_of_what_was_declared_is_cut_off() -> None:
    contractor, declaration = WITH_CHECKLIST.contractor, DECLARED.declaration
    circuit = WITH_CHECKLIST.declaration
    assert contractor is not None
    assert declaration is not None
    assert circuit is not None
    measured = {
        field: value
        for field in declaration.declared.__slots__
        if (value := getattr(declaration.declared, field)) is not None
    }
    everything = replace(circuit, declared=replace(circuit.declared, **measured))
    names = [name for name, _ in contractor_rows(contractor) + declared_rows(everything, "UTC")]
    assert len(names) > 20
    for at in range(len(measured)):
        few = replace(everything.declared, **dict.fromkeys(sorted(measured)[:at]))
        report = replace(WITH_CHECKLIST, declaration=replace(everything, declared=few))
        page = "".join(texts(render_pdf(certificate_of(report), ISSUE, {})))
        for name, _ in content_of(report).declared:
            assert name in page, name
