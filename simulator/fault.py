"""The faults that a virtual charge point can have, by name."""

from enum import StrEnum


class Fault(StrEnum):
    """A way in which hardware, firmware or an installer gets it wrong."""

    # what it says of itself
    WRONG_SERIAL = "wrong-serial"
    LONG_SERIAL = "long-serial"
    EMPTY_VENDOR = "empty-vendor"
    NO_SERIAL = "no-serial"
    PLACEHOLDER_SERIAL = "placeholder-serial"
    NAMELESS = "nameless"
    OLD_FIRMWARE = "old-firmware"
    CLOCK_SKEWED = "clock-skewed"
    CLOCK_BEHIND = "clock-behind"
    NO_BOOT_ON_RECONNECT = "no-boot-on-reconnect"
    BOOTS_ONCE = "boots-once"
    # the link
    SILENT = "silent"
    GARBAGE_FRAMES = "garbage-frames"
    NO_HEARTBEAT = "no-heartbeat"
    DROPS_MID_TRANSACTION = "drops-mid-transaction"
    REPEATS_TRANSACTION_MESSAGES = "repeats-transaction-messages"
    STAMPS_REPEATS_ANEW = "stamps-repeats-anew"
    # configuration
    REJECTS_KEY = "rejects-key"
    NEEDS_REBOOT_FOR_KEY = "needs-reboot-for-key"
    REPORTS_BEFORE_REBOOT = "reports-before-reboot"
    MUTE_BEFORE_REBOOT = "mute-before-reboot"
    LACKS_KEY = "lacks-key"
    MISSES_CHANGE = "misses-change"
    BOOT_LOOPS_ON_KEY = "boot-loops-on-key"
    REJECTS_RESET = "rejects-reset"
    IGNORES_RESET = "ignores-reset"
    RESTARTS_ON_ITS_LINK = "restarts-on-its-link"
    DROPS_ON_ALL_KEYS = "drops-on-all-keys"
    # connectors
    CONNECTOR_FAULTED = "connector-faulted"
    STATION_FAULTED = "station-faulted"
    ODD_ERROR_CODE = "odd-error-code"
    ODD_STATUS = "odd-status"
    STALE_STAMPS = "stale-stamps"
    CONNECTOR_UNAVAILABLE = "connector-unavailable"
    STAYS_UNAVAILABLE = "stays-unavailable"
    CABLE_PLUGGED = "cable-plugged"
    SILENT_CONNECTORS = "silent-connectors"
    NO_TRIGGER_MESSAGE = "no-trigger-message"
    HANGS_ON_TRIGGER = "hangs-on-trigger"
    # transactions
    REJECTS_START = "rejects-start"
    START_ACCEPTED_NOTHING_FOLLOWS = "start-accepted-nothing-follows"
    WRONG_CONNECTOR = "wrong-connector"
    STARTS_BY_ITSELF = "starts-by-itself"
    CUTS_TAGS = "cuts-tags"
    FAULTS_MID_TRANSACTION = "faults-mid-transaction"
    FAULTS_AT_THE_END = "faults-at-the-end"
    UNSAFE_WHILE_CHARGING = "unsafe-while-charging"
    ERROR_WHILE_CHARGING = "error-while-charging"
    RESTARTS_MID_TRANSACTION = "restarts-mid-transaction"
    STOP_WITHOUT_ID = "stop-without-id"
    STOPS_ANOTHER = "stops-another"
    IGNORES_STOP = "ignores-stop"
    STAYS_FINISHING = "stays-finishing"
    # local list of id tags
    NO_LOCAL_LIST = "no-local-list"
    LACKS_LISTS = "lacks-lists"
    LIST_VERSION_AS_TEXT = "list-version-as-text"
    KEEPS_NO_LIST = "keeps-no-list"
    FORGETS_LIST = "forgets-list"
    FULL_LISTS_ONLY = "full-lists-only"
    SMALL_LIST = "small-list"
    SHORT_LISTS = "short-lists"
    LIST_SWITCHED_OFF = "list-switched-off"
    LIST_STAYS_OFF = "list-stays-off"
    LIST_AFTER_REBOOT = "list-after-reboot"
    DROPS_ON_LIST = "drops-on-list"
    MUTE_ON_LIST = "mute-on-list"
    # smart charging
    REJECTS_PROFILES = "rejects-profiles"
    TAKES_WATTS = "takes-watts"
    TAKES_AMPERES = "takes-amperes"
    NO_COMPOSITE_SCHEDULE = "no-composite-schedule"
    IDLE_SCHEDULE = "idle-schedule"
    REFUSES_ZERO = "refuses-zero"
    ENDS_AT_ZERO = "ends-at-zero"
    NO_STATION_PROFILE = "no-station-profile"
    NO_SESSION_PROFILE = "no-session-profile"
    IGNORES_PROFILES = "ignores-profiles"
    FORGETS_PROFILES = "forgets-profiles"
    # metering
    METER_STUCK = "meter-stuck"
    SECOND_METER_STUCK = "second-meter-stuck"
    METER_FALLS = "meter-falls"
    METER_RESTARTS = "meter-restarts"
    SAMPLES_RESTART = "samples-restart"
    MIXED_REGISTERS = "mixed-registers"
    REGISTER_BY_THE_CLOCK = "register-by-the-clock"
    REGISTER_TWICE = "register-twice"
    ZERO_READINGS = "zero-readings"
    NO_METER_STOP = "no-meter-stop"
    STOP_EQUALS_START = "stop-equals-start"
    START_NOT_READY = "start-not-ready"
    ABSURD_STOP = "absurd-stop"
    KWH_LABELLED_WH = "kwh-labelled-wh"
    WHOLE_KWH_LABELLED_WH = "whole-kwh-labelled-wh"
    NO_METER_VALUES = "no-meter-values"
    ZERO_TRANSACTION_ID = "zero-transaction-id"
    DRAWS_NOTHING = "draws-nothing"
    ODD_UNIT = "odd-unit"
    NUMERIC_VALUES = "numeric-values"
    UNKNOWN_ENERGY_UNIT = "unknown-energy-unit"
    BROKEN_METER_VALUES = "broken-meter-values"
    METERS_THE_STATION = "meters-the-station"
    # firmware update
    NO_FIRMWARE_UPDATE = "no-firmware-update"
    DOWNLOAD_FAILS = "download-fails"
    INSTALL_FAILS = "install-fails"
    SILENT_FIRMWARE_UPDATE = "silent-firmware-update"
    KEEPS_OLD_FIRMWARE = "keeps-old-firmware"
    IGNORES_FIRMWARE_UPDATE = "ignores-firmware-update"

    @property
    def explanation(self) -> str:
        """Say in a sentence or two what the charge point does."""
        return EXPLANATIONS[self]


EXPLANATIONS: dict[Fault, str] = {
    Fault.WRONG_SERIAL: "Boots with the serial number of another charge point.",
    Fault.LONG_SERIAL: "Boots with a serial number longer than the 25 characters of the schema.",
    Fault.EMPTY_VENDOR: "Boots with an empty vendor name.",
    Fault.NO_SERIAL: "Boots without a serial number: both fields are optional.",
    Fault.PLACEHOLDER_SERIAL: "Boots with a serial number of zeros, as nobody has set one.",
    Fault.NAMELESS: "Boots without vendor and model, though the schema requires them.",
    Fault.OLD_FIRMWARE: "Boots with a firmware version that is years old, until it is updated.",
    Fault.CLOCK_SKEWED: "Its clock runs two hours ahead, and the boot reply does not set it.",
    Fault.CLOCK_BEHIND: "Its clock runs a minute and a half behind, and the boot reply does not "
    "set it: what begins now has not begun yet.",
    Fault.NO_BOOT_ON_RECONNECT: "Sends BootNotification after power-up only, never when a lost "
    "connection comes back.",
    Fault.BOOTS_ONCE: "Sends one BootNotification after power-up, and none again whatever the "
    "answer was.",
    Fault.SILENT: "Connects, then never sends a message nor answers one.",
    Fault.GARBAGE_FRAMES: "Sends a frame that is not OCPP before each of its calls.",
    Fault.NO_HEARTBEAT: "Sends no Heartbeat, whatever HeartbeatInterval says, and none when it is "
    "triggered.",
    Fault.DROPS_MID_TRANSACTION: "Loses its connection once, shortly after the first transaction "
    "began, and comes back with what it has queued.",
    Fault.REPEATS_TRANSACTION_MESSAGES: "Sends each StartTransaction and StopTransaction twice, "
    "as if the reply had been lost.",
    Fault.STAMPS_REPEATS_ANEW: "Sends each StartTransaction once more, with the time of that, and "
    "goes by the second answer.",
    Fault.REJECTS_KEY: "Answers Rejected to any change of MeterValueSampleInterval.",
    Fault.NEEDS_REBOOT_FOR_KEY: "Answers RebootRequired to a change of MeterValueSampleInterval; "
    "the new value counts after the next reboot.",
    Fault.REPORTS_BEFORE_REBOOT: "Answers RebootRequired to a change of MeterValueSampleInterval, "
    "reports the new value at once, and goes by the old one until it reboots.",
    Fault.MUTE_BEFORE_REBOOT: "Answers RebootRequired to a change of MeterValueSampleInterval, "
    "and GetConfiguration with an error from then on until it reboots.",
    Fault.LACKS_KEY: "Does not know AuthorizationCacheEnabled: unknownKey, and NotSupported.",
    Fault.MISSES_CHANGE: "Never answers the first ChangeConfiguration after power-up.",
    Fault.BOOT_LOOPS_ON_KEY: "Once MeterValueSampleInterval was changed, reboots a second after "
    "each boot.",
    Fault.REJECTS_RESET: "Answers Rejected to Reset.",
    Fault.IGNORES_RESET: "Accepts Reset; nothing happens then.",
    Fault.RESTARTS_ON_ITS_LINK: "Restarts after a Reset without breaking its connection: it boots "
    "anew on the same socket.",
    Fault.DROPS_ON_ALL_KEYS: "Loses its connection when it is asked for its whole configuration; "
    "named keys it tells.",
    Fault.CONNECTOR_FAULTED: "Connector 1 is Faulted with GroundFailure and a vendor error code.",
    Fault.STATION_FAULTED: "The station, connector 0, is Faulted; the connectors look well.",
    Fault.ODD_ERROR_CODE: "Connector 1 is Faulted, with an error code that OCPP does not know.",
    Fault.ODD_STATUS: "Connector 1 reports the status Booting, which OCPP does not know.",
    Fault.STALE_STAMPS: "Each status is stamped with a moment days ago, as if nothing had "
    "changed since.",
    Fault.CONNECTOR_UNAVAILABLE: "Connector 1 is Unavailable until ChangeAvailability(Operative).",
    Fault.STAYS_UNAVAILABLE: "Connector 1 is Unavailable, and ChangeAvailability is Rejected.",
    Fault.CABLE_PLUGGED: "A vehicle is plugged in from the start: connector 1 is Preparing.",
    Fault.SILENT_CONNECTORS: "Sends StatusNotification only when it is triggered.",
    Fault.NO_TRIGGER_MESSAGE: "Answers TriggerMessage with the CALLERROR NotImplemented.",
    Fault.HANGS_ON_TRIGGER: "Never answers TriggerMessage.",
    Fault.REJECTS_START: "Answers Rejected to every RemoteStartTransaction.",
    Fault.START_ACCEPTED_NOTHING_FOLLOWS: "Accepts RemoteStartTransaction; nothing happens then.",
    Fault.WRONG_CONNECTOR: "Its connectors are wired in the wrong order: it starts and meters on "
    "another connector than it was asked to. With one connector, it names connector 2.",
    Fault.STARTS_BY_ITSELF: "Lets anybody charge who plugs in, with a tag of its own in place of "
    "the one that it was told, and whether or not that is accepted.",
    Fault.CUTS_TAGS: "Keeps the first 8 characters of an id tag, as its first cards had.",
    Fault.FAULTS_MID_TRANSACTION: "Reports a ground fault on connector 1 shortly after a "
    "transaction began there, and charges on.",
    Fault.FAULTS_AT_THE_END: "Reports a ground fault on connector 1 as a transaction ends there.",
    Fault.UNSAFE_WHILE_CHARGING: "Reports the error code GroundFailure beside the status Charging, "
    "and charges on.",
    Fault.ERROR_WHILE_CHARGING: "Reports the error code OtherError, with words of the vendor, "
    "beside the status Charging.",
    Fault.RESTARTS_MID_TRANSACTION: "Loses its power for a moment shortly after each transaction "
    "began.",
    Fault.STOP_WITHOUT_ID: "StopTransaction carries null as transactionId, and fields of the "
    "vendor's own.",
    Fault.STOPS_ANOTHER: "StopTransaction names a transaction that the charge point never had.",
    Fault.IGNORES_STOP: "Accepts RemoteStopTransaction and goes on charging; a reset, a power "
    "cycle or the vehicle's owner can still stop it.",
    Fault.STAYS_FINISHING: "After a transaction the connector stays Finishing until someone "
    "unplugs the vehicle.",
    Fault.NO_LOCAL_LIST: "Has no local list of id tags, and says so: -1 as its version, and "
    "NotSupported.",
    Fault.LACKS_LISTS: "Answers GetLocalListVersion and SendLocalList with the CALLERROR "
    "NotImplemented.",
    Fault.LIST_VERSION_AS_TEXT: "Answers the version of its local list as a text.",
    Fault.KEEPS_NO_LIST: "Accepts SendLocalList, and keeps nothing of it: its version stays 0.",
    Fault.FORGETS_LIST: "Loses its local list with each restart.",
    Fault.FULL_LISTS_ONLY: "Answers Failed to a SendLocalList that is Differential.",
    Fault.SMALL_LIST: "Keeps 5 id tags at most, whatever LocalAuthListMaxLength says, and answers "
    "Failed to more.",
    Fault.SHORT_LISTS: "Answers Failed to a SendLocalList of more than 5 id tags, whatever "
    "SendLocalListMaxLength says.",
    Fault.LIST_SWITCHED_OFF: "LocalAuthListEnabled is false, and until it is true SendLocalList is "
    "Failed.",
    Fault.LIST_STAYS_OFF: "LocalAuthListEnabled is false and cannot be changed; SendLocalList is "
    "Failed.",
    Fault.LIST_AFTER_REBOOT: "LocalAuthListEnabled is false, and a change of it counts after the "
    "next reboot.",
    Fault.DROPS_ON_LIST: "Loses its connection in place of an answer to SendLocalList.",
    Fault.MUTE_ON_LIST: "Never answers SendLocalList.",
    Fault.REJECTS_PROFILES: "Has forgotten its charging profiles, and answers Rejected to any "
    "new one.",
    Fault.TAKES_WATTS: "Answers Rejected to charging profiles in amperes.",
    Fault.TAKES_AMPERES: "Answers Rejected to charging profiles in watts, and says so in "
    "ChargingScheduleAllowedChargingRateUnit.",
    Fault.NO_COMPOSITE_SCHEDULE: "Answers Rejected to GetCompositeSchedule.",
    Fault.IDLE_SCHEDULE: "Leaves TxDefaultProfile out of GetCompositeSchedule while no transaction "
    "runs on the connector; it obeys it all the same.",
    Fault.REFUSES_ZERO: "Answers Rejected to a charging profile with a limit of 0.",
    Fault.ENDS_AT_ZERO: "Ends a transaction by itself that is limited to 0.",
    Fault.NO_STATION_PROFILE: "Answers Rejected to ChargePointMaxProfile, and takes the others.",
    Fault.NO_SESSION_PROFILE: "Answers Rejected to TxProfile, and takes the others.",
    Fault.IGNORES_PROFILES: "Accepts charging profiles, and draws what it likes. Answers "
    "Rejected to GetCompositeSchedule.",
    Fault.FORGETS_PROFILES: "Loses its charging profiles with each restart.",
    Fault.METER_STUCK: "Power flows, but the energy register does not move.",
    Fault.SECOND_METER_STUCK: "Power flows on the second connector, but its energy register does "
    "not move; the first counts. For a model with several connectors.",
    Fault.METER_FALLS: "The energy register runs backwards during a transaction.",
    Fault.METER_RESTARTS: "The energy register starts at zero in each transaction.",
    Fault.SAMPLES_RESTART: "Samples count from zero in each transaction; the registers at start "
    "and stop are for life.",
    Fault.MIXED_REGISTERS: "Every other sample counts from zero in the transaction, the rest for "
    "life.",
    Fault.REGISTER_BY_THE_CLOCK: "The energy register starts at zero in each transaction; that for "
    "life is sent besides, by the clock and without a transaction.",
    Fault.REGISTER_TWICE: "Each sample names the energy register twice; the second one is of a "
    "meter that stands still.",
    Fault.ZERO_READINGS: "Every third reading of the energy register is 0.",
    Fault.NO_METER_STOP: "StopTransaction carries a meterStop of -1.",
    Fault.STOP_EQUALS_START: "StopTransaction carries as meterStop what meterStart was.",
    Fault.START_NOT_READY: "StartTransaction carries a meterStart of 0; samples and meterStop are "
    "for life.",
    Fault.ABSURD_STOP: "StopTransaction carries a meterStop of 2^61.",
    Fault.KWH_LABELLED_WH: "Energy is reported in kWh under the unit Wh.",
    Fault.WHOLE_KWH_LABELLED_WH: "Energy is reported in whole kWh under the unit Wh.",
    Fault.NO_METER_VALUES: "Sends no MeterValues of its own accord, only when triggered.",
    Fault.ZERO_TRANSACTION_ID: "MeterValues carry transactionId 0.",
    Fault.DRAWS_NOTHING: "The vehicle is full: a transaction runs, and no power flows.",
    Fault.ODD_UNIT: "MeterValues carry, beside good samples, a frequency in Hz, a unit "
    "that OCPP 1.6 does not have.",
    Fault.NUMERIC_VALUES: "The values of samples are numbers in place of texts, and the registers "
    "at start and stop have fractions.",
    Fault.UNKNOWN_ENERGY_UNIT: "Energy is reported in a unit of the vendor's own.",
    Fault.BROKEN_METER_VALUES: "MeterValues are cut off in the middle, and are no JSON.",
    Fault.METERS_THE_STATION: "MeterValues are those of the whole station: of connector 0, and "
    "without a transaction.",
    Fault.NO_FIRMWARE_UPDATE: "Answers UpdateFirmware with the CALLERROR NotSupported.",
    Fault.DOWNLOAD_FAILS: "A firmware update ends with DownloadFailed.",
    Fault.INSTALL_FAILS: "A firmware update ends with InstallationFailed.",
    Fault.SILENT_FIRMWARE_UPDATE: "Updates its firmware without Downloaded or Installed; only the "
    "new boot tells.",
    Fault.KEEPS_OLD_FIRMWARE: "Says that a firmware update is Installed, and comes back with the "
    "firmware it had.",
    Fault.IGNORES_FIRMWARE_UPDATE: "Accepts UpdateFirmware; nothing happens then.",
}
