"""Firmware updates and diagnostics (OCPP 1.6, sections 4.3, 4.5, 5.9 and 5.19)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qs, urlsplit

from simulator.events import EventKind
from simulator.fault import Fault
from simulator.outbox import Outgoing
from simulator.power import Power
from simulator.station import Station
from simulator.words import Action

_VERSION = re.compile(r"\d+(?:\.\d+)+(?:-\d+)?")


class Maintenance:
    """Plays the steps of an update or of an upload; nothing is really downloaded or sent."""

    def __init__(self, station: Station, power: Power) -> None:
        self._station = station
        self._power = power

    def update_firmware(self, location: str, retrieve_date: str) -> None:
        """Begin an update at the date that was asked for."""
        if self._station.has(Fault.IGNORES_FIRMWARE_UPDATE):
            return
        begin = partial(self._download, location)
        self._station.timers.after("firmware", self._seconds_until(retrieve_date), begin)

    def install(self, version: str) -> None:
        """Have this firmware from the next boot on."""
        self._station.firmware = version
        self._station.faults.discard(Fault.OLD_FIRMWARE)

    def report_firmware(self, *, triggered: bool = False) -> None:
        """Send the firmware status."""
        self._report(Action.FIRMWARE_STATUS, self._station.firmware_status, triggered=triggered)

    def report_diagnostics(self, *, triggered: bool = False) -> None:
        """Send the diagnostics status."""
        status = self._station.diagnostics_status
        self._report(Action.DIAGNOSTICS_STATUS, status, triggered=triggered)

    def upload_diagnostics(self) -> None:
        """Pretend to upload the diagnostics."""
        self._station.diagnostics_status = "Uploading"
        self.report_diagnostics()
        self._then("diagnostics", self._uploaded)

    def _uploaded(self) -> None:
        self._station.diagnostics_status = "Uploaded"
        self.report_diagnostics()
        self._station.diagnostics_status = "Idle"

    def _download(self, location: str) -> None:
        self._firmware_is("Downloading")
        if self._station.has(Fault.DOWNLOAD_FAILS):
            self._then("firmware", partial(self._firmware_is, "DownloadFailed"))
        else:
            self._then("firmware", partial(self._downloaded, location))

    def _downloaded(self, location: str) -> None:
        if not self._station.has(Fault.SILENT_FIRMWARE_UPDATE):
            self._firmware_is("Downloaded")
        self._then("firmware", partial(self._install, location))

    def _install(self, location: str) -> None:
        self._firmware_is("Installing")
        if self._station.has(Fault.INSTALL_FAILS):
            self._then("firmware", partial(self._firmware_is, "InstallationFailed"))
        else:
            self._then("firmware", partial(self._installed, location))

    def _installed(self, location: str) -> None:
        if not self._station.has(Fault.SILENT_FIRMWARE_UPDATE):
            self._firmware_is("Installed")
        if not self._station.has(Fault.KEEPS_OLD_FIRMWARE):
            self.install(version_in(location) or self._station.firmware)
        self._then("restart", lambda: self._power.restart(politely=True))

    def _firmware_is(self, status: str) -> None:
        self._station.firmware_status = status
        self._station.events.emit(EventKind.FIRMWARE, f"firmware update: {status}")
        self.report_firmware()

    def _then(self, name: str, callback: Callable[[], None]) -> None:
        self._station.timers.after(name, self._station.profile.firmware_step_seconds, callback)

    def _report(self, action: Action, status: str, *, triggered: bool) -> None:
        self._station.outbox.add(
            Outgoing(action, lambda: {"status": status}, before_accepted=triggered)
        )

    def _seconds_until(self, date: str) -> float:
        try:
            when = datetime.fromisoformat(date)
        except ValueError:
            return 0.0
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max((when - self._station.now()).total_seconds(), 0.0)


def version_in(location: str) -> str | None:
    """Return the version in `version=…` of a URL's query, else in its file name."""
    parts = urlsplit(location)
    asked = parse_qs(parts.query).get("version")
    if asked:
        return asked[0]
    found = _VERSION.findall(parts.path.rsplit("/", 1)[-1])
    return str(found[-1]) if found else None
