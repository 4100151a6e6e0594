"""Reports to render: what the engine keeps of a run on a virtual charge point, and variations."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO

from PIL import Image

from documents.signature_picture import read_signature
from domain.certificates import (
    CertificateScope,
    ChargePointReport,
    Frame,
    FrameDirection,
    Issue,
    Position,
    Report,
    Site,
    Unjudged,
)
from domain.checklists import Checklist, ChecklistAnswer, Compliance
from domain.checks import CheckRecord, ConnectorTest, Failure, RunView, Step
from domain.commissioning import MeterReading, Registered
from domain.contractors import Contractor
from domain.declarations import (
    Declaration,
    Declared,
    EarthingSystem,
    PhaseRotation,
    PhotoFact,
    Polarity,
    RcdType,
)
from domain.facts import TransactionFact
from domain.states import CheckName, CheckResult, RunStatus
from storage.checklists import load_checklists
from tests.documents.pictures import encoded, hand

AT = datetime(2026, 5, 1, 9, 35, tzinfo=UTC)
ISSUE = Issue(
    certificate_id="cer_01M826PA7HEPQ259JFAMFBF1KZ",
    number=2,
    issued_at=datetime(2026, 5, 1, 9, 40, tzinfo=UTC),
    key_fingerprint="3f2a91bc77de0142" * 4,
    url="https://api.dynamo-csms.com/certificates/Zm9vYmFyYmF6cXV4cXV1eGNvcmdl",
    keys_url="https://api.dynamo-csms.com/api/v1/certificate-keys",
)
SITE = Site(
    project_id="prj_01HX4M7TABCDE12345",
    name="Riverside Business Park",
    address="12 Riverside Way, Bristol, BS1 4AA",
    installer="Acme EV Solutions Ltd",
)
REGISTERED = Registered(
    charge_point_id="cp_01HX5P2QRSTUVWXYZ0",
    project_id="prj_01HX4M7TABCDE12345",
    vendor="ABB",
    model="ABB Terra AC W22",
    serial_number="CP-SN-00483921",
    ocpp_version="1.6",
    place="Bay 3, Car Park A",
)


def later(seconds: float) -> datetime:
    """A moment of the run."""
    return AT + timedelta(seconds=seconds)


def step(name: str, detail: str, result: CheckResult = CheckResult.PASSED) -> Step:
    return Step(name=name, result=result, at=AT, detail=detail)


HANDSHAKE = CheckRecord(
    name=CheckName.OCPP_HANDSHAKE,
    result=CheckResult.PASSED,
    started_at=later(0),
    ended_at=later(0.82),
    steps=(
        step("identity", "ABB Terra AC W22 is the one that was registered."),
        step("configuration.HeartbeatInterval", "HeartbeatInterval is 30; 30 is desired."),
        step(
            "configuration.MeterValueSampleInterval",
            "MeterValueSampleInterval is 15; 15 is desired.",
        ),
        step("accepted", "Its BootNotification was answered Accepted."),
        step("heartbeat", "A heartbeat arrived."),
        step("clock", "Its clock is off by 0.0 s."),
    ),
    evidence={
        "vendor": "ABB",
        "model": "Terra AC W22",
        "charge_point_serial": "CP-SN-00483921",
        "keys_reported": 28,
        "reboots": 0,
        "ocpp_version": "1.6",
        "ping_ms": 42.0,
        "clock_skew_s": -0.001951,
    },
)
FIRMWARE = CheckRecord(
    name=CheckName.FIRMWARE_VERSION,
    result=CheckResult.PASSED,
    steps=(step("version", "The version is 1.6.6 or newer."),),
    evidence={"reported": "1.8.21", "version": "1.8.21"},
)
CONNECTORS = CheckRecord(
    name=CheckName.CONNECTOR_AVAILABLE,
    result=CheckResult.PASSED,
    steps=(
        step("connector.0", "The charge point itself reports Available."),
        step("connector.1", "Connector 1 reports Available."),
    ),
)
TEST_CHARGE = CheckRecord(
    name=CheckName.TEST_TRANSACTION,
    result=CheckResult.PASSED,
    started_at=later(1),
    ended_at=later(18),
    steps=(
        step("started", "Transaction 7 started on connector 1."),
        step("stopped", "Transaction 7 stopped (Remote)."),
        step("energy", "The register moved, and the meter agrees with itself."),
    ),
    evidence={
        "connector_id": 1,
        "transaction_id": "7",
        "meter_start_wh": 73057,
        "meter_stop_wh": 73149,
        "transaction_energy_wh": 92.0,
        "samples": 3,
        "register_energy_wh": 60.0,
        "power_over_time_wh": 59.822,
    },
)
RUN = RunView(
    commissioning_id="com_01HX6RSTUVWXYZ1234",
    charge_point_id=REGISTERED.charge_point_id,
    status=RunStatus.COMPLETED,
    checks=(HANDSHAKE, FIRMWARE, CONNECTORS, TEST_CHARGE),
    started_at=AT,
    completed_at=later(19),
    started_by="installer@acme.com",
)
TRANSACTION = TransactionFact(
    transaction_id="7",
    connector_id=1,
    id_tag="E6C6C27AE955F8564B30",
    started_at=later(2),
    meter_start=73057,
    stopped_at=later(17),
    meter_stop=73149,
    stop_reason="Remote",
)
READINGS = tuple(
    MeterReading(at=later(2 + at), energy_wh=wh, power_w=watts)
    for at, wh, watts in ((5, 73088.0, 21_975.0), (10, 73120.0, 22_010.0), (15, 73148.0, 21_940.0))
)


def frame(at: float, direction: FrameDirection, action: str, text: str) -> Frame:
    return Frame(at=later(at), direction=direction, action=action, text=text)


_IN, _OUT = FrameDirection.FROM_CHARGE_POINT, FrameDirection.TO_CHARGE_POINT
FRAMES = (
    frame(0, _IN, "BootNotification", '[2,"1","BootNotification",{"chargePointVendor":"ABB"}]'),
    frame(0.1, _OUT, "BootNotification", '[3,"1",{"status":"Accepted","interval":30}]'),
    frame(0.5, _IN, "Heartbeat", '[2,"2","Heartbeat",{}]'),
    frame(1, _OUT, "RemoteStartTransaction", '[2,"3","RemoteStartTransaction",{"connectorId":1}]'),
    frame(1.1, _IN, "RemoteStartTransaction", '[3,"3",{"status":"Accepted"}]'),
    frame(2, _IN, "StartTransaction", '[2,"4","StartTransaction",{"meterStart":73057}]'),
    frame(2.1, _OUT, "StartTransaction", '[3,"4",{"transactionId":7}]'),
    frame(17, _IN, "StopTransaction", '[2,"5","StopTransaction",{"meterStop":73149}]'),
)
PASSED = ChargePointReport(
    registered=REGISTERED,
    run=RUN,
    position=Position(latitude=51.4545, longitude=-2.5879),
    transaction=TRANSACTION,
    readings=READINGS,
    frames=FRAMES,
    frames_logged=40,
)
FAULT = Failure(
    code="connector_faulted",
    cause="Connector 1 reports a fault: GroundFailure, vendor code E-1042.",
    action="Mend the connector, then retry.",
)
FAILED = replace(
    PASSED,
    run=replace(
        RUN,
        status=RunStatus.FAILED,
        failure=FAULT,
        checks=(
            HANDSHAKE,
            FIRMWARE,
            replace(
                CONNECTORS,
                result=CheckResult.FAILED,
                failure=FAULT,
                steps=(step("connector.1", "Connector 1 reports Faulted.", CheckResult.FAILED),),
            ),
            CheckRecord(
                name=CheckName.TEST_TRANSACTION,
                result=CheckResult.SKIPPED,
                skip_reason="connector_available failed.",
            ),
        ),
    ),
    transaction=None,
    readings=(),
)
WITHOUT_TEST = replace(
    PASSED,
    run=replace(
        RUN,
        run_test_transaction=False,
        checks=(
            HANDSHAKE,
            replace(
                FIRMWARE, needs_review=True, notes=("The catalogue does not know this version.",)
            ),
            CONNECTORS,
            CheckRecord(
                name=CheckName.TEST_TRANSACTION,
                result=CheckResult.SKIPPED,
                skip_reason="No vehicle on site.",
            ),
        ),
    ),
    transaction=None,
    readings=(),
)
LEFT_OUT = "pat@acme.com started the run for a test charge on connectors 1 and 2 alone."
SKIPPED_ON_SITE = (
    "alex@acme.com skipped the test charge on connector 2 while a vehicle was waited for: The "
    "cable of the tester is too short."
)
THREE_CONNECTORS = replace(
    PASSED,
    run=replace(
        RUN,
        checks=(
            HANDSHAKE,
            FIRMWARE,
            CONNECTORS,
            replace(
                TEST_CHARGE,
                needs_review=True,
                notes=(
                    f"Connector 2 was not tested: {SKIPPED_ON_SITE}",
                    f"Connector 3 was not tested: {LEFT_OUT}",
                ),
                connectors=(
                    ConnectorTest(
                        connector_id=1,
                        result=CheckResult.PASSED,
                        evidence=TEST_CHARGE.evidence,
                        started_at=TEST_CHARGE.started_at,
                        ended_at=TEST_CHARGE.ended_at,
                    ),
                    ConnectorTest(
                        connector_id=2,
                        result=CheckResult.SKIPPED,
                        skip_reason=SKIPPED_ON_SITE,
                        decided_by="alex@acme.com",
                        started_at=TEST_CHARGE.started_at,
                        ended_at=TEST_CHARGE.ended_at,
                    ),
                    ConnectorTest(
                        connector_id=3,
                        result=CheckResult.SKIPPED,
                        skip_reason=LEFT_OUT,
                        decided_by="pat@acme.com",
                    ),
                ),
            ),
        ),
    ),
)
KEPT = replace(
    PASSED,
    run=replace(
        RUN,
        checks=(
            HANDSHAKE,
            replace(FIRMWARE, kept_from="com_01HX6EARLIERRUN"),
            CONNECTORS,
            TEST_CHARGE,
        ),
        previous_commissioning_id="com_01HX6EARLIERRUN",
    ),
)


def photo(number: int, caption: str | None = None) -> PhotoFact:
    return PhotoFact(
        id=f"pho_{number}",
        caption=caption,
        width=1600,
        height=1200,
        sha256=f"{number:064x}",
        added_by="installer@acme.com",
        added_at=AT,
    )


def thumbnail(colour: tuple[int, int, int] = (120, 150, 170)) -> bytes:
    """A small JPEG."""
    file = BytesIO()
    Image.new("RGB", (480, 360), colour).save(file, "JPEG")
    return file.getvalue()


DECLARED = replace(
    PASSED,
    declaration=Declaration(
        declared=Declared(
            certificate_reference="EIC-2026-0413",
            rcd_type=RcdType.A_WITH_6_MA_DC,
            rcd_rated_current_ma=Decimal(30),
            rcd_trip_time_ms=Decimal("18.4"),
            earth_loop_impedance_ohm=Decimal("0.35"),
            insulation_resistance_mohm=Decimal(999),
            instrument="MFT1741+ no. 101 223 118",
            tested_by="Jane Smith",
            tested_at=AT,
            notes="Supply from DB-3, way 7. Bollard fitted.",
            signature="J. Smith",
        ),
        by="installer@acme.com",
        at=later(120),
    ),
    photos=(photo(1, "Distribution board DB-3"), photo(2, "Type plate"), photo(3)),
)


WITH_CIRCUIT = replace(
    DECLARED,
    declaration=Declaration(
        declared=Declared(
            certificate_reference="EIC-2026-0413",
            installer_registration="Register of electrical contractors, no. 40213",
            installer_competence="Qualified for EV charging installations",
            earthing_system=EarthingSystem.TN_C_S,
            pen_fault_protection="Device that watches the voltage, in the charge point",
            protective_device="MCB type B, 10 kA",
            protective_device_current_a=Decimal(40),
            cable="Armoured, 3-core, copper, in a duct",
            cable_cross_section_mm2=Decimal(6),
            r1_plus_r2_ohm=Decimal("0.21"),
            polarity=Polarity.CORRECT,
            phase_rotation=PhaseRotation.SINGLE_PHASE,
            rcd_type=RcdType.A_WITH_6_MA_DC,
            signature="J. Smith",
            signature_drawing="M 4 30 C 20 2 32 2 26 30 Q 34 44 52 20 L 88 24 M 90 5 L 92 8",
        ),
        by="installer@acme.com",
        at=later(120),
    ),
)


def with_picture(report: ChargePointReport) -> ChargePointReport:
    """Put a picture in the place of the signature's drawing."""
    declaration = report.declaration
    assert declaration is not None
    declared = replace(
        declaration.declared, signature_drawing=None, signature_png=read_signature(encoded(hand()))
    )
    return replace(report, declaration=replace(declaration, declared=declared))


_PROFILE = load_checklists()["generic-1"]


def _answered(compliance: Compliance, remark: str | None = None) -> ChecklistAnswer:
    return ChecklistAnswer(
        compliance=compliance, remark=remark, by="installer@acme.com", at=later(100)
    )


WITH_CHECKLIST = replace(
    WITH_CIRCUIT,
    checklist=Checklist(
        profile=_PROFILE,
        answers={
            **{
                item.id: _answered(Compliance.COMPLIANT)
                for item in _PROFILE.items
                if item.id != "documents"
            },
            "residual_current": _answered(
                Compliance.NOT_APPLICABLE, "The device has no button; it tests itself."
            ),
            "display": _answered(
                Compliance.NOT_COMPLIANT, "The sun blinds the display at noon; a hood is ordered."
            ),
        },
    ),
    contractor=Contractor(
        company="Volt & Sons Ltd",
        address="4 Forge Lane, Bristol, BS2 0XX",
        registration="Company no. 09123456",
        by="installer@acme.com",
        at=AT,
    ),
)


def _uuid(number: int) -> str:
    return f"8f14e45f-ceea-467f-a0e6-{number:012d}"


def _values(number: int, at: float, register: int, watts: int) -> Frame:
    stamp = f"{later(at):%Y-%m-%dT%H:%M:%SZ}"
    return frame(
        at,
        _IN,
        "MeterValues",
        f'[2,"{_uuid(number)}","MeterValues",{{"connectorId":1,"transactionId":7,"meterValue":'
        f'[{{"timestamp":"{stamp}","sampledValue":[{{"value":"230.1","measurand":"Voltage",'
        f'"phase":"L1-N","unit":"V"}},{{"value":"{register}","context":"Sample.Periodic",'
        f'"measurand":"Energy.Active.Import.Register","unit":"Wh"}},{{"value":"{watts}","context":'
        '"Sample.Periodic","measurand":"Power.Active.Import","unit":"W"}]}]}]',
    )


FULL = replace(
    DECLARED,
    run=replace(
        RUN,
        checks=(
            replace(
                HANDSHAKE,
                steps=(
                    *HANDSHAKE.steps,
                    step(
                        "configuration.MaxChargingProfilesInstalled",
                        "MaxChargingProfilesInstalled is 10; 10 is desired.",
                    ),
                    step(
                        "configuration.AuthorizationCacheEnabled",
                        "AuthorizationCacheEnabled is true; true is desired.",
                    ),
                ),
            ),
            FIRMWARE,
            CONNECTORS,
            TEST_CHARGE,
        ),
    ),
    frames=(
        frame(
            0,
            _IN,
            "BootNotification",
            f'[2,"{_uuid(1)}","BootNotification",{{"chargePointVendor":"ABB","chargePointModel":'
            '"ABB Terra AC W22","chargePointSerialNumber":"CP-SN-00483921","firmwareVersion":'
            '"1.8.21","iccid":"89440000000000000000","meterType":"MID"}]',
        ),
        frame(
            0.1,
            _OUT,
            "BootNotification",
            f'[3,"{_uuid(1)}",{{"currentTime":"2026-05-01T09:35:00Z","interval":30,"status":'
            '"Accepted"}]',
        ),
        frame(0.5, _IN, "Heartbeat", f'[2,"{_uuid(2)}","Heartbeat",{{}}]'),
        frame(
            1,
            _OUT,
            "RemoteStartTransaction",
            f'[2,"{_uuid(3)}","RemoteStartTransaction",{{"idTag":"E6C6C27AE955F8564B30",'
            '"connectorId":1}]',
        ),
        frame(1.1, _IN, "RemoteStartTransaction", f'[3,"{_uuid(3)}",{{"status":"Accepted"}}]'),
        frame(
            2,
            _IN,
            "StartTransaction",
            f'[2,"{_uuid(4)}","StartTransaction",{{"connectorId":1,"idTag":"E6C6C27AE955F8564B30",'
            '"meterStart":73057,"timestamp":"2026-05-01T09:35:02Z"}]',
        ),
        frame(
            2.1,
            _OUT,
            "StartTransaction",
            f'[3,"{_uuid(4)}",{{"transactionId":7,"idTagInfo":{{"status":"Accepted"}}}}]',
        ),
        _values(5, 7, 73088, 21975),
        _values(6, 17, 73148, 21940),
        frame(
            17.5,
            _IN,
            "StopTransaction",
            f'[2,"{_uuid(7)}","StopTransaction",{{"transactionId":7,"idTag":'
            '"E6C6C27AE955F8564B30","meterStop":73149,"timestamp":"2026-05-01T09:35:17Z","reason":'
            '"Remote"}]',
        ),
        frame(
            18,
            _IN,
            "StatusNotification",
            f'[2,"{_uuid(8)}","StatusNotification",{{"connectorId":1,"errorCode":"NoError",'
            '"status":"Available","timestamp":"2026-05-01T09:35:18Z"}]',
        ),
    ),
)
"""What an installer has who fills in everything: the ordinary full case."""


def certificate_of(*charge_points: ChargePointReport) -> Report:
    """A report on one charge point, or on a project of several."""
    if len(charge_points) == 1:
        return Report(
            scope=CertificateScope.CHARGE_POINT, site=SITE, charge_points=tuple(charge_points)
        )
    return Report(
        scope=CertificateScope.PROJECT,
        site=replace(
            SITE,
            handed_over_at=later(3600),
            sign_off_notes="All connectors tested. Site owner briefed on app usage.",
            installer_signature="J. Smith",
        ),
        charge_points=tuple(charge_points),
        unjudged=(
            Unjudged(
                registered=replace(REGISTERED, serial_number="CP-SN-LATE"),
                why="It has not been commissioned. Start its commissioning.",
            ),
        ),
    )
