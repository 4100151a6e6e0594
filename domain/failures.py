"""Every way a check can fail: a stable code, one sentence of cause, one of action.

The codes are part of the API; `docs/reference/failures.md` is tested against this table.
"""

from dataclasses import replace
from enum import StrEnum

from domain.checks import Failure


class FailureCode(StrEnum):
    """Stable codes of failed checks."""

    RUN_ENDED_FROM_OUTSIDE = "run_ended_from_outside"
    NEVER_CONNECTED = "never_connected"
    CONNECTION_REFUSED = "connection_refused"
    WRONG_IDENTITY = "wrong_identity"
    CHARGE_POINT_BUSY = "charge_point_busy"
    NO_POWER = "no_power"
    CONNECTION_LOST = "connection_lost"
    CONNECTION_UNSTABLE = "connection_unstable"
    BOOT_LOOP = "boot_loop"
    NEVER_AT_REST = "never_at_rest"
    IDENTITY_UNKNOWN = "identity_unknown"
    VENDOR_MISMATCH = "vendor_mismatch"
    MODEL_MISMATCH = "model_mismatch"
    SERIAL_MISMATCH = "serial_mismatch"
    SERIAL_OF_ANOTHER = "serial_of_another"
    CONFIGURATION_REJECTED = "configuration_rejected"
    CONFIGURATION_UNREADABLE = "configuration_unreadable"
    REBOOT_REFUSED = "reboot_refused"
    REBOOT_NOT_SEEN = "reboot_not_seen"
    BOOT_NOT_ACCEPTED = "boot_not_accepted"
    NO_HEARTBEAT = "no_heartbeat"
    HEARTBEAT_MISSING = "heartbeat_missing"
    CLOCK_SKEW = "clock_skew"
    SLOW_LINK = "slow_link"
    FIRMWARE_OUTDATED = "firmware_outdated"
    FIRMWARE_BLOCKED = "firmware_blocked"
    FIRMWARE_UNKNOWN = "firmware_unknown"
    FIRMWARE_UPDATE_REFUSED = "firmware_update_refused"
    FIRMWARE_DOWNLOAD_FAILED = "firmware_download_failed"
    FIRMWARE_INSTALL_FAILED = "firmware_install_failed"
    FIRMWARE_NOT_UPDATED = "firmware_not_updated"
    FIRMWARE_UPDATE_NOT_SEEN = "firmware_update_not_seen"
    FIRMWARE_UPDATE_GIVEN_UP = "firmware_update_given_up"
    FIRMWARE_UPDATE_NOT_CONFIRMED = "firmware_update_not_confirmed"
    CONNECTOR_SILENT = "connector_silent"
    CONNECTOR_FAULTED = "connector_faulted"
    CONNECTOR_UNAVAILABLE = "connector_unavailable"
    CONNECTOR_IN_USE = "connector_in_use"
    CONNECTOR_NOT_THERE = "connector_not_there"
    TRANSACTION_NOT_STARTED = "transaction_not_started"
    TRANSACTION_REJECTED = "transaction_rejected"
    TRANSACTION_ENDED_EARLY = "transaction_ended_early"
    TRANSACTION_NOT_STOPPED = "transaction_not_stopped"
    RESTARTED_IN_CHARGE = "restarted_in_charge"
    STARTED_BY_ITSELF = "started_by_itself"
    CONNECTOR_STATUS_UNKNOWN = "connector_status_unknown"
    WRONG_CONNECTOR = "wrong_connector"
    NO_METER_VALUES = "no_meter_values"
    METER_UNREADABLE = "meter_unreadable"
    MESSAGES_UNREADABLE = "messages_unreadable"
    NO_ENERGY = "no_energy"
    METER_STANDS_STILL = "meter_stands_still"
    METER_FELL = "meter_fell"
    METER_UNITS = "meter_units"
    METER_DISAGREES = "meter_disagrees"
    ENGINE_ERROR = "engine_error"


_SWAP = (
    "If each hangs in the other's bay, swap them (POST …/charge-points/swap with "
    '"charge_point_ids": ["{{id}}", "{other_id}"] and "exchange": "units", or "endpoints" if only '
    "the URLs are mixed up) and commission both; else correct its OCPP URL and retry."
)

_TEXTS: dict[FailureCode, tuple[str, str]] = {
    FailureCode.RUN_ENDED_FROM_OUTSIDE: (
        "The run was ended from outside before it had a verdict ({how}).",
        "Start the commissioning again (POST …/commissioning/{{id}}/start).",
    ),
    FailureCode.NEVER_CONNECTED: (
        "The charge point did not connect within {waited}.{said}",
        (
            "Check its power, that its OCPP URL is its ocpp_endpoint (GET …/charge-points/{{id}}) "
            "and that the network lets WebSocket connections out, then retry; if the unit is dead, "
            'replace it (POST …/charge-points/{{id}}/replace with "serial_number").'
        ),
    ),
    FailureCode.CONNECTION_REFUSED: (
        "The charge point tried to connect and was refused. {reason}",
        "Set that right at the charge point, or in the network before it, then retry.",
    ),
    FailureCode.WRONG_IDENTITY: (
        "The charge point did not connect within {waited}. {said}",
        (
            "Claim {identity} for it ({claim}), or copy the whole OCPP endpoint of the charge "
            "point into its settings, then retry."
        ),
    ),
    FailureCode.CHARGE_POINT_BUSY: (
        "Another task of the engine, {owner}, did not let go of the charge point within {waited}.",
        "Retry; if it happens again, tell operations the id of this run.",
    ),
    FailureCode.NO_POWER: (
        "The supply had no room for a test charge beside the sessions that run, within {waited}.",
        (
            "Wait until fewer vehicles charge, or have the site owner raise the limit of the "
            "supply; then retry."
        ),
    ),
    FailureCode.CONNECTION_LOST: (
        "The charge point went offline during the check and did not come back within {waited}.",
        "Check power and network at the charge point, then retry.",
    ),
    FailureCode.CONNECTION_UNSTABLE: (
        "The connection to the charge point broke again and again during the check.",
        "Check its power supply and its mobile or network signal, then retry.",
    ),
    FailureCode.BOOT_LOOP: (
        (
            "The charge point keeps restarting, or its link keeps breaking: {boots} boots within "
            "{window}, each after a connection of less than {life}."
        ),
        (
            "Check its power supply and network. If its last configuration began it, set that back "
            "in its own menu and customise it to the same (POST …/charge-points/{{id}}/config/"
            "customize), or update its firmware. Then retry."
        ),
    ),
    FailureCode.NEVER_AT_REST: (
        (
            "The charge point came, went or changed its status without end; after {events} events "
            "the run was ended."
        ),
        (
            "Check its power supply, its network and its connectors (the log of the run, GET "
            "…/commissioning/{{id}}/logs, shows what it reported), then retry."
        ),
    ),
    FailureCode.IDENTITY_UNKNOWN: (
        "The charge point is connected but never said what it is (no BootNotification).",
        "Switch the charge point off and on again, then retry.",
    ),
    FailureCode.VENDOR_MISMATCH: (
        "The charge point says its vendor is {reported!r}; {registered!r} was registered.{also}",
        (
            'Correct the vendor that is registered (PATCH …/charge-points/{{id}} with "vendor"), '
            "or its OCPP URL on site if another charge point answers at this address; then retry."
        ),
    ),
    FailureCode.MODEL_MISMATCH: (
        "The charge point says its model is {reported!r}; {registered!r} was registered.",
        (
            'Correct the model that is registered (PATCH …/charge-points/{{id}} with "model"), or '
            "its OCPP URL on site if another charge point answers at this address; then retry."
        ),
    ),
    FailureCode.SERIAL_MISMATCH: (
        "The charge point says its serial number is {reported!r}; {registered!r} was registered.",
        (
            "Compare with the type plate. Correct the serial number that is registered (PATCH "
            '…/charge-points/{{id}} with "serial_number"), or the OCPP URL on site if two charge '
            "points were swapped; then retry."
        ),
    ),
    FailureCode.SERIAL_OF_ANOTHER: (
        (
            "The charge point reports the serial number of another one of the project: "
            "{reported!r} is registered {place}; {registered!r} was registered here."
        ),
        _SWAP,
    ),
    FailureCode.CONFIGURATION_REJECTED: (
        "The charge point did not take the configuration: {parameters}.",
        (
            "Customise these parameters to values that the charge point takes (POST "
            "…/charge-points/{{id}}/config/customize; take_back gives up what it does not have), "
            "or set them in its own menu, then retry."
        ),
    ),
    FailureCode.CONFIGURATION_UNREADABLE: (
        "The charge point did not tell its configuration ({detail}).",
        "Restart the charge point and retry; if it happens again, its firmware needs an update.",
    ),
    FailureCode.REBOOT_REFUSED: (
        "The charge point refused to restart for its configuration ({detail}).",
        "Restart it by hand, then retry.",
    ),
    FailureCode.REBOOT_NOT_SEEN: (
        "The charge point was told to restart and did not report back within {waited}.",
        "Check that the charge point has power, restart it by hand, then retry.",
    ),
    FailureCode.BOOT_NOT_ACCEPTED: (
        "The charge point was accepted and did not announce itself again within {waited}.",
        "Restart the charge point by hand, then retry.",
    ),
    FailureCode.NO_HEARTBEAT: (
        "The charge point sent no heartbeat within {waited}.",
        (
            "Customise HeartbeatInterval to 300 or less (POST "
            "…/charge-points/{{id}}/config/customize), then retry."
        ),
    ),
    FailureCode.HEARTBEAT_MISSING: (
        "The charge point {said} and sent no heartbeat within {waited}.",
        "Restart the charge point and retry; if it happens again, its firmware needs an update.",
    ),
    FailureCode.CLOCK_SKEW: (
        "The clock of the charge point is {skew}; {limit} is allowed.",
        "Set the clock or the time server of the charge point, restart it, then retry.",
    ),
    FailureCode.SLOW_LINK: (
        "A round trip to the charge point takes {ping_ms:.0f} ms; {limit_ms:.0f} ms is allowed.",
        "Improve the mobile or network signal at the charge point, then retry.",
    ),
    FailureCode.FIRMWARE_OUTDATED: (
        "The firmware is {version!r}; at least {minimum!r} is approved.",
        (
            "Update the firmware of the charge point, then retry; or retry with "
            '"update_firmware": true (POST …/commissioning/{{id}}/retry), which leads through it.'
        ),
    ),
    FailureCode.FIRMWARE_BLOCKED: (
        "The firmware {version!r} is on the block list of this model.",
        "Install an approved firmware version, then retry.",
    ),
    FailureCode.FIRMWARE_UNKNOWN: (
        "The firmware {version} is not on the list of approved versions.",
        "Install an approved firmware version, or ask operations to approve this one.",
    ),
    FailureCode.FIRMWARE_UPDATE_REFUSED: (
        "The charge point did not take the order to update its firmware ({detail}).",
        "Update the firmware by hand, in the vendor's app or at the charge point, then retry.",
    ),
    FailureCode.FIRMWARE_DOWNLOAD_FAILED: (
        "The charge point could not download firmware {version!r} ({status}).",
        (
            "Check that the network at the charge point reaches the server of the firmware, then "
            "retry; or update it by hand."
        ),
    ),
    FailureCode.FIRMWARE_INSTALL_FAILED: (
        "The charge point downloaded firmware {version!r} and could not install it ({status}).",
        "Restart the charge point and retry; if it happens again, update the firmware by hand.",
    ),
    FailureCode.FIRMWARE_NOT_UPDATED: (
        "The charge point restarted for firmware {wanted!r} and still reports {version}.",
        "Retry; if it happens again, update the firmware by hand or ask its vendor.",
    ),
    FailureCode.FIRMWARE_UPDATE_NOT_SEEN: (
        ("The charge point did not come back with another firmware within {waited}; {said}."),
        "Check power and network at the charge point, restart it by hand, then retry.",
    ),
    FailureCode.FIRMWARE_UPDATE_GIVEN_UP: (
        "{by} gave up the update of the firmware {version}: {note}",
        "Update the firmware in the vendor's app, then retry.",
    ),
    FailureCode.FIRMWARE_UPDATE_NOT_CONFIRMED: (
        "Nobody said within {waited} that the firmware {version} was updated.",
        "Update the firmware in the vendor's app, then retry.",
    ),
    FailureCode.CONNECTOR_SILENT: (
        "Connector {connector_id} never reported a status. {others}",
        "Restart the charge point and retry; if it happens again, check the connector's wiring.",
    ),
    FailureCode.CONNECTOR_FAULTED: (
        "{place} reports a fault: {error}.",
        "Mend the fault (see the charge point's manual for the code), then retry.",
    ),
    FailureCode.CONNECTOR_UNAVAILABLE: (
        "{place} stays {status} although it was told to become available.",
        "Enable it, or end its reservation, in the charge point's own menu, then retry.",
    ),
    FailureCode.CONNECTOR_IN_USE: (
        "Connector {connector_id} is {status} and was not freed within {waited}.",
        "Unplug the cable from connector {connector_id}, then retry.",
    ),
    FailureCode.CONNECTOR_NOT_THERE: (
        "A test charge was asked for on {asked}; the charge point has {present}.",
        'Retry with "test_connectors": the numbers of those that it has, or "all".',
    ),
    FailureCode.TRANSACTION_NOT_STARTED: (
        (
            "The charge point {answered} the test charge on connector {connector_id}, and no "
            "transaction followed within {waited}."
        ),
        (
            "Plug a vehicle or a tester that is ready to charge into connector {connector_id}, "
            "anew if one is plugged in; if that does not help, restart the charge point. Then "
            "retry."
        ),
    ),
    FailureCode.TRANSACTION_REJECTED: (
        "The charge point refused to start a test charge on connector {connector_id} ({detail}).",
        (
            "Plug a vehicle or a tester into connector {connector_id}; if one is plugged in, check "
            "the charge point's display for the reason, then retry."
        ),
    ),
    FailureCode.TRANSACTION_ENDED_EARLY: (
        (
            "The test charge on connector {connector_id} ended before the engine stopped it "
            "({reason})."
        ),
        (
            "Leave the vehicle or the tester plugged in and ready to charge; if it was, check the "
            "charge point's display for the reason, then retry."
        ),
    ),
    FailureCode.TRANSACTION_NOT_STOPPED: (
        "The test charge on connector {connector_id} could not be stopped remotely.",
        "Stop it at the charge point or unplug the cable; the engine keeps trying.",
    ),
    FailureCode.RESTARTED_IN_CHARGE: (
        "The charge point restarted during the test charge on connector {connector_id}.",
        "Check its power supply (does the voltage break down when a vehicle draws?), then retry.",
    ),
    FailureCode.STARTED_BY_ITSELF: (
        (
            "A charge began on connector {connector_id} {tagged}: the charge point charges without "
            "asking (free charging, autostart or plug and charge), or does not keep the tag that "
            "it is told. {stopped}"
        ),
        (
            "Switch that off in the charge point's own menu, unplug the cable, then retry. If it "
            "is off, its firmware loses the tag and needs an update."
        ),
    ),
    FailureCode.CONNECTOR_STATUS_UNKNOWN: (
        "{place} reports the status {status!r}, which OCPP does not know ({error}).",
        "Restart the charge point and retry; if it happens again, its firmware needs an update.",
    ),
    FailureCode.WRONG_CONNECTOR: (
        "The test charge was asked for on connector {asked} and ran on connector {used}.",
        "Check the connector wiring and numbering in the charge point, then retry.",
    ),
    FailureCode.NO_METER_VALUES: (
        "No usable energy reading arrived during the test charge.",
        (
            "Check that MeterValuesSampledData contains Energy.Active.Import.Register, that "
            "MeterValueSampleInterval is not 0 and that the meter is connected, then retry."
        ),
    ),
    FailureCode.METER_UNREADABLE: (
        (
            "Meter values arrived during the test charge and none of their energy could be read "
            "({samples}): their numbers, units or measurands are not of the standard."
        ),
        (
            "Update the charge point's firmware, or ask its vendor; the log of the run shows them "
            "(GET …/commissioning/{{id}}/logs)."
        ),
    ),
    FailureCode.MESSAGES_UNREADABLE: (
        (
            "The charge point sent {messages} that cannot be used, so {consequence}: {what}. The "
            "first begins {excerpt!r}."
        ),
        (
            "Update the charge point's firmware, or ask its vendor; the log of the run shows them "
            "(GET …/commissioning/{{id}}/logs)."
        ),
    ),
    FailureCode.METER_STANDS_STILL: (
        (
            "Power was reported (up to {power_w} W) and the energy register did not follow: its "
            "samples stayed at {register_wh} Wh while power over time gives {expected_wh} Wh. "
            "{perhaps}"
        ),
        (
            "Check the wiring of the meter and its unit in the charge point, or update its "
            "firmware, then retry."
        ),
    ),
    FailureCode.NO_ENERGY: (
        (
            "The energy register did not move during the test charge: its samples stayed at "
            "{register_wh} Wh{ends}."
        ),
        "Check that the vehicle or tester draws power and that the meter is wired in, then retry.",
    ),
    FailureCode.METER_FELL: (
        (
            "The samples of the energy register fell during the test charge, from {before_wh} to "
            "{after_wh} Wh."
        ),
        "Check the meter and its wiring; a register must never fall. Then retry.",
    ),
    FailureCode.METER_UNITS: (
        ("The energy readings of the meter look like kWh labelled as Wh: {one}, while {other}."),
        "Correct the meter's unit in the charge point or update its firmware, then retry.",
    ),
    FailureCode.METER_DISAGREES: (
        "The meter disagrees with itself: {one}, while {other}.",
        (
            "Check the meter's type, ratio and wiring in the charge point, or update its firmware, "
            "then retry."
        ),
    ),
    FailureCode.ENGINE_ERROR: (
        "The engine could not finish the check; that says nothing about the charge point.",
        "Retry; if it happens again, tell operations the id of this run.",
    ),
}


def failure(code: FailureCode, **facts: object) -> Failure:
    """Make the failure of that code; ``facts`` fill its sentences."""
    cause, action = _TEXTS[code]
    return Failure(code=code, cause=cause.format(**facts), action=action.format(**facts))


def how_to_swap(other_id: str) -> str:
    """Say how it changes places with that other one, as an action that :func:`addressed` takes."""
    return _SWAP.format(other_id=other_id)


def addressed(problem: Failure, charge_point_id: str) -> Failure:
    """Return the failure with the calls in its action made out to that charge point."""
    return replace(problem, action=problem.action.replace("{id}", charge_point_id))
