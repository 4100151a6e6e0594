"""What each fault of the simulator deserves: a verdict, its code and sentences, or a pass.

In the sentences `*` stands for what differs from run to run.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from domain.commissioning import RunPace
from domain.failures import FailureCode
from domain.states import CheckName
from simulator import Fault
from simulator.payload_faults import OTHER_TRANSACTION
from simulator.profile import ABB_TERRA_AC_W22, Profile
from tests.faults import encores, mending
from tests.faults.encores import Act
from tests.faults.stage import PATIENT


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The check that fails, and what an installer reads."""

    check: CheckName
    code: FailureCode
    cause: str
    action: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """A pass unless ``fails``. All notes of the run are ``notes``, and no others."""

    fails: Verdict | None = None
    notes: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    needs_review: bool = False
    starts: int = 1
    resets: int = 0
    profile: Profile = ABB_TERRA_AC_W22
    also: tuple[Fault, ...] = ()
    """Faults that the charge point has besides."""
    update_firmware: bool = False
    updates: int = 0
    pace: RunPace = PATIENT
    plate_length: int = 0
    """The serial number on the type plate is filled with zeros to this length."""
    encore: Callable[[Act], Awaitable[None]] | None = None
    """What else holds, or happens, after the verdict."""
    mend: Callable[[Act], Awaitable[None]] | None = None
    """What the action of its failure says is done; a retry passes then."""


def _fails(check: CheckName, code: FailureCode, cause: str, action: str) -> Verdict:
    return Verdict(check=check, code=code, cause=cause, action=action)


_IDENTITY: dict[Fault, Case] = {
    Fault.WRONG_SERIAL: Case(
        fails=_fails(
            CheckName.OCPP_HANDSHAKE,
            FailureCode.SERIAL_MISMATCH,
            "The charge point says its serial number is 'SN-OF-ANOTHER-ONE'; 'SN-*' was "
            "registered.",
            "Compare with the type plate. Correct the serial number that is registered (PATCH "
            '…/charge-points/{id} with "serial_number"), or the OCPP URL on site if two charge '
            "points were swapped; then retry.",
        ),
        starts=0,
        mend=mending.its_serial_number_is_corrected,
    ),
    Fault.LONG_SERIAL: Case(
        plate_length=31,
        notes=("chargePointSerialNumber has 31 characters, the standard allows 25",),
    ),
    Fault.EMPTY_VENDOR: Case(
        notes=(
            (
                "The charge point reports no vendor: 'ABB' was declared at its registration, not "
                "read from it."
            ),
            "chargePointVendor is empty",
        ),
        needs_review=True,
    ),
    Fault.NO_SERIAL: Case(
        notes=(
            (
                "The charge point reports no serial number: 'SN-*' was declared at its "
                "registration, not read from it."
            ),
        ),
        needs_review=True,
        encore=encores.the_certificate_says_that_the_serial_is_declared,
    ),
    Fault.PLACEHOLDER_SERIAL: Case(
        notes=(
            (
                "The charge point reports '0000000000' as its serial number, which tells no charge "
                "point from another: 'SN-*' was declared at its registration, not read from it."
            ),
        ),
        needs_review=True,
        encore=encores.the_certificate_says_that_the_serial_is_declared,
    ),
    Fault.NAMELESS: Case(
        notes=(
            (
                "The charge point reports no vendor: 'ABB' was declared at its registration, not "
                "read from it."
            ),
            (
                "The charge point reports no model: 'ABB Terra AC W22' was declared at its "
                "registration, not read from it."
            ),
            "chargePointVendor is missing",
            "chargePointModel is missing",
        ),
        needs_review=True,
    ),
    Fault.OLD_FIRMWARE: Case(
        fails=_fails(
            CheckName.FIRMWARE_VERSION,
            FailureCode.FIRMWARE_OUTDATED,
            "The firmware is '1.2.0'; at least '1.6.6' is approved.",
            "Update the firmware of the charge point, then retry; or retry with "
            '"update_firmware": true (POST …/commissioning/{id}/retry), which leads through it.',
        ),
        starts=0,
        encore=encores.connectors_were_looked_at,
        mend=mending.a_firmware_by_hand,
    ),
    Fault.CLOCK_SKEWED: Case(
        fails=_fails(
            CheckName.OCPP_HANDSHAKE,
            FailureCode.CLOCK_SKEW,
            "The clock of the charge point is * ahead; 2 min is allowed.",
            "Set the clock or the time server of the charge point, restart it, then retry.",
        ),
        starts=0,
        mend=mending.mended_and_switched_off_and_on,
    ),
    Fault.CLOCK_BEHIND: Case(),
    Fault.BOOTS_ONCE: Case(
        fails=_fails(
            CheckName.OCPP_HANDSHAKE,
            FailureCode.BOOT_NOT_ACCEPTED,
            "The charge point was accepted and did not announce itself again within 5 s.",
            "Restart the charge point by hand, then retry.",
        ),
        starts=0,
        pace=replace(PATIENT, boot=timedelta(seconds=5)),
        mend=mending.switched_off_and_on,
    ),
    Fault.NO_BOOT_ON_RECONNECT: Case(encore=encores.another_run_after_a_reconnect),
}

_LINK: dict[Fault, Case] = {
    Fault.SILENT: Case(
        fails=_fails(
            CheckName.OCPP_HANDSHAKE,
            FailureCode.IDENTITY_UNKNOWN,
            "The charge point is connected but never said what it is (no BootNotification).",
            "Switch the charge point off and on again, then retry.",
        ),
        notes=(
            (
                "It did not answer when it was asked for a BootNotification, so it is not asked "
                "for messages any more."
            ),
        ),
        starts=0,
        pace=replace(PATIENT, boot=timedelta(seconds=5)),
        mend=mending.mended_and_switched_off_and_on,
    ),
    Fault.NO_HEARTBEAT: Case(
        fails=_fails(
            CheckName.OCPP_HANDSHAKE,
            FailureCode.HEARTBEAT_MISSING,
            "The charge point has a HeartbeatInterval of 60 s and sent no heartbeat within 6 s.",
            "Restart the charge point and retry; if it happens again, its firmware needs an "
            "update.",
        ),
        starts=0,
        pace=replace(
            PATIENT, heartbeat=timedelta(seconds=6), heartbeat_at_most=timedelta(seconds=6)
        ),
        mend=mending.mended_and_switched_off_and_on,
    ),
    Fault.GARBAGE_FRAMES: Case(encore=encores.frames_that_are_no_ocpp_are_in_the_log),
    Fault.DROPS_MID_TRANSACTION: Case(encore=encores.it_was_connected_twice),
    Fault.REPEATS_TRANSACTION_MESSAGES: Case(),
    Fault.STAMPS_REPEATS_ANEW: Case(encore=encores.nothing_runs_any_more),
}

_CONFIGURATION: dict[Fault, Case] = {
    Fault.REJECTS_KEY: Case(
        fails=_fails(
            CheckName.OCPP_HANDSHAKE,
            FailureCode.CONFIGURATION_REJECTED,
            "The charge point did not take the configuration: MeterValueSampleInterval = 30: the "
            "charge point rejected the value.",
            "Customise these parameters to values that the charge point takes (POST "
            "…/charge-points/{id}/config/customize; take_back gives up what it does not have), "
            "or set them in its own menu, then retry.",
        ),
        starts=0,
        mend=mending.customised_to_what_it_takes,
    ),
    Fault.NEEDS_REBOOT_FOR_KEY: Case(resets=1, encore=encores.the_new_value_is_in_force),
    Fault.REPORTS_BEFORE_REBOOT: Case(resets=1, encore=encores.the_new_value_is_in_force),
    Fault.MUTE_BEFORE_REBOOT: Case(resets=1, encore=encores.the_new_value_is_in_force),
    Fault.LACKS_KEY: Case(
        notes=("AuthorizationCacheEnabled = true: the charge point does not know this parameter",),
        encore=encores.the_key_was_not_told,
    ),
    Fault.MISSES_CHANGE: Case(encore=encores.the_change_was_told_again),
    Fault.BOOT_LOOPS_ON_KEY: Case(
        fails=_fails(
            CheckName.OCPP_HANDSHAKE,
            FailureCode.BOOT_LOOP,
            "The charge point keeps restarting, or its link keeps breaking: * boots within 10 min, "
            "each after a connection of less than 60 s.",
            "Check its power supply and network. If its last configuration began it, set that back "
            "in its own menu and customise it to the same (POST …/charge-points/{id}/config/"
            "customize), or update its firmware. Then retry.",
        ),
        starts=0,
        mend=mending.set_back_and_customised,
    ),
    Fault.REJECTS_RESET: Case(
        fails=_fails(
            CheckName.OCPP_HANDSHAKE,
            FailureCode.REBOOT_REFUSED,
            "The charge point refused to restart for its configuration (Rejected).",
            "Restart it by hand, then retry.",
        ),
        also=(Fault.NEEDS_REBOOT_FOR_KEY,),
        starts=0,
        resets=1,
        mend=mending.switched_off_and_on,
    ),
    Fault.IGNORES_RESET: Case(
        fails=_fails(
            CheckName.OCPP_HANDSHAKE,
            FailureCode.REBOOT_NOT_SEEN,
            "The charge point was told to restart and did not report back within 5 s.",
            "Check that the charge point has power, restart it by hand, then retry.",
        ),
        also=(Fault.NEEDS_REBOOT_FOR_KEY,),
        starts=0,
        resets=1,
        pace=replace(PATIENT, reboot=timedelta(seconds=5)),
        mend=mending.switched_off_and_on,
    ),
    Fault.RESTARTS_ON_ITS_LINK: Case(
        also=(Fault.NEEDS_REBOOT_FOR_KEY,), resets=1, encore=encores.the_new_value_is_in_force
    ),
    Fault.DROPS_ON_ALL_KEYS: Case(encore=encores.the_next_run_asks_for_named_keys),
}

_CONNECTORS: dict[Fault, Case] = {
    Fault.CONNECTOR_FAULTED: Case(
        fails=_fails(
            CheckName.CONNECTOR_AVAILABLE,
            FailureCode.CONNECTOR_FAULTED,
            "Connector 1 reports a fault: GroundFailure, vendor code E-1042, Residual current "
            "monitor tripped.",
            "Mend the fault (see the charge point's manual for the code), then retry.",
        ),
        starts=0,
        mend=mending.on_site,
    ),
    Fault.STATION_FAULTED: Case(
        fails=_fails(
            CheckName.CONNECTOR_AVAILABLE,
            FailureCode.CONNECTOR_FAULTED,
            "The charge point itself reports a fault: GroundFailure, vendor code E-1042, Residual "
            "current monitor tripped.",
            "Mend the fault (see the charge point's manual for the code), then retry.",
        ),
        starts=0,
        mend=mending.on_site,
    ),
    Fault.ODD_ERROR_CODE: Case(
        fails=_fails(
            CheckName.CONNECTOR_AVAILABLE,
            FailureCode.CONNECTOR_FAULTED,
            "Connector 1 reports a fault: E17-RCD, vendor code E-1042, Residual current monitor "
            "tripped.",
            "Mend the fault (see the charge point's manual for the code), then retry.",
        ),
        starts=0,
        mend=mending.on_site,
    ),
    Fault.ODD_STATUS: Case(
        fails=_fails(
            CheckName.CONNECTOR_AVAILABLE,
            FailureCode.CONNECTOR_STATUS_UNKNOWN,
            "Connector 1 reports the status 'Booting', which OCPP does not know (no error code).",
            "Restart the charge point and retry; if it happens again, its firmware needs an "
            "update.",
        ),
        starts=0,
        mend=mending.mended_and_switched_off_and_on,
    ),
    Fault.STALE_STAMPS: Case(encore=encores.the_clock_was_judged_in_the_test_charge),
    Fault.CONNECTOR_UNAVAILABLE: Case(
        notes=("Connector 1 was Unavailable and was made available.",)
    ),
    Fault.STAYS_UNAVAILABLE: Case(
        fails=_fails(
            CheckName.CONNECTOR_AVAILABLE,
            FailureCode.CONNECTOR_UNAVAILABLE,
            "Connector 1 stays Unavailable although it was told to become available.",
            "Enable it, or end its reservation, in the charge point's own menu, then retry.",
        ),
        starts=0,
        pace=replace(PATIENT, status=timedelta(seconds=3)),
        mend=mending.on_site,
    ),
    Fault.CABLE_PLUGGED: Case(encore=encores.a_cable_is_plugged_in),
    Fault.SILENT_CONNECTORS: Case(),
    Fault.NO_TRIGGER_MESSAGE: Case(
        notes=(
            (
                "It cannot be asked for a BootNotification (NotImplemented: TriggerMessage is not "
                "implemented)."
            ),
            (
                "It cannot be asked for a Heartbeat (NotImplemented: TriggerMessage is not "
                "implemented)."
            ),
            (
                "It cannot be asked for a MeterValues (NotImplemented: TriggerMessage is not "
                "implemented)."
            ),
        ),
        encore=encores.no_message_was_asked_for_twice,
    ),
    Fault.HANGS_ON_TRIGGER: Case(
        notes=(
            (
                "It did not answer when it was asked for a BootNotification, so it is not asked "
                "for messages any more."
            ),
        ),
        encore=encores.one_trigger_was_enough,
    ),
}

_IMPATIENT = replace(PATIENT, vehicle=timedelta(seconds=6), start=timedelta(seconds=3))

_SMART_CHARGING: dict[Fault, Case] = {
    # Nothing is limited before the handover.
    Fault.REJECTS_PROFILES: Case(),
    Fault.TAKES_WATTS: Case(),
    Fault.TAKES_AMPERES: Case(),
    Fault.NO_COMPOSITE_SCHEDULE: Case(),
    Fault.IDLE_SCHEDULE: Case(),
    Fault.REFUSES_ZERO: Case(),
    Fault.ENDS_AT_ZERO: Case(),
    Fault.NO_STATION_PROFILE: Case(),
    Fault.NO_SESSION_PROFILE: Case(),
    Fault.IGNORES_PROFILES: Case(),
    Fault.FORGETS_PROFILES: Case(),
}

_LOCAL_LISTS: dict[Fault, Case] = {
    # It is sent from the handover on.
    Fault.NO_LOCAL_LIST: Case(),
    Fault.LACKS_LISTS: Case(),
    Fault.LIST_VERSION_AS_TEXT: Case(),
    Fault.KEEPS_NO_LIST: Case(),
    Fault.FORGETS_LIST: Case(),
    Fault.FULL_LISTS_ONLY: Case(),
    Fault.SMALL_LIST: Case(),
    Fault.SHORT_LISTS: Case(),
    Fault.LIST_SWITCHED_OFF: Case(),
    Fault.LIST_STAYS_OFF: Case(),
    Fault.LIST_AFTER_REBOOT: Case(),
    Fault.DROPS_ON_LIST: Case(),
    Fault.MUTE_ON_LIST: Case(),
}

_TRANSACTIONS: dict[Fault, Case] = {
    Fault.REJECTS_START: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.TRANSACTION_REJECTED,
            "The charge point refused to start a test charge on connector 1 (Rejected).",
            "Plug a vehicle or a tester into connector 1; if one is plugged in, check the charge "
            "point's display for the reason, then retry.",
        ),
        pace=_IMPATIENT,
        mend=mending.on_site,
    ),
    Fault.START_ACCEPTED_NOTHING_FOLLOWS: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.TRANSACTION_NOT_STARTED,
            "The charge point accepted the test charge on connector 1, and no transaction followed "
            "within 6 s.",
            "Plug a vehicle or a tester that is ready to charge into connector 1, anew if one is "
            "plugged in; if that does not help, restart the charge point. Then retry.",
        ),
        pace=_IMPATIENT,
        mend=mending.on_site,
    ),
    Fault.WRONG_CONNECTOR: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.WRONG_CONNECTOR,
            "The test charge was asked for on connector 1 and ran on connector 2.",
            "Check the connector wiring and numbering in the charge point, then retry.",
        ),
        mend=mending.on_site,
    ),
    Fault.STARTS_BY_ITSELF: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.STARTED_BY_ITSELF,
            "A charge began on connector 1 with the tag 'FREEVEND', which is not that of the "
            "test: the charge point charges without asking (free charging, autostart or plug and "
            "charge), or does not keep the tag that it is told. It was stopped.",
            "Switch that off in the charge point's own menu, unplug the cable, then retry. If it "
            "is off, its firmware loses the tag and needs an update.",
        ),
        encore=encores.nothing_runs_any_more,
        mend=mending.on_site,
    ),
    Fault.ERROR_WHILE_CHARGING: Case(
        notes=(
            (
                "Connector 1 reported an error while it was tested: OtherError, vendor code RCD-7, "
                "Leakage seen."
            ),
        ),
        needs_review=True,
    ),
    Fault.CUTS_TAGS: Case(
        notes=(
            (
                "It was told the id tag * and reports *: cards whose ids begin alike may be taken "
                "for one another."
            ),
        ),
        needs_review=True,
    ),
    Fault.FAULTS_MID_TRANSACTION: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.CONNECTOR_FAULTED,
            "Connector 1 reports a fault: GroundFailure, vendor code E-1042, Residual current "
            "monitor tripped (during the test charge).",
            "Mend the fault (see the charge point's manual for the code), then retry.",
        ),
        encore=encores.the_fault_is_in_the_report,
        mend=mending.on_site,
    ),
    Fault.FAULTS_AT_THE_END: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.CONNECTOR_FAULTED,
            "Connector 1 reports a fault: GroundFailure, vendor code E-1042, Residual current "
            "monitor tripped (during the test charge).",
            "Mend the fault (see the charge point's manual for the code), then retry.",
        ),
        encore=encores.the_fault_is_in_the_report,
        mend=mending.on_site,
    ),
    Fault.UNSAFE_WHILE_CHARGING: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.CONNECTOR_FAULTED,
            "Connector 1 reports a fault: GroundFailure, vendor code E-1042, Residual current "
            "monitor tripped (during the test charge).",
            "Mend the fault (see the charge point's manual for the code), then retry.",
        ),
        encore=encores.the_fault_is_in_the_report,
        mend=mending.on_site,
    ),
    Fault.RESTARTS_MID_TRANSACTION: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.RESTARTED_IN_CHARGE,
            "The charge point restarted during the test charge on connector 1.",
            "Check its power supply (does the voltage break down when a vehicle draws?), then "
            "retry.",
        ),
        # It is back, and tells of its end, in a second; else the charge may be over first.
        pace=replace(PATIENT, charge_at_most=timedelta(seconds=40)),
        mend=mending.on_site,
    ),
    Fault.STOP_WITHOUT_ID: Case(),
    Fault.STOPS_ANOTHER: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.TRANSACTION_NOT_STOPPED,
            "The charge point did say that a transaction ended, but it named transaction "
            f"{OTHER_TRANSACTION}, which is none of its own. So the test charge on connector 1 is "
            "not known to have ended.",
            "See that it has ended at the charge point, or unplug the cable, and restart the "
            "charge point, so that it forgets what it still counts as running; the engine keeps "
            "trying. Then retry.",
        ),
        alarms=("Test transaction * on connector 1 is still running; * keeps trying to stop it.",),
        pace=replace(PATIENT, stop=timedelta(seconds=3)),
        mend=mending.mended_and_switched_off_and_on,
    ),
    Fault.IGNORES_STOP: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.TRANSACTION_NOT_STOPPED,
            "The test charge on connector 1 could not be stopped remotely.",
            "Stop it at the charge point or unplug the cable; the engine keeps trying.",
        ),
        alarms=("Test transaction * on connector 1 is still running; * keeps trying to stop it.",),
        pace=replace(PATIENT, stop=timedelta(seconds=3)),
        encore=encores.somebody_keeps_trying_to_stop_it,
        mend=mending.unplugged,
    ),
    Fault.STAYS_FINISHING: Case(encore=encores.the_next_run_asks_to_unplug),
}

_METERING: dict[Fault, Case] = {
    Fault.METER_STUCK: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.METER_STANDS_STILL,
            "Power was reported (up to 2* W) and the energy register did not follow: its samples "
            "stayed at * Wh while power over time gives * Wh. Perhaps it counts "
            "whole kWh, or stands still.",
            "Check the wiring of the meter and its unit in the charge point, or update its "
            "firmware, then retry.",
        ),
        pace=replace(PATIENT, charge_at_most=timedelta(seconds=5)),
        mend=mending.on_site,
    ),
    Fault.SECOND_METER_STUCK: Case(
        profile=replace(ABB_TERRA_AC_W22, connectors=2),
        starts=2,
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.METER_STANDS_STILL,
            "Connector 2: Power was reported (up to 2* W) and the energy register did not follow: "
            "its samples stayed at * Wh while power over time gives * Wh. Perhaps it "
            "counts whole kWh, or stands still.",
            "Check the wiring of the meter and its unit in the charge point, or update its "
            "firmware, then retry.",
        ),
        notes=(
            (
                "Connector 1 passed. A retry keeps that, unless the charge point restarts or is "
                "configured anew meanwhile."
            ),
        ),
        pace=replace(PATIENT, charge_at_most=timedelta(seconds=5)),
        mend=mending.on_site,
        encore=encores.only_the_second_connector_failed,
    ),
    Fault.METER_FALLS: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.METER_FELL,
            "The samples of the energy register fell during the test charge, from * to * Wh.",
            "Check the meter and its wiring; a register must never fall. Then retry.",
        ),
        mend=mending.on_site,
    ),
    Fault.METER_RESTARTS: Case(),
    Fault.SAMPLES_RESTART: Case(),
    Fault.MIXED_REGISTERS: Case(
        notes=(
            (
                "* from the start of the session (* Wh at the last), the others for life (* Wh at "
                "the last); they agree."
            ),
        )
    ),
    Fault.REGISTER_BY_THE_CLOCK: Case(
        notes=(
            (
                "* without a transaction (* Wh at the last) were of another register than those of"
                " the transaction (* Wh at the last), and counted for nothing."
            ),
        )
    ),
    Fault.REGISTER_TWICE: Case(
        notes=(
            (
                "* samples named the energy register more than once, with different values (* and "
                "4711 Wh at the last). The first was held against its other numbers."
            ),
        ),
        needs_review=True,
    ),
    Fault.ZERO_READINGS: Case(notes=("* of 0 Wh among others of * Wh counted for nothing.",)),
    Fault.NO_METER_STOP: Case(
        notes=("meterStop is -1, so the charge point does not know it.",),
    ),
    Fault.STOP_EQUALS_START: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.METER_DISAGREES,
            "The meter disagrees with itself: its register at the end is the same as at the start "
            "(* Wh), while its samples rose by * Wh.",
            "Check the meter's type, ratio and wiring in the charge point, or update its firmware, "
            "then retry.",
        ),
        mend=mending.on_site,
    ),
    Fault.START_NOT_READY: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.METER_DISAGREES,
            "The meter disagrees with itself: from its register at the start (0 Wh) to that at the "
            "end (* Wh) it counted * Wh, while its samples rose by * Wh.",
            "Check the meter's type, ratio and wiring in the charge point, or update its firmware, "
            "then retry.",
        ),
        mend=mending.on_site,
    ),
    Fault.ABSURD_STOP: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.METER_DISAGREES,
            "The meter disagrees with itself: from its register at the start (* Wh) to that at the "
            "end (2305843009213693952 Wh) it counted * Wh, while its samples rose by * Wh.",
            "Check the meter's type, ratio and wiring in the charge point, or update its firmware, "
            "then retry.",
        ),
        mend=mending.on_site,
    ),
    Fault.WHOLE_KWH_LABELLED_WH: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.METER_STANDS_STILL,
            "Power was reported (up to 2* W) and the energy register did not follow: its samples "
            "stayed at * Wh while power over time gives * Wh. Perhaps it counts "
            "whole kWh, or stands still.",
            "Check the wiring of the meter and its unit in the charge point, or update its "
            "firmware, then retry.",
        ),
        pace=replace(PATIENT, charge_at_most=timedelta(seconds=5)),
        mend=mending.on_site,
    ),
    Fault.KWH_LABELLED_WH: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.METER_UNITS,
            "The energy readings of the meter look like kWh labelled as Wh: its samples rose by "
            "0.0* Wh, while power over time gives * Wh.",
            "Correct the meter's unit in the charge point or update its firmware, then retry.",
        ),
        mend=mending.on_site,
    ),
    Fault.NO_METER_VALUES: Case(),
    Fault.ZERO_TRANSACTION_ID: Case(),
    Fault.DRAWS_NOTHING: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.NO_ENERGY,
            "The energy register did not move during the test charge: its samples stayed at * Wh, "
            "and its register at the end is the same as at the start (* Wh).",
            "Check that the vehicle or tester draws power and that the meter is wired in, then "
            "retry.",
        ),
        pace=replace(PATIENT, charge_at_most=timedelta(seconds=5)),
        mend=mending.on_site,
    ),
    Fault.ODD_UNIT: Case(),
    Fault.NUMERIC_VALUES: Case(),
    Fault.UNKNOWN_ENERGY_UNIT: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.METER_UNREADABLE,
            "Meter values arrived during the test charge and none of their energy could be read "
            "(* samples): their numbers, units or measurands are not of the standard.",
            "Update the charge point's firmware, or ask its vendor; the log of the run shows them "
            "(GET …/commissioning/{id}/logs).",
        ),
        pace=replace(PATIENT, charge_at_most=timedelta(seconds=5)),
        mend=mending.on_site,
    ),
    Fault.METERS_THE_STATION: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.NO_METER_VALUES,
            "Meter values came during the test charge on connector 1, but none of them was of it: "
            "they were those of the whole charge point (connector 0).",
            "Restart the charge point, so that it forgets old transactions, check in its menu how "
            "its connectors are numbered, then retry; if it happens again, its firmware needs an "
            "update.",
        ),
        pace=replace(PATIENT, charge_at_most=timedelta(seconds=5)),
        mend=mending.mended_and_switched_off_and_on,
    ),
    Fault.BROKEN_METER_VALUES: Case(
        fails=_fails(
            CheckName.TEST_TRANSACTION,
            FailureCode.MESSAGES_UNREADABLE,
            "The charge point sent * MeterValues message* that cannot be used, so no energy "
            "reading is known: *. The first begins *",
            "Update the charge point's firmware, or ask its vendor; the log of the run shows them "
            "(GET …/commissioning/{id}/logs).",
        ),
        pace=replace(PATIENT, charge_at_most=timedelta(seconds=5)),
        mend=mending.on_site,
    ),
}


def _update(
    fails: Verdict | None = None,
    *,
    encore: Callable[[Act], Awaitable[None]] | None = None,
    mend: Callable[[Act], Awaitable[None]] | None = None,
    pace: RunPace = PATIENT,
) -> Case:
    """A charge point with old firmware, told to update it."""
    return Case(
        fails=fails,
        also=(Fault.OLD_FIRMWARE,),
        update_firmware=True,
        updates=1,
        starts=0 if fails else 1,
        encore=encore,
        mend=mend,
        pace=pace,
    )


_FIRMWARE_UPDATE: dict[Fault, Case] = {
    Fault.NO_FIRMWARE_UPDATE: _update(
        _fails(
            CheckName.FIRMWARE_VERSION,
            FailureCode.FIRMWARE_UPDATE_REFUSED,
            "The charge point did not take the order to update its firmware (*).",
            "Update the firmware by hand, in the vendor's app or at the charge point, then retry.",
        ),
        encore=encores.connectors_were_looked_at,
        mend=mending.a_firmware_by_hand,
    ),
    Fault.DOWNLOAD_FAILS: _update(
        _fails(
            CheckName.FIRMWARE_VERSION,
            FailureCode.FIRMWARE_DOWNLOAD_FAILED,
            "The charge point could not download firmware '1.8.32' (DownloadFailed).",
            "Check that the network at the charge point reaches the server of the firmware, then "
            "retry; or update it by hand.",
        ),
        encore=encores.connectors_were_looked_at,
        mend=mending.the_download_is_possible,
    ),
    Fault.INSTALL_FAILS: _update(
        _fails(
            CheckName.FIRMWARE_VERSION,
            FailureCode.FIRMWARE_INSTALL_FAILED,
            "The charge point downloaded firmware '1.8.32' and could not install it "
            "(InstallationFailed).",
            "Restart the charge point and retry; if it happens again, update the firmware by hand.",
        ),
        encore=encores.connectors_were_looked_at,
        mend=mending.mended_and_switched_off_and_on,
    ),
    Fault.SILENT_FIRMWARE_UPDATE: _update(encore=encores.the_new_firmware_is_on_the_record),
    Fault.KEEPS_OLD_FIRMWARE: _update(
        _fails(
            CheckName.FIRMWARE_VERSION,
            FailureCode.FIRMWARE_NOT_UPDATED,
            "The charge point restarted for firmware '1.8.32' and still reports '1.2.0'.",
            "Retry; if it happens again, update the firmware by hand or ask its vendor.",
        ),
        encore=encores.connectors_were_looked_at,
        mend=mending.a_firmware_by_hand,
    ),
    Fault.IGNORES_FIRMWARE_UPDATE: _update(
        _fails(
            CheckName.FIRMWARE_VERSION,
            FailureCode.FIRMWARE_UPDATE_NOT_SEEN,
            "The charge point did not come back with another firmware within 6 s; its last word "
            "was 'Idle'.",
            "Check power and network at the charge point, restart it by hand, then retry.",
        ),
        pace=replace(PATIENT, firmware=timedelta(seconds=6)),
        mend=mending.mended_and_switched_off_and_on,
    ),
}

GROUPS: Mapping[str, Mapping[Fault, Case]] = {
    "identity": _IDENTITY,
    "link": _LINK,
    "configuration": _CONFIGURATION,
    "connectors": _CONNECTORS,
    "local lists": _LOCAL_LISTS,
    "transactions": _TRANSACTIONS,
    "smart charging": _SMART_CHARGING,
    "metering": _METERING,
    "firmware update": _FIRMWARE_UPDATE,
}
