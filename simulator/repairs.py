"""What a fault changes the moment that it comes or goes; the rest look whether it is there."""

from simulator.connector import Connector
from simulator.fault import Fault
from simulator.hardware import Hardware
from simulator.power import Downtime
from simulator.station import HAS_NO_LIST, LIST_IS_OFF, OLD_FIRMWARE
from simulator.words import Reason


def add(hardware: Hardware, fault: Fault) -> None:
    """Break something, while it runs."""
    station = hardware.station
    station.faults.add(fault)
    first = station.connectors[1]
    match fault:
        case Fault.CONNECTOR_FAULTED | Fault.ODD_ERROR_CODE:
            first.faulted = True
            hardware.charging.stop(first, Reason.OTHER)
        case Fault.STATION_FAULTED:
            station.connectors[0].faulted = True
        case Fault.CONNECTOR_UNAVAILABLE | Fault.STAYS_UNAVAILABLE:
            first.operative = False
        case Fault.CABLE_PLUGGED:
            hardware.charging.plug_in(first)
        case Fault.OLD_FIRMWARE:
            station.firmware = OLD_FIRMWARE
        case _ if fault in LIST_IS_OFF | HAS_NO_LIST:
            station.take_faults_of_its_list()
        case Fault.REJECTS_PROFILES:
            station.charging_profiles.clear({})
            hardware.metering.adjust_all()
        case Fault.DRAWS_NOTHING:
            hardware.metering.adjust_all()
        case _:
            pass
    station.report_all()


def clear(hardware: Hardware, fault: Fault) -> None:
    """Repair something, while it runs."""
    station = hardware.station
    if fault not in station.faults:
        return
    station.faults.discard(fault)
    _mend(station.connectors[1], fault)
    match fault:
        case Fault.STATION_FAULTED:
            station.connectors[0].faulted = False
        case Fault.CABLE_PLUGGED:
            hardware.charging.unplug(station.connectors[1])
        case Fault.OLD_FIRMWARE:
            station.firmware = station.profile.firmware
        case Fault.DRAWS_NOTHING:
            hardware.metering.adjust_all()
        case Fault.STAYS_FINISHING:
            _unplug_finished(hardware, station.outlets)
        case Fault.BOOT_LOOPS_ON_KEY:
            hardware.power.end_boot_loop()
        case Fault.SILENT:
            # It registers as it should have done, with a connection of its own.
            hardware.power.hang_up(Downtime(seconds=0, politely=True))
        case _:
            pass
    station.report_all()


def _mend(connector: Connector, fault: Fault) -> None:
    match fault:
        case (
            Fault.CONNECTOR_FAULTED
            | Fault.ODD_ERROR_CODE
            | Fault.FAULTS_MID_TRANSACTION
            | Fault.FAULTS_AT_THE_END
        ):
            connector.faulted = False
        case Fault.CONNECTOR_UNAVAILABLE | Fault.STAYS_UNAVAILABLE:
            connector.operative = True
        case Fault.ODD_STATUS:
            connector.announced = None  # what it was told meant nothing
        case _:
            pass


def _unplug_finished(hardware: Hardware, outlets: list[Connector]) -> None:
    for connector in outlets:
        if connector.finished and connector.plugged_by_itself:
            hardware.charging.unplug(connector)
